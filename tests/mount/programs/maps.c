// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: maps [-c] DIRECTORY
 *
 * Shared mappings of files in DIRECTORY: one line per expectation, status 1 if one fails.
 * Needs root (to drop the kernel's caches). -c: maps are of a cache in front of the file,
 * so stat shows stores later.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t page;
static const char *doing;

#define check(condition)                                                                        \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			printf("%s: line %d: %s (errno %d: %s)\n", doing, __LINE__, #condition, \
			       errno, strerror(errno));                                         \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

/* A file of @pages pages, filled with 'a'. */
static int new_file(const char *name, size_t pages)
{
	char *const bytes = malloc(pages * page + 1);
	const int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	check(fd >= 0);
	memset(bytes, 'a', pages * page);
	check(write(fd, bytes, pages * page) == (ssize_t)(pages * page));
	free(bytes);
	return fd;
}

static volatile char *map_of(int fd, size_t pages)
{
	void *const map = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	check(map != MAP_FAILED);
	return map;
}

static char byte_of(const char *name, off_t offset)
{
	const int fd = open(name, O_RDONLY);
	char byte = 0;

	check(fd >= 0);
	check(pread(fd, &byte, 1, offset) == 1);
	close(fd);
	return byte;
}

/* --- faults --------------------------------------------------------------- */

static sigjmp_buf out_of_bounds;

static void on_sigbus(int number)
{
	(void)number;
	siglongjmp(out_of_bounds, 1);
}

static bool faults(const volatile char *byte)
{
	if (sigsetjmp(out_of_bounds, 1))
		return true;
	(void)*byte;
	return false;
}

/* So that the kernel forgets all that is not in use. */
static void forget_names(void)
{
	const int caches = open("/proc/sys/vm/drop_caches", O_WRONLY);

	for (int i = 0; i < 3; i++)
		check(write(caches, "2", 1) == 1);
	close(caches);
}

/* A huge page leaves no holes. */
static bool is_full(const struct stat *st)
{
	return (off_t)st->st_blocks * 512 >= st->st_size;
}

/* --- expectations ------------------------------------------------------------ */

static void a_store_is_read(void)
{
	const int fd = new_file("file", 2);
	volatile char *const map = map_of(fd, 2);
	char byte = 0;

	map[page + 1] = 'M';
	check(pread(fd, &byte, 1, (off_t)page + 1) == 1 && byte == 'M');
	check(byte_of("file", (off_t)page + 1) == 'M');
}

static void a_write_is_loaded(void)
{
	const int fd = new_file("file", 2);
	const int other = open("file", O_WRONLY);
	volatile char *const map = map_of(fd, 2);

	check(map[0] == 'a');
	check(pwrite(fd, "w", 1, 0) == 1 && map[0] == 'w');
	check(pwrite(other, "x", 1, (off_t)page) == 1 && map[page] == 'x');
}

/* On a dma-heap memory that is allocated in advance is a dma-buf. */
static void sync_in(bool in_advance)
{
	const int fd = new_file("file", 2);

	if (in_advance)
		check(!posix_fallocate(fd, 0, (off_t)(2 * page)));
	char *const map = (char *)(uintptr_t)map_of(fd, 2);

	map[0] = 's';
	check(!msync(map, 2 * page, MS_SYNC));
	check(!msync(map, page, MS_ASYNC | MS_INVALIDATE));
	check(map[0] == 's' && byte_of("file", 0) == 's');
	check(!fsync(fd) && !fdatasync(fd));
}

static void msync_is_fine(void)
{
	sync_in(false);
	sync_in(true);
}

static void it_outlives_close(void)
{
	const int fd = new_file("file", 1);
	volatile char *const map = map_of(fd, 1);

	close(fd);
	map[0] = 'c';
	check(byte_of("file", 0) == 'c');
	const int again = open("file", O_RDWR);
	check(pwrite(again, "d", 1, 0) == 1 && map[0] == 'd');
	close(again);
	check(map[0] == 'd');
}

static void it_outlives_unlink(void)
{
	const int fd = new_file("file", 2);
	volatile char *const map = map_of(fd, 2);

	map[0] = 'u';
	check(!unlink("file"));
	check(map[0] == 'u');
	close(fd);
	usleep(20000); /* RELEASE comes in its own time */
	map[page] = 'v';
	check(map[0] == 'u' && map[page] == 'v' && map[1] == 'a');
	/* and the next caller gets new memory */
	const int next = new_file("next", 2);
	volatile char *const other = map_of(next, 2);
	map[1] = 'w';
	check(other[1] == 'a');
	other[2] = 'x';
	check(map[2] == 'a');
}

static void it_outlives_replacement(void)
{
	const int fd = new_file("file", 1);
	volatile char *const map = map_of(fd, 1);
	const int other = new_file("new", 1);

	check(pwrite(other, "n", 1, 0) == 1);
	check(!rename("new", "file"));
	check(map[0] == 'a');
	map[0] = 'o';
	check(byte_of("file", 0) == 'n');
}

static void it_outlives_forget(void)
{
	const int fd = new_file("file", 1);
	struct stat st, later;

	check(!ftruncate(fd, 4 * (off_t)page));
	volatile char *const map = map_of(fd, 4);
	close(fd);
	usleep(20000);
	forget_names();
	check(!utimensat(AT_FDCWD, "file", (const struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 1}},
			 0));
	check(!stat("file", &st));
	map[3 * page] = 'f';
	check(!stat("file", &later));
	check(byte_of("file", 3 * (off_t)page) == 'f');
	check(later.st_blocks == st.st_blocks + (blkcnt_t)page / 512 || is_full(&st));
	check(later.st_mtim.tv_sec > st.st_mtim.tv_sec);
}

static void stat_sees_a_store_at_once(void)
{
	const int fd = new_file("file", 1);
	const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct stat st, later;

	check(!ftruncate(fd, 4 * (off_t)page));
	close(fd);
	check(!utimensat(AT_FDCWD, "file", old, 0));
	check(!stat("file", &st) && (st.st_blocks == (blkcnt_t)page / 512 || is_full(&st)));
	const int again = open("file", O_RDWR);
	volatile char *const map = map_of(again, 4);
	check(!stat("file", &st));
	map[2 * page] = 'f';
	check(!stat("file", &later));
	check(later.st_blocks == st.st_blocks + (blkcnt_t)page / 512 || is_full(&st));
	check(later.st_mtim.tv_sec > 1 && later.st_size == 4 * (off_t)page);
	check(lseek(again, (off_t)page, SEEK_DATA) == 2 * (off_t)page || is_full(&st));
}

static void beyond_the_end_is_sigbus(void)
{
	const int fd = new_file("file", 1);
	volatile char *const map = map_of(fd, 3);

	check(!faults(&map[page - 1]) && faults(&map[page]));
	check(!ftruncate(fd, 2 * (off_t)page));
	check(!faults(&map[page]) && map[page] == 0 && faults(&map[2 * page]));
}

static void shrinking_takes_pages_away(void)
{
	const int fd = new_file("file", 3);
	volatile char *const map = map_of(fd, 3);

	map[2 * page] = 'x';
	check(!truncate("file", (off_t)page + 10));
	check(map[page] == 'a' && map[page + 9] == 'a');
	check(map[page + 10] == 0); /* nothing old between the size and the page's end */
	check(faults(&map[2 * page]));
	check(!ftruncate(fd, 3 * (off_t)page));
	check(map[page + 9] == 'a' && map[page + 10] == 0 && map[2 * page] == 0);
	map[2 * page] = 'y';
	check(byte_of("file", 2 * (off_t)page) == 'y');
}

static void emptied_by_open_it_has_no_old_byte(void)
{
	const int fd = new_file("file", 2);
	volatile char *const map = map_of(fd, 2);
	const int again = open("file", O_WRONLY | O_TRUNC);

	check(again >= 0 && faults(&map[0]));
	check(pwrite(again, "n", 1, 0) == 1);
	check(map[0] == 'n' && map[1] == 0 && faults(&map[page]));
	check(!ftruncate(again, 2 * (off_t)page));
	check(map[page] == 0);
}

static void a_hole_punched_is_seen(void)
{
	const int fd = new_file("file", 3);
	volatile char *const map = map_of(fd, 3);

	check(map[page] == 'a');
	check(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)page, (off_t)page));
	check(map[page] == 0 && map[0] == 'a' && map[2 * page] == 'a');
	check(!fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, (off_t)page));
	check(map[0] == 0 && map[2 * page] == 'a');
}

static void a_private_map_keeps_to_itself(void)
{
	const int fd = new_file("file", 2);
	char *const map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	check(map != MAP_FAILED);
	map[0] = 'p';
	check(byte_of("file", 0) == 'a');
	check(pwrite(fd, "q", 1, (off_t)page) == 1 && map[page] == 'q');
}

static void processes_share_it(void)
{
	const int fd = new_file("file", 1);
	volatile char *const map = map_of(fd, 1);
	int status;

	const pid_t child = fork();
	if (!child) {
		map[0] = 'k';
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && status == 0);
	check(map[0] == 'k');
}

static void rights_are_those_of_the_open(void)
{
	close(new_file("file", 1));
	const int reader = open("file", O_RDONLY), writer = open("file", O_WRONLY);

	errno = 0;
	check(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED &&
	      errno == EACCES);
	check(mmap(NULL, page, PROT_READ, MAP_SHARED, writer, 0) == MAP_FAILED && errno == EACCES);
	void *const map = mmap(NULL, page, PROT_READ, MAP_SHARED, reader, 0);
	check(map != MAP_FAILED);
	errno = 0;
	check(mprotect(map, page, PROT_READ | PROT_WRITE) && errno == EACCES);
}

/* The memory that is read into is the memory that is read from. */
static void io_with_itself_does_not_hang(void)
{
	const int fd = new_file("file", 8);
	char *const map = (char *)(uintptr_t)map_of(fd, 8);

	map[0] = 'i';
	check(pread(fd, map + 4 * page, 2 * page, 0) == 2 * (ssize_t)page && map[4 * page] == 'i');
	check(pwrite(fd, map, 2 * page, 6 * (off_t)page) == 2 * (ssize_t)page &&
	      map[6 * page] == 'i');
	check(write(fd, map, 8 * page) == 8 * (ssize_t)page);
	check(!madvise(map, 8 * page, MADV_DONTNEED) && map[0] == 'i');
}

/* Nothing of the file is mapped at first: the copy faults it in. */
static void io_from_a_fresh_map(void)
{
	const int from = new_file("from", 8), to = new_file("to", 8);
	char *const source = (char *)(uintptr_t)map_of(from, 8);
	char *const target = (char *)(uintptr_t)map_of(to, 8);

	check(pwrite(from, "f", 1, 3 * (off_t)page) == 1);
	check(pwrite(to, source, 8 * page, 0) == 8 * (ssize_t)page);
	check(byte_of("to", 3 * (off_t)page) == 'f');
	check(!ftruncate(to, 0) && !ftruncate(to, 8 * (off_t)page));
	check(pread(from, target, 8 * page, 0) == 8 * (ssize_t)page);
	check(byte_of("to", 3 * (off_t)page) == 'f');
}

static void remapped_and_far_away(void)
{
	const int fd = new_file("file", 1);
	const off_t far = ((off_t)5 << 30) + (off_t)page;

	check(pwrite(fd, "F.", 2, far) == 2);
	volatile char *const map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, far);
	check(map != MAP_FAILED && map[0] == 'F');
	map[1] = 'G';
	check(byte_of("file", far + 1) == 'G');
	check(!ftruncate(fd, 2 * (off_t)page));
	void *const near = (void *)(uintptr_t)map_of(fd, 1);
	volatile char *const grown = mremap(near, page, 2 * page, MREMAP_MAYMOVE);
	check(grown != MAP_FAILED && grown[0] == 'a' && grown[page] == 0);
}

static const struct test {
	const char *name;
	void (*function)(void);
	bool is_of_stat;
} tests[] = {
#define TEST(name)                 \
	{                          \
#name, name, false \
	}
	TEST(a_store_is_read),
	TEST(a_write_is_loaded),
	TEST(msync_is_fine),
	TEST(it_outlives_close),
	TEST(it_outlives_unlink),
	TEST(it_outlives_replacement),
	{"it_outlives_forget", it_outlives_forget, true},
	{"stat_sees_a_store_at_once", stat_sees_a_store_at_once, true},
	TEST(beyond_the_end_is_sigbus),
	TEST(shrinking_takes_pages_away),
	TEST(emptied_by_open_it_has_no_old_byte),
	TEST(a_hole_punched_is_seen),
	TEST(a_private_map_keeps_to_itself),
	TEST(processes_share_it),
	TEST(rights_are_those_of_the_open),
	TEST(io_with_itself_does_not_hang),
	TEST(io_from_a_fresh_map),
	TEST(remapped_and_far_away),
};

/* Each in a process of its own, so that its maps go with it. */
static bool holds(const struct test *test)
{
	int status = 0;

	fflush(stdout);
	const pid_t child = fork();
	if (!child) {
		doing = test->name;
		test->function();
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("%s: %s\n", test->name, status ? "FAILED" : "holds");
	return status == 0;
}

int main(int argc, char *argv[])
{
	unsigned failed = 0;
	const bool cached = argc == 3 && !strcmp(argv[1], "-c");

	if (argc != 2 + cached || chdir(argv[1 + cached]))
		return 2;
	page = (size_t)sysconf(_SC_PAGESIZE);
	signal(SIGBUS, on_sigbus);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!cached || !tests[i].is_of_stat)
			failed += !holds(&tests[i]);
	return failed ? 1 : 0;
}
