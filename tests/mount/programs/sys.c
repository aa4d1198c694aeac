// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: sys CALL ARGUMENT...
 *
 * One system call, for the shell: prints what it returned, or the name of the
 * error, with status 0 in either case. FD is a number that the shell has open.
 */
#include "error_name.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct word {
	const char *name;
	long value;
};

static const struct word open_words[] = {
	{"rdonly", O_RDONLY},	{"wronly", O_WRONLY},	    {"rdwr", O_RDWR},
	{"creat", O_CREAT},	{"excl", O_EXCL},	    {"trunc", O_TRUNC},
	{"append", O_APPEND},	{"direct", O_DIRECT},	    {"tmpfile", O_TMPFILE},
	{"path", O_PATH},	{"directory", O_DIRECTORY}, {"nofollow", O_NOFOLLOW},
	{"noatime", O_NOATIME}, {"nonblock", O_NONBLOCK},   {},
};

static const struct word allocate_words[] = {
	{"0", 0},
	{"keep", FALLOC_FL_KEEP_SIZE},
	{"punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE},
	{"zero", FALLOC_FL_ZERO_RANGE},
	{"collapse", FALLOC_FL_COLLAPSE_RANGE},
	{"insert", FALLOC_FL_INSERT_RANGE},
	{},
};

static const struct word rename_words[] = {
	{"0", 0},
	{"noreplace", RENAME_NOREPLACE},
	{"exchange", RENAME_EXCHANGE},
	{"whiteout", RENAME_WHITEOUT},
	{},
};

static const struct word seek_words[] = {
	{"set", SEEK_SET}, {"end", SEEK_END}, {"data", SEEK_DATA}, {"hole", SEEK_HOLE}, {},
};

static const struct word kind_words[] = {
	{"file", S_IFREG}, {"fifo", S_IFIFO},  {"socket", S_IFSOCK},
	{"char", S_IFCHR}, {"block", S_IFBLK}, {},
};

__attribute__((noreturn)) static void misused(const char *what)
{
	fprintf(stderr, "sys: cannot make sense of %s\n", what);
	exit(2);
}

static long long number(const char *text)
{
	char *end;

	errno = 0;
	const long long value = strtoll(text, &end, 0);

	if (errno || *end || end == text)
		misused(text);
	return value;
}

static int fd(const char *text)
{
	return (int)number(text);
}

/* "a+b+c" of the words in @table */
static int words(const struct word *table, const char *text)
{
	char *const copy = strdup(text);
	long value = 0;

	for (char *part = strtok(copy, "+"); part; part = strtok(NULL, "+")) {
		const struct word *word = table;

		while (word->name && strcmp(word->name, part))
			word++;
		if (!word->name)
			misused(part);
		value |= word->value;
	}
	free(copy);
	return (int)value;
}

static struct timespec moment(const char *text)
{
	struct timespec time = {};
	char *dot;

	if (!strcmp(text, "now"))
		time.tv_nsec = UTIME_NOW;
	else if (!strcmp(text, "omit"))
		time.tv_nsec = UTIME_OMIT;
	else
		time.tv_sec = strtoll(text, &dot, 10);
	if (time.tv_nsec == 0 && *dot == '.')
		time.tv_nsec = strtol(dot + 1, NULL, 10);
	return time;
}

static long long sys_open(char **a)
{
	return open(a[0], words(open_words, a[1]), (mode_t)strtol(a[2], NULL, 8)) < 0 ? -1 : 0;
}

/* Goes on with COMMAND, which has the file open as FD. */
static long long sys_with(char **a)
{
	const int wanted = fd(a[0]);
	const int opened = open(a[1], words(open_words, a[2]), (mode_t)strtol(a[3], NULL, 8));

	if (opened < 0 || (opened != wanted && dup2(opened, wanted) < 0))
		return -1;
	if (opened != wanted)
		close(opened);
	execvp(a[4], a + 4);
	return -1;
}

static long long sys_pwrite(char **a)
{
	return pwrite(fd(a[0]), a[2], strlen(a[2]), number(a[1]));
}

static long long sys_write(char **a)
{
	return write(fd(a[0]), a[1], strlen(a[1]));
}

static long long sys_pread(char **a)
{
	char *const bytes = malloc((size_t)number(a[2]) + 1);
	const ssize_t count = pread(fd(a[0]), bytes, (size_t)number(a[2]), number(a[1]));

	for (ssize_t i = 0; i < count; i++)
		printf(bytes[i] >= ' ' && bytes[i] <= '~' ? "%c" : "\\%o", (unsigned char)bytes[i]);
	if (count > 0)
		putchar(' ');
	const int error = errno;

	free(bytes);
	errno = error;
	return count;
}

static long long sys_truncate(char **a)
{
	return truncate(a[0], number(a[1]));
}

static long long sys_ftruncate(char **a)
{
	return ftruncate(fd(a[0]), number(a[1]));
}

static long long sys_fallocate(char **a)
{
	return fallocate(fd(a[0]), words(allocate_words, a[1]), number(a[2]), number(a[3]));
}

static long long sys_seek(char **a)
{
	return lseek(fd(a[0]), number(a[2]), words(seek_words, a[1]));
}

static long long sys_fsync(char **a)
{
	return fsync(fd(a[0]));
}

/* All of it, in as many calls as it takes. */
static long long sys_copy(char **a)
{
	off_t from = number(a[1]), to = number(a[3]);
	size_t left = (size_t)number(a[4]);
	long long done = 0;
	ssize_t count;

	do {
		count = copy_file_range(fd(a[0]), &from, fd(a[2]), &to, left, 0);
		done += count > 0 ? count : 0;
		left -= count > 0 ? (size_t)count : 0;
	} while (count > 0 && left);
	return done ? done : count;
}

static long long sys_sendfile(char **a)
{
	off_t from = number(a[1]);

	return sendfile(fd(a[2]), fd(a[0]), &from, (size_t)number(a[3]));
}

static long long sys_splice(char **a)
{
	off_t from = number(a[1]), to = number(a[3]);
	int ends[2];

	if (pipe(ends))
		return -1;
	const ssize_t in = splice(fd(a[0]), &from, ends[1], NULL, (size_t)number(a[4]), 0);

	return in < 0 ? in : splice(ends[0], NULL, fd(a[2]), &to, (size_t)in, 0);
}

static long long sys_rename(char **a)
{
	return renameat2(AT_FDCWD, a[0], AT_FDCWD, a[1], (unsigned)words(rename_words, a[2]));
}

static long long sys_link_fd(char **a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd(a[0]));
	return linkat(AT_FDCWD, path, AT_FDCWD, a[1], AT_SYMLINK_FOLLOW);
}

static long long sys_mknod(char **a)
{
	return mknod(a[0], (mode_t)words(kind_words, a[1]) | (mode_t)strtol(a[2], NULL, 8), 0x103);
}

static long long sys_mkdir(char **a)
{
	return mkdir(a[0], (mode_t)strtol(a[1], NULL, 8));
}

static long long sys_unlink(char **a)
{
	return unlink(a[0]);
}

static long long sys_rmdir(char **a)
{
	return rmdir(a[0]);
}

static long long sys_symlink(char **a)
{
	return symlink(a[0], a[1]);
}

static long long sys_link(char **a)
{
	return link(a[0], a[1]);
}

static long long sys_chdir(char **a)
{
	return chdir(a[0]);
}

static long long sys_utimens(char **a)
{
	const struct timespec times[] = {moment(a[1]), moment(a[2])};

	return utimensat(AT_FDCWD, a[0], times, AT_SYMLINK_NOFOLLOW);
}

static long long sys_fstat(char **a)
{
	struct stat st;

	if (fstat(fd(a[0]), &st))
		return -1;
	printf("mode %o uid %u gid %u nlink %ju size %jd blocks %jd = ", st.st_mode, st.st_uid,
	       st.st_gid, (uintmax_t)st.st_nlink, (intmax_t)st.st_size, (intmax_t)st.st_blocks);
	return 0;
}

/* Binds, listens, and talks to itself by the name. */
static long long sys_socket(char **a)
{
	const int server = socket(AF_UNIX, SOCK_STREAM, 0),
		  client = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	strncpy(name.sun_path, a[0], sizeof(name.sun_path) - 1);
	if (bind(server, (const struct sockaddr *)&name, sizeof(name)) || listen(server, 1))
		return -1;
	return connect(client, (const struct sockaddr *)&name, sizeof(name));
}

/* The mapping of FD at OFFSET. */
static long long sys_map(char **a)
{
	const int protection = strcmp(a[2], "rw") ? PROT_READ : PROT_READ | PROT_WRITE;
	void *const map = mmap(NULL, 4096, protection, MAP_SHARED, fd(a[0]), number(a[1]));

	return map == MAP_FAILED ? -1 : 0;
}

static const struct call {
	const char *name;
	int arguments;
	long long (*function)(char **arguments);
	const char *usage;
} calls[] = {
	{"open", 3, sys_open, "PATH FLAGS MODE"},
	{"with", 5, sys_with, "FD PATH FLAGS MODE COMMAND..."},
	{"pread", 3, sys_pread, "FD OFFSET LENGTH"},
	{"pwrite", 3, sys_pwrite, "FD OFFSET TEXT"},
	{"write", 2, sys_write, "FD TEXT"},
	{"truncate", 2, sys_truncate, "PATH SIZE"},
	{"ftruncate", 2, sys_ftruncate, "FD SIZE"},
	{"fallocate", 4, sys_fallocate, "FD 0|keep|punch|zero|collapse|insert OFFSET LENGTH"},
	{"seek", 3, sys_seek, "FD set|end|data|hole OFFSET"},
	{"fsync", 1, sys_fsync, "FD"},
	{"copy", 5, sys_copy, "FD OFFSET FD OFFSET LENGTH"},
	{"sendfile", 4, sys_sendfile, "FD OFFSET FD LENGTH"},
	{"splice", 5, sys_splice, "FD OFFSET FD OFFSET LENGTH"},
	{"map", 3, sys_map, "FD OFFSET r|rw"},
	{"fstat", 1, sys_fstat, "FD"},
	{"rename", 3, sys_rename, "PATH PATH 0|noreplace|exchange|whiteout"},
	{"link", 2, sys_link, "PATH PATH"},
	{"link-fd", 2, sys_link_fd, "FD PATH"},
	{"symlink", 2, sys_symlink, "TARGET PATH"},
	{"mknod", 3, sys_mknod, "PATH file|fifo|socket|char|block MODE"},
	{"socket", 1, sys_socket, "PATH"},
	{"mkdir", 2, sys_mkdir, "PATH MODE"},
	{"rmdir", 1, sys_rmdir, "PATH"},
	{"unlink", 1, sys_unlink, "PATH"},
	{"chdir", 1, sys_chdir, "PATH"},
	{"utimens", 3, sys_utimens, "PATH now|omit|SECONDS.NANOSECONDS ..."},
};

static const struct call *find_call(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, name))
			return &calls[i];
	misused(name);
}

int main(int argc, char *argv[])
{
	if (argc < 2)
		misused("nothing");
	const struct call *call = find_call(argv[1]);

	if (argc - 2 < call->arguments) {
		fprintf(stderr, "usage: sys %s %s\n", call->name, call->usage);
		return 2;
	}
	const long long result = call->function(argv + 2);

	if (result < 0)
		puts(error_name(errno));
	else
		printf("%lld\n", result);
	return 0;
}
