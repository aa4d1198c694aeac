/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the guest tests: a case is a file with one table of tests.
 *
 *	static void copies_nothing(void) { CHECK(...); }
 *	CASE(
 *		{ "an empty range copies nothing", copies_nothing },
 *	)
 *
 * Every test runs in a process of its own, as root, in an empty directory,
 * and is over after TEST_SECONDS at the latest. It ends by returning, by a CHECK that
 * fails, or by unable(). Helpers end the test on failure: a test need not check their
 * results.
 */
#ifndef VM_H
#define VM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TEST_SECONDS 60
#define KIB	     1024ul
#define MIB	     (1024 * KIB)
#define GIB	     (1024 * MIB)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct test {
	const char *name;
	void (*run)(void);
	unsigned int seconds; /* 0: TEST_SECONDS */
};

int run_case(const struct test *tests, size_t nr, int argc, char **argv);

#define CASE(...)                                                      \
	static const struct test tests[] = {__VA_ARGS__};              \
	int main(int argc, char **argv)                                \
	{                                                              \
		return run_case(tests, ARRAY_SIZE(tests), argc, argv); \
	}

/* End the test as failed, as not possible in this rig. */
void fail(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
void unable(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* A line for the log, at once or only if the test then fails. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void context(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(cond)                                                              \
	do {                                                                     \
		if (!(cond))                                                     \
			fail(__FILE__, __LINE__, "%s (errno %d)", #cond, errno); \
	} while (0)

#define CHECK_EQ(a, b)                                                                          \
	do {                                                                                    \
		long long a_ = (a), b_ = (b);                                                   \
		if (a_ != b_)                                                                   \
			fail(__FILE__, __LINE__, "%s is %lld, not %lld (errno %d)", #a, a_, b_, \
			     errno);                                                            \
	} while (0)

#define CHECK_ERRNO(expr, err)                                                               \
	do {                                                                                 \
		long long r_ = (expr);                                                       \
		if (r_ != -1 || errno != (err))                                              \
			fail(__FILE__, __LINE__, "%s is %lld (errno %d), not %s", #expr, r_, \
			     r_ == -1 ? errno : 0, #err);                                    \
	} while (0)

/* The rig of the test; patched() is true on debug kernels as well. */
bool rig_is(const char *name);
bool patched(void);
void need_patched(void);

/* Time on a clock that only goes forward, in seconds. */
double now(void);

/* The same numbers for the same seed with every C library. */
uint64_t rnd(uint64_t *state);
uint64_t rnd_below(uint64_t *state, uint64_t limit);
/* Bytes that depend on their position, so that a shifted copy shows. */
void pattern(void *buf, size_t len, uint64_t seed);

/*
 * Copy exactly len bytes however many calls it takes; returns the bytes copied
 * before the end of the file or -errno of the first call that failed.
 */
ssize_t copy_all(int in, off_t pos_in, int out, off_t pos_out, size_t len);
/* The same, returning the bytes copied even after an error. */
size_t copy_some(int in, off_t pos_in, int out, off_t pos_out, size_t len, int *error);
/* One copy_file_range(2) at given positions. */
ssize_t copy_once(int in, off_t pos_in, int out, off_t pos_out, size_t len);

/* End the test unless the whole buffer can be read or written at pos. */
void read_at(int fd, void *buf, size_t len, off_t pos);
void write_at(int fd, const void *buf, size_t len, off_t pos);
/* Memory, zeroed, that the test's children have as well. */
void *shared_memory(size_t size);
/*
 * How a child of the test ends within that time: its exit status, 128 and the
 * signal, or -1 when it goes on.
 */
int outcome(pid_t pid, unsigned int milliseconds);
/* The first byte in which two pieces of memory differ, or -1. */
ssize_t first_difference(const void *a, const void *b, size_t len);

#endif
