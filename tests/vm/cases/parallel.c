// SPDX-License-Identifier: GPL-2.0-or-later
/* Many copies at once. */
#define _GNU_SOURCE
#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 16
#define SIZE	(1 * MIB)
#define ROUNDS	20

struct job {
	pthread_t thread;
	int buffer, file, rounds;
	off_t at; /* in the buffer */
	char *content;
};

/* Read it in, compare, write it out again: the file stays as it is. */
static void *work(void *arg)
{
	struct job *job = arg;
	int i;

	for (i = 0; i < job->rounds; i++) {
		CHECK_EQ(copy_all(job->file, 0, job->buffer, job->at, SIZE), SIZE);
		expect(job->buffer, job->content, SIZE, job->at);
		CHECK_EQ(copy_all(job->buffer, job->at, job->file, 0, SIZE), SIZE);
	}
	return NULL;
}

static void run_jobs(int shared_buffer, const char *kind)
{
	static struct job jobs[THREADS];
	char name[32];
	int i;

	for (i = 0; i < THREADS; i++) {
		struct job *job = &jobs[i];

		job->content = malloc(SIZE);
		pattern(job->content, SIZE, 91 + i);
		snprintf(name, sizeof(name), "parallel%d", i);
		job->file = make_file(i & 1 ? "xfs" : "ext4", name, job->content, SIZE,
				      O_RDWR | O_DIRECT);
		job->rounds = ROUNDS;
		/* shared or not, an odd offset keeps neighbours close */
		job->at = shared_buffer < 0 ? 0 : i * SIZE;
		job->buffer = shared_buffer < 0 ? make_buffer(kind, SIZE) : shared_buffer;
	}
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&jobs[i].thread, NULL, work, &jobs[i]), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(jobs[i].thread, NULL);
}

static void different(const char *kind)
{
	need_patched();
	run_jobs(-1, kind);
}

static void same(const char *kind)
{
	need_patched();
	run_jobs(make_buffer(kind, THREADS * SIZE), kind);
}

static void different_system(void)
{
	different("system");
}
static void different_udmabuf(void)
{
	different("udmabuf");
}
static void same_system(void)
{
	same("system");
}
static void same_udmabuf(void)
{
	same("udmabuf");
}
static void same_cma(void)
{
	same("cma");
}

CASE({"parallel copies into different system buffers stay apart", different_system, 120},
     {"parallel copies into different udmabufs stay apart", different_udmabuf, 120},
     {"parallel copies into one system buffer stay apart", same_system, 120},
     {"parallel copies into one udmabuf stay apart", same_udmabuf, 120},
     {"parallel copies into one contiguous buffer stay apart", same_cma, 120}, )
