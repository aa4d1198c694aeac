// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: storm DIRECTORY SECONDS PROCESSES
 *
 * Processes that do random operations on the same few files, and are killed at random
 * moments. Their errors may be of many kinds, but never those of a broken filesystem.
 * Status 0 if so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define FILES 24

static unsigned short chance[3];

static unsigned below(unsigned limit)
{
	return (unsigned)nrand48(chance) % limit;
}

static const char *name(void)
{
	static char names[2][32];
	static unsigned turn;
	char *const text = names[turn++ % 2];
	const unsigned number = below(FILES);

	sprintf(text, number % 3 ? "f%u" : "d%u/f%u", number % 3 ? number : number % 6, number);
	return text;
}

/* Errors that no race between honest processes causes. */
static void expect(const char *what, bool good)
{
	switch (good ? 0 : errno) {
	case EIO:
	case ENOTCONN:
	case ECONNABORTED:
	case ENOSYS:
	case EINVAL:
	case EFAULT:
	case EBADF:
	case ESTALE:
	case EREMOTEIO:
	case ENFILE:
	case EMFILE:
	case EPERM:
	case EACCES:
	case EOVERFLOW:
		printf("%s: %s\n", what, strerror(errno));
		fflush(stdout);
		_exit(1);
	default:
		break;
	}
}

/*
 * Between the lookup of a name and its use the file may go, and the kernel looks once
 * more. If that happens twice, it is ESTALE.
 */
#define again(call)                                               \
	({                                                        \
		int result, tries = 5;                            \
		do                                                \
			result = (call);                          \
		while (result < 0 && errno == ESTALE && tries--); \
		result;                                           \
	})

static char bytes[256 << 10];

static void use_map(int fd)
{
	const size_t size = 64 << 10;
	char *const map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	expect("mmap", map != MAP_FAILED);
	if (map == MAP_FAILED)
		return;
	/* by way of a system call, as others may shrink the file meanwhile */
	const int null = open("/dev/null", O_WRONLY), zero = open("/dev/zero", O_RDONLY);

	if (write(null, map, size) < 0 || read(zero, map + below(size / 2), size / 2) < 0)
		errno = 0;
	close(null);
	close(zero);
	munmap(map, size);
}

static void use_fd(int fd)
{
	const int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     FALLOC_FL_ZERO_RANGE};
	const off_t at = below(4 << 20);
	struct stat st;

	switch (below(11)) {
	case 0:
		expect("pwrite", pwrite(fd, bytes, below(sizeof(bytes)), at) >= 0);
		break;
	case 1:
		expect("pread", pread(fd, bytes, below(sizeof(bytes)), at) >= 0);
		break;
	case 2:
		expect("ftruncate", !ftruncate(fd, at));
		break;
	case 3:
		expect("fallocate", !fallocate(fd, modes[below(4)], at, 1 + below(1 << 20)));
		break;
	case 4:
		use_map(fd);
		break;
	case 5:
		expect("fstat", !fstat(fd, &st));
		break;
	case 6:
		expect("lseek", lseek(fd, at, below(2) ? SEEK_DATA : SEEK_HOLE) >= 0);
		break;
	case 7:
		expect("fsync", !fsync(fd));
		break;
	case 8:
		expect("fchmod", !fchmod(fd, 0600 | below(0200)));
		break;
	case 9:
		expect("fsetxattr", !fsetxattr(fd, "user.x", bytes, below(100), 0));
		break;
	default:
		expect("futimens", !futimens(fd, NULL));
	}
}

static void use_two_fds(void)
{
	const int in = open(name(), O_RDONLY), out = open(name(), O_WRONLY);
	struct stat a, b;

	/* overlapping ranges of one file are EINVAL, and rightly */
	if (in >= 0 && out >= 0 && !fstat(in, &a) && !fstat(out, &b) && a.st_ino != b.st_ino) {
		off_t from = below(1 << 20), to = below(1 << 20);

		expect("copy_file_range",
		       copy_file_range(in, &from, out, &to, below(2 << 20), 0) >= 0);
	}
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
}

static void use_directory(void)
{
	static const char *const dirs[] = {".", "d0", "d3"};
	DIR *const dir = opendir(dirs[below(3)]);
	struct stat st;

	expect("opendir", dir);
	if (!dir)
		return;
	errno = 0;
	for (const struct dirent *entry; (entry = readdir(dir));)
		if (below(4) == 0 && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			expect("fstatat", false);
	expect("readdir", errno == 0);
	closedir(dir);
}

static void use_open(void)
{
	static const int flags[] = {
		O_RDWR,		  O_RDWR | O_CREAT,  O_RDWR | O_CREAT | O_EXCL,
		O_RDWR | O_TRUNC, O_RDWR | O_APPEND, O_RDWR | O_CREAT | O_DIRECT};
	const char *const path = name();
	const int how = flags[below(6)];
	const int fd = again(open(path, how, 0666));

	expect("open", fd >= 0);
	if (fd < 0)
		return;
	for (unsigned uses = below(6); uses; uses--)
		use_fd(fd);
	if (below(50)) {
		close(fd);
		return;
	}
	/* the end of the process closes it */
	static unsigned left_open;

	if (left_open++ > 30)
		close(fd);
}

static void use_tmpfile(void)
{
	const int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	char path[32];

	if (fd < 0)
		return;
	use_fd(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (below(2))
		expect("linkat", !linkat(AT_FDCWD, path, AT_FDCWD, name(), AT_SYMLINK_FOLLOW));
	close(fd);
}

static void one_thing(void)
{
	struct statvfs vfs;
	const char *from, *to;
	struct stat st;
	char target[64];

	switch (below(16)) {
	case 0:
		expect("unlink", !unlink(name()));
		break;
	case 1:
		expect("rename", !rename(name(), name()));
		break;
	case 2:
		expect("exchange", !renameat2(AT_FDCWD, name(), AT_FDCWD, name(), RENAME_EXCHANGE));
		break;
	case 3:
		from = name();
		to = name();
		expect("link", !again(link(from, to)));
		break;
	case 4:
		use_directory();
		break;
	case 5:
		from = name();
		expect("stat", !again(stat(from, &st)));
		break;
	case 6:
		from = name();
		expect("truncate", !again(truncate(from, below(1 << 20))));
		break;
	case 7:
		use_two_fds();
		break;
	case 8:
		expect("statvfs", !statvfs(".", &vfs));
		break;
	case 9:
		use_tmpfile();
		break;
	case 10:
		expect("symlink", !symlink("target", name()));
		if (readlink(name(), target, sizeof(target)) < 0 && errno != EINVAL)
			expect("readlink", false);
		break;
	default:
		use_open();
	}
}

static pid_t start(unsigned number)
{
	const pid_t child = fork();

	if (child)
		return child;
	chance[0] = (unsigned short)number;
	chance[1] = (unsigned short)getpid();
	for (;;)
		one_thing();
}

static bool failed(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status);
}

/* Waits for one that was killed; true if another has complained meanwhile. */
static bool bury(pid_t killed)
{
	int status;

	kill(killed, SIGKILL);
	waitpid(killed, NULL, 0);
	return waitpid(-1, &status, WNOHANG) > 0 && failed(status);
}

int main(int argc, char *argv[])
{
	if (argc != 4 || chdir(argv[1]))
		return 2;
	const time_t end = time(NULL) + atoi(argv[2]);
	const unsigned processes = (unsigned)atoi(argv[3]);
	unsigned number = 0;
	bool bad = false;
	int status;

	mkdir("d0", 0777);
	mkdir("d3", 0777);
	pid_t *const pids = calloc(processes, sizeof(*pids));
	for (unsigned i = 0; i < processes; i++)
		pids[i] = start(number++);
	while (time(NULL) < end && !bad) {
		usleep(100000);
		const unsigned i = number % processes;

		bad = bury(pids[i]);
		pids[i] = start(number++);
	}
	/* all remaining files at once */
	for (unsigned i = 0; i < processes; i++)
		kill(pids[i], SIGKILL);
	while (wait(&status) > 0)
		bad |= failed(status);
	free(pids);
	return bad ? 1 : 0;
}
