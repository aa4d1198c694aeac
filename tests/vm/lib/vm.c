// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "vm.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_UNABLE 77
/* seconds from which on is said how long a test took */
#define TEST_IS_LONG 5

static char context_line[256];

void fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (context_line[0])
		note("%s", context_line);
	fprintf(stdout, "# %s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stdout, fmt, ap);
	va_end(ap);
	fputc('\n', stdout);
	fflush(stdout);
	_exit(1);
}

void unable(const char *fmt, ...)
{
	va_list ap;

	fputs("# unable: ", stdout);
	va_start(ap, fmt);
	vfprintf(stdout, fmt, ap);
	va_end(ap);
	fputc('\n', stdout);
	fflush(stdout);
	_exit(EXIT_UNABLE);
}

void note(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, fmt);
	vfprintf(stdout, fmt, ap);
	va_end(ap);
	fputc('\n', stdout);
	fflush(stdout);
}

void context(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(context_line, sizeof(context_line), fmt, ap);
	va_end(ap);
}

bool rig_is(const char *name)
{
	const char *rig = getenv("rig");

	return rig && !strcmp(rig, name);
}

bool patched(void)
{
	const char *kernel = getenv("rig_kernel");

	return !kernel || strcmp(kernel, "stock");
}

void need_patched(void)
{
	if (!patched())
		unable("a stock kernel does not do this");
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* splitmix64 */
uint64_t rnd(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t rnd_below(uint64_t *state, uint64_t limit)
{
	return limit ? rnd(state) % limit : 0;
}

void pattern(void *buf, size_t len, uint64_t seed)
{
	unsigned char *p = buf;
	uint64_t word;
	size_t n;

	for (; len; p += n, len -= n) {
		word = rnd(&seed);
		n = len < sizeof(word) ? len : sizeof(word);
		memcpy(p, &word, n);
	}
}

ssize_t copy_once(int in, off_t pos_in, int out, off_t pos_out, size_t len)
{
	loff_t from = pos_in, to = pos_out;

	return copy_file_range(in, &from, out, &to, len, 0);
}

size_t copy_some(int in, off_t pos_in, int out, off_t pos_out, size_t len, int *error)
{
	size_t done = 0;
	ssize_t ret;

	*error = 0;
	while (done < len) {
		ret = copy_once(in, pos_in + done, out, pos_out + done, len - done);
		if (ret < 0)
			*error = errno;
		if (ret <= 0)
			break;
		done += ret;
	}
	return done;
}

ssize_t copy_all(int in, off_t pos_in, int out, off_t pos_out, size_t len)
{
	int error;
	size_t done = copy_some(in, pos_in, out, pos_out, len, &error);

	return error ? -error : (ssize_t)done;
}

void read_at(int fd, void *buf, size_t len, off_t pos)
{
	size_t done = 0;
	ssize_t ret;

	while (done < len) {
		ret = pread(fd, (char *)buf + done, len - done, pos + done);
		if (ret <= 0)
			fail(__FILE__, __LINE__, "pread of %zu bytes at %lld is %zd (errno %d)",
			     len - done, (long long)(pos + done), ret, errno);
		done += ret;
	}
}

void write_at(int fd, const void *buf, size_t len, off_t pos)
{
	size_t done = 0;
	ssize_t ret;

	while (done < len) {
		ret = pwrite(fd, (const char *)buf + done, len - done, pos + done);
		if (ret <= 0)
			fail(__FILE__, __LINE__, "pwrite of %zu bytes at %lld is %zd (errno %d)",
			     len - done, (long long)(pos + done), ret, errno);
		done += ret;
	}
}

void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

/* Wait without a look now and then, which would take a part of a slow CPU. */
static bool is_over_within(pid_t pid, unsigned int milliseconds)
{
	struct pollfd end = {.fd = pidfd_open(pid, 0), .events = POLLIN};
	int ret;

	CHECK(end.fd >= 0);
	ret = poll(&end, 1, milliseconds);
	close(end.fd);
	return ret == 1;
}

int outcome(pid_t pid, unsigned int milliseconds)
{
	int status;

	if (!is_over_within(pid, milliseconds))
		return -1;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

ssize_t first_difference(const void *a, const void *b, size_t len)
{
	const char *x = a, *y = b;
	size_t i;

	if (!memcmp(a, b, len))
		return -1;
	for (i = 0; x[i] == y[i]; i++)
		;
	return i;
}

/*
 * A process that the test has left may close a file of a FUSE server that is
 * as dead, and would wait for it for ever.
 */
static void end_connections(void)
{
	static const char dir[] = "/sys/fs/fuse/connections";
	glob_t found;
	size_t i;
	int fd;

	mount("fusectl", dir, "fusectl", 0, NULL);
	if (!glob("/sys/fs/fuse/connections/*/abort", 0, NULL, &found)) {
		for (i = 0; i < found.gl_pathc; i++) {
			fd = open(found.gl_pathv[i], O_WRONLY);
			if (fd < 0)
				continue;
			if (write(fd, "1", 1) != 1)
				note("%s: %m", found.gl_pathv[i]);
			close(fd);
		}
		globfree(&found);
	}
	umount2(dir, MNT_DETACH);
}

/* Wait for a test's process and all that it may have started. */
static int wait_for_test(pid_t pid, unsigned int seconds)
{
	bool over = is_over_within(pid, seconds * 1000);
	int status;

	if (!over)
		note("not over after %u seconds", seconds);
	kill(-pid, SIGKILL);
	end_connections();
	/* it may be beyond killing: don't wait for long */
	status = outcome(pid, 5000);
	if (over && status > 128)
		note("ended by signal %d", status - 128);
	return over && status <= 128 ? status : 1;
}

static int run_test(const struct test *test)
{
	double begin;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return 1;
	if (!pid) {
		setpgid(0, 0);
		test->run();
		fflush(stdout);
		_exit(0);
	}
	setpgid(pid, pid);
	begin = now();
	status = wait_for_test(pid, test->seconds ?: TEST_SECONDS);
	if (now() - begin >= TEST_IS_LONG)
		note("the next took %.0f s", now() - begin);
	return status;
}

/* Arguments select tests by a part of their name. */
static bool selected(const struct test *test, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(test->name, argv[i]))
			return true;
	return argc < 2;
}

int run_case(const struct test *tests, size_t nr, int argc, char **argv)
{
	bool failed = false;
	size_t i;
	int ret;

	for (i = 0; i < nr; i++) {
		if (!selected(&tests[i], argc, argv))
			continue;
		ret = run_test(&tests[i]);
		printf("%s - %s%s\n", ret && ret != EXIT_UNABLE ? "not ok" : "ok", tests[i].name,
		       ret == EXIT_UNABLE ? " # SKIP" : "");
		failed |= ret && ret != EXIT_UNABLE;
	}
	return failed;
}
