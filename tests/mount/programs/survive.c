// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: survive DIRECTORY SECONDS
 *
 * Programs that work in DIRECTORY, each in a directory of its own, and check every result:
 * the process that serves the mount is being killed, and they must not notice. Prints what
 * was noticed, and for each program how much it did and the longest wait for a system call.
 * Status 0 if nothing was.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define PRINTED_MOST 10

static const char *program;
static double end, last, longest;
static unsigned long done, noticed;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Returns @good. The time since the last check counts as that of one call. */
static bool check(bool good, const char *what, int line)
{
	const int error = errno;
	const double time = now();

	longest = time - last > longest ? time - last : longest;
	last = time;
	done++;
	if (!good && noticed++ < PRINTED_MOST)
		printf("%s, line %d: %s (errno %d: %s)\n", program, line, what, error,
		       strerror(error));
	errno = 0;
	return good;
}

#define CHECK(good) check(good, #good, __LINE__)

static bool goes_on(void)
{
	return now() < end;
}

static bool fails_with(int result, int error)
{
	return result < 0 && errno == error;
}

static int make(const char *name, int flags)
{
	const int fd = open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0644);

	CHECK(fd >= 0);
	return fd;
}

static unsigned count_entries(const char *directory)
{
	DIR *dir = opendir(directory);
	unsigned count = 0;

	if (!CHECK(dir != NULL))
		return 0;
	errno = 0;
	while (readdir(dir))
		count++;
	CHECK(errno == 0);
	closedir(dir);
	return count;
}

/* --- programs ---------------------------------------------------------------------------- */

/* Everything that must not be done twice. */
static void names(void)
{
	struct stat st;
	char text[8];

	while (goes_on()) {
		CHECK(!mkdir("d", 0755));
		close(make("d/a", 0));
		CHECK(!link("d/a", "d/b") && !stat("d/a", &st) && st.st_nlink == 2);
		CHECK(!symlink("a", "d/s") && readlink("d/s", text, sizeof(text)) == 1);
		CHECK(!mknod("d/p", S_IFIFO | 0600, 0) && !chown("d/p", 5, 6));
		CHECK(!stat("d/p", &st) && st.st_uid == 5 && (st.st_mode & 07777) == 0600);
		CHECK(!setxattr("d/a", "user.x", "1", 1, XATTR_CREATE));
		CHECK(fails_with(setxattr("d/a", "user.x", "1", 1, XATTR_CREATE), EEXIST));
		CHECK(!removexattr("d/a", "user.x"));
		close(make("d/c", 0));
		CHECK(!stat("d/c", &st));
		CHECK(!renameat2(AT_FDCWD, "d/c", AT_FDCWD, "d/a", RENAME_EXCHANGE));
		const ino_t exchanged = st.st_ino;

		CHECK(!stat("d/a", &st) && st.st_ino == exchanged && st.st_nlink == 1);
		CHECK(!renameat2(AT_FDCWD, "d/a", AT_FDCWD, "d/e", RENAME_NOREPLACE));
		CHECK(fails_with(renameat2(AT_FDCWD, "d/b", AT_FDCWD, "d/e", RENAME_NOREPLACE),
				 EEXIST));
		CHECK(fails_with(mkdir("d/e", 0755), EEXIST) && fails_with(rmdir("d"), ENOTEMPTY));
		CHECK(count_entries("d") == 7);
		CHECK(!rename("d/b", "d/e") && !unlink("d/e") && !unlink("d/c"));
		CHECK(fails_with(unlink("d/c"), ENOENT));
		CHECK(!unlink("d/s") && !unlink("d/p") && !rmdir("d"));
	}
}

static void append(void)
{
	const int fd = make("log", O_APPEND);
	unsigned record[128], count = 0;
	struct stat st;

	while (goes_on()) {
		for (unsigned i = 0; i < 128; i++)
			record[i] = count + i;
		CHECK(write(fd, record, sizeof(record)) == sizeof(record));
		count++;
		CHECK(!fstat(fd, &st) && st.st_size == (off_t)(count * sizeof(record)));
		if (count < 500)
			continue;
		for (unsigned at = 0; at < count; at++)
			CHECK(pread(fd, record, sizeof(record), at * sizeof(record)) ==
				      sizeof(record) &&
			      record[0] == at && record[127] == at + 127);
		CHECK(!ftruncate(fd, 0));
		count = 0;
	}
}

/* A file without a name has its memory until it is closed. */
static void nameless(void)
{
	char bytes[8192], read[8192];
	struct stat st;

	for (int i = 1; goes_on(); i++) {
		const int fd = make("u", 0);

		memset(bytes, i, sizeof(bytes));
		CHECK(pwrite(fd, bytes, sizeof(bytes), 4096) == sizeof(bytes));
		CHECK(!unlink("u"));
		for (int k = 0; k < 5; k++) {
			CHECK(pread(fd, read, sizeof(read), 4096) == sizeof(read));
			CHECK(!memcmp(bytes, read, sizeof(bytes)));
			CHECK(!fstat(fd, &st) && st.st_nlink == 0 && st.st_size == 12288);
			usleep(20000);
			last = now();
		}
		CHECK(!close(fd));
	}
}

static void large(void)
{
	const size_t size = 4 << 20, piece = 1 << 20;
	unsigned *bytes = malloc(size), *back = malloc(size), value = 1;

	while (goes_on()) {
		for (size_t i = 0; i < size / 4; i++)
			bytes[i] = value = value * 1664525 + 1013904223;
		int fd = open("large", O_CREAT | O_TRUNC | O_RDWR, 0644);

		last = now();
		for (size_t at = 0; at < size; at += piece)
			CHECK(write(fd, (char *)bytes + at, piece) == (ssize_t)piece);
		CHECK(!close(fd));
		fd = open("large", O_RDONLY);
		for (size_t at = 0; at < size; at += piece)
			CHECK(read(fd, (char *)back + at, piece) == (ssize_t)piece);
		CHECK(!memcmp(bytes, back, size) && !close(fd));
	}
	free(bytes);
	free(back);
}

/* A listing that is half read, and the lookups of one. */
static void many(void)
{
	char name[32];
	struct stat st;

	for (int i = 0; i < 300; i++) {
		sprintf(name, "file%03d", i);
		close(make(name, 0));
	}
	while (goes_on()) {
		DIR *dir = opendir(".");
		const struct dirent *entry;
		unsigned count = 0;

		if (!CHECK(dir != NULL))
			continue;
		while ((entry = readdir(dir)))
			if (count++ % 3 == 0)
				CHECK(!fstatat(dirfd(dir), entry->d_name, &st, 0));
		CHECK(count == 302);
		closedir(dir);
	}
}

/* Files that are opened and closed all the time, by one name. */
static void opens(void)
{
	int fds[8] = {0};
	char text[8];
	const int fd = make("o", 0);

	CHECK(write(fd, "hello", 5) == 5 && !close(fd));
	for (unsigned i = 0; goes_on(); i++) {
		int *one = &fds[(unsigned)rand() % 8];

		if (*one) {
			CHECK(pread(*one, text, 5, 0) == 5 && !memcmp(text, "hello", 5));
			CHECK(!close(*one));
			*one = 0;
		} else {
			*one = open("o", i % 2 ? O_RDWR : O_RDONLY);
			CHECK(*one > 0);
		}
	}
}

/* A map, where files have them, and a lock. */
static void map(void)
{
	const size_t size = 1 << 20;
	const int fd = make("m", 0);
	unsigned value;

	CHECK(!ftruncate(fd, (off_t)size) && !flock(fd, LOCK_EX));
	volatile unsigned *words = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (words == MAP_FAILED)
		return;
	for (unsigned i = 0; goes_on(); i++) {
		const unsigned at = i * 7919 % (size / 4);
		const int other = i % 256 ? -1 : open("m", O_RDONLY);

		words[at] = i;
		CHECK(pread(fd, &value, 4, at * 4) == 4 && value == i);
		if (other >= 0)
			CHECK(fails_with(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK) &&
			      !close(other));
	}
}

/* --- all of them ------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(void);
} programs[] = {
	{"names", names}, {"append", append}, {"nameless", nameless}, {"large", large},
	{"many", many},	  {"opens", opens},   {"map", map},
};

enum { PROGRAMS = sizeof(programs) / sizeof(programs[0]) };

static int run(unsigned which, const char *directory)
{
	program = programs[which].name;
	if (chdir(directory) || (mkdir(program, 0777) && errno != EEXIST) || chdir(program)) {
		perror(program);
		return 2;
	}
	last = now();
	programs[which].run();
	printf("%s: %lu checks, longest wait %.0f ms, %lu noticed\n", program, done, longest * 1e3,
	       noticed);
	fflush(stdout);
	return noticed != 0;
}

int main(int argc, char *argv[])
{
	int status, worst = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: survive DIRECTORY SECONDS\n");
		return 2;
	}
	end = now() + atof(argv[2]);
	for (unsigned i = 0; i < PROGRAMS; i++) {
		const pid_t child = fork();

		if (!child)
			_exit(run(i, argv[1]));
		if (child < 0)
			return 2;
	}
	while (wait(&status) > 0)
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			worst = 1;
	return worst;
}
