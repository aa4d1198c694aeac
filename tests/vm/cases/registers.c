// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Floating point and vector registers are each thread's own. On User Mode Linux
 * that is the work of kernel/series/um.
 */
#define _GNU_SOURCE
#include "vm.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__

#define NR     16 /* registers, of two words in a CPU without AVX, or four */
#define ROUNDS 2000

struct vectors {
	uint64_t words[NR][4];
};

static void draw(struct vectors *v, uint64_t seed)
{
	pattern(v, sizeof(*v), seed);
}

#define ALL(op)                                                                                 \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) \
		op(14) op(15)
#define LOAD_SSE(n) "movups 32*" #n "(%[in]), %%xmm" #n "\n\t"
#define SAVE_SSE(n) "movups %%xmm" #n ", 32*" #n "(%[out])\n\t"
#define LOAD_AVX(n) "vmovups 32*" #n "(%[in]), %%ymm" #n "\n\t"
#define SAVE_AVX(n) "vmovups %%ymm" #n ", 32*" #n "(%[out])\n\t"
#define CLOBBERED                                                                               \
	"rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", \
		"xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/*
 * One system call with the registers of in: what it returns, and in out what
 * they are then.
 */
static long call4(const struct vectors *in, struct vectors *out, long nr, long a, long b, long c,
		  long d)
{
	register long r10 asm("r10") = d;
	long ret;

	*out = *in; /* registers that the CPU lacks are not compared */
	if (__builtin_cpu_supports("avx"))
		asm volatile(ALL(LOAD_AVX) "syscall\n\t" ALL(SAVE_AVX)
			     : "=a"(ret)
			     : "a"(nr), "D"(a), "S"(b), "d"(c),
			       "r"(r10), [in] "r"(in), [out] "r"(out)
			     : CLOBBERED);
	else
		asm volatile(ALL(LOAD_SSE) "syscall\n\t" ALL(SAVE_SSE)
			     : "=a"(ret)
			     : "a"(nr), "D"(a), "S"(b), "d"(c),
			       "r"(r10), [in] "r"(in), [out] "r"(out)
			     : CLOBBERED);
	return ret;
}

static long call(const struct vectors *in, struct vectors *out, long nr, long a, long b)
{
	return call4(in, out, nr, a, b, 0, 0);
}

/* The same with a store to memory in place of the call. */
static void store(const struct vectors *in, struct vectors *out, char *where)
{
	*out = *in;
	if (__builtin_cpu_supports("avx"))
		asm volatile(ALL(LOAD_AVX) "movb $1, (%[where])\n\t" ALL(SAVE_AVX)
			     :
			     : [where] "r"(where), [in] "r"(in), [out] "r"(out)
			     : CLOBBERED);
	else
		asm volatile(ALL(LOAD_SSE) "movb $1, (%[where])\n\t" ALL(SAVE_SSE)
			     :
			     : [where] "r"(where), [in] "r"(in), [out] "r"(out)
			     : CLOBBERED);
}

static bool same(const struct vectors *a, const struct vectors *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void calls_and_faults(void)
{
	const size_t size = 200 * 4 * KIB;
	struct vectors in, out;
	size_t i;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	for (i = 0; i < size; i += 4 * KIB) {
		draw(&in, i);
		CHECK_EQ(call(&in, &out, SYS_getpid, 0, 0), getpid());
		CHECK(same(&in, &out));
		store(&in, &out, memory + i);
		CHECK(same(&in, &out));
	}
	draw(&in, size);
	CHECK_EQ(call(&in, &out, SYS_munmap, (long)memory, size), 0);
	CHECK(same(&in, &out));
}

static void *yields(void *seed)
{
	struct vectors in, out;
	long i;

	for (i = 0; i < ROUNDS; i++) {
		draw(&in, (uintptr_t)seed + i);
		if (call(&in, &out, SYS_sched_yield, 0, 0) || !same(&in, &out))
			return (void *)1;
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[3];
	void *wrong;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(thread); i++)
		CHECK(!pthread_create(&thread[i], NULL, yields, (void *)(i * 1000000)));
	for (i = 0; i < ARRAY_SIZE(thread); i++) {
		CHECK(!pthread_join(thread[i], &wrong));
		CHECK(!wrong);
	}
}

static void *ends(void *unused)
{
	struct vectors in, out;

	(void)unused;
	draw(&in, 77);
	call(&in, &out, SYS_sched_yield, 0, 0);
	call(&in, &out, SYS_exit, 0, 0);
	return NULL;
}

static void threads_that_end(void)
{
	struct timespec while_they_run = {.tv_nsec = 2 * 1000 * 1000};
	struct vectors in, out;
	pthread_attr_t detached;
	pthread_t thread;
	int i;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	for (i = 0; i < 100; i++) {
		CHECK(!pthread_create(&thread, &detached, ends, NULL));
		draw(&in, i);
		CHECK_EQ(call(&in, &out, SYS_nanosleep, (long)&while_they_run, 0), 0);
		CHECK(same(&in, &out));
	}
}

static void children(void)
{
	struct vectors in, out;
	long pid;
	int i;

	for (i = 0; i < 20; i++) {
		draw(&in, i);
		pid = call(&in, &out, SYS_fork, 0, 0);
		if (!pid)
			_exit(!same(&in, &out));
		CHECK(pid > 0);
		CHECK(same(&in, &out));
		CHECK_EQ(outcome(pid, 10 * 1000), 0);
	}
}

static volatile int signals;

static void handler(int sig)
{
	struct vectors other, out;

	(void)sig;
	draw(&other, 1234567);
	call(&other, &out, SYS_sched_yield, 0, 0);
	signals++;
}

static void signals_return(void)
{
	struct vectors in, out;
	int i;

	signal(SIGUSR1, handler);
	for (i = 0; i < 200; i++) {
		draw(&in, i);
		CHECK_EQ(call(&in, &out, SYS_kill, getpid(), SIGUSR1), 0);
		CHECK(same(&in, &out));
		CHECK_EQ(signals, i + 1);
	}
}

static void debuggers(void)
{
	struct user_fpregs_struct theirs;
	struct vectors in, out;
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(ptrace(PTRACE_GETFPREGS, pid, 0, &theirs), 0);
	pattern(theirs.xmm_space, sizeof(theirs.xmm_space), 55);
	draw(&in, 66);
	CHECK_EQ(call4(&in, &out, SYS_ptrace, PTRACE_SETFPREGS, pid, 0, (long)&theirs), 0);
	CHECK(same(&in, &out));
	CHECK_EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	CHECK_EQ(outcome(pid, 10 * 1000), 0);
}

CASE({"registers outlive system calls and page faults", calls_and_faults},
     {"threads have registers of their own", threads},
     {"the end of a thread keeps the registers of others", threads_that_end},
     {"a child has its parent's registers", children},
     {"registers survive a signal", signals_return},
     {"a debugger changes the registers of others alone", debuggers}, )

#else

static void another_cpu(void)
{
	unable("this is a test of x86-64 registers");
}

CASE({"threads have registers of their own", another_cpu}, )

#endif
