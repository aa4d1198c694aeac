// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "uring.h"

#include "vm.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *map(int ring, size_t len, off_t what)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, ring, what);

	CHECK(p != MAP_FAILED);
	return p;
}

/* A ring of its own for each request: nothing of another is in it. */
ssize_t uring_do(int fd, enum io_uring_op op, void *buf, size_t len, off_t pos)
{
	struct io_uring_params params = {0};
	int ring = syscall(SYS_io_uring_setup, 1, &params);
	size_t sq_len, cq_len, sqe_len = sizeof(struct io_uring_sqe);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	char *sq, *cq;
	ssize_t ret;

	CHECK(ring >= 0);
	sq_len = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
	cq_len = params.cq_off.cqes + params.cq_entries * sizeof(*cqe);
	sq = map(ring, sq_len, IORING_OFF_SQ_RING);
	cq = map(ring, cq_len, IORING_OFF_CQ_RING);
	sqe = map(ring, sqe_len, IORING_OFF_SQES);

	*sqe = (struct io_uring_sqe){
		.opcode = op,
		.fd = fd,
		.addr = (uintptr_t)buf,
		.len = len,
		.off = pos,
	};
	*(uint32_t *)(sq + params.sq_off.array) = 0;
	atomic_store((_Atomic uint32_t *)(sq + params.sq_off.tail), 1);
	CHECK_EQ(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0), 1);
	CHECK_EQ(atomic_load((_Atomic uint32_t *)(cq + params.cq_off.tail)), 1);
	cqe = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
	ret = cqe->res;

	munmap(sq, sq_len);
	munmap(cq, cq_len);
	munmap(sqe, sqe_len);
	close(ring);
	return ret;
}
