// SPDX-License-Identifier: GPL-2.0-or-later
/* Asynchronous I/O on a buffer has the results of read() and write(). */
#define _GNU_SOURCE
#include "uring.h"

#include "memory.h"
#include "vm.h"

#include <linux/aio_abi.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE (256 * KIB)

static char content[SIZE], old[SIZE], have[SIZE];

static int prepare(const char *kind)
{
	int buffer;

	need_patched();
	pattern(content, SIZE, 161);
	pattern(old, SIZE, 162);
	buffer = make_buffer(kind, SIZE);
	poke(buffer, old, SIZE, 0);
	return buffer;
}

/* Do one I/O the way of the test; the bytes moved, or -errno. */
typedef ssize_t mover(int fd, bool write, void *buf, size_t len, off_t pos);

static ssize_t by_uring(int fd, bool write, void *buf, size_t len, off_t pos)
{
	return uring_do(fd, write ? IORING_OP_WRITE : IORING_OP_READ, buf, len, pos);
}

static ssize_t by_aio(int fd, bool write, void *buf, size_t len, off_t pos)
{
	struct iocb iocb =
			    {
				    .aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
				    .aio_fildes = fd,
				    .aio_buf = (uintptr_t)buf,
				    .aio_nbytes = len,
				    .aio_offset = pos,
			    },
		    *list = &iocb;
	struct io_event event;
	aio_context_t context = 0;

	CHECK_EQ(syscall(SYS_io_setup, 1, &context), 0);
	CHECK_EQ(syscall(SYS_io_submit, context, 1, &list), 1);
	CHECK_EQ(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), 1);
	CHECK_EQ(syscall(SYS_io_destroy, context), 0);
	return event.res;
}

static void positions(const char *kind, mover *move)
{
	int buffer = prepare(kind);

	CHECK_EQ(move(buffer, false, have, SIZE, 0), SIZE);
	CHECK_EQ(first_difference(have, old, SIZE), -1);
	CHECK_EQ(move(buffer, true, content + 5001, 9000, 5001), 9000);
	memcpy(old + 5001, content + 5001, 9000);
	expect(buffer, old, SIZE, 0);
	CHECK_EQ(move(buffer, false, have, 12345, 3333), 12345);
	CHECK_EQ(first_difference(have, old + 3333, 12345), -1);

	CHECK_EQ(move(buffer, false, have, SIZE, SIZE - 5), 5);
	CHECK_EQ(move(buffer, false, have, SIZE, SIZE), 0);
	CHECK_EQ(move(buffer, true, content, SIZE, SIZE - 5), 5);
	CHECK_EQ(move(buffer, true, content, 1, SIZE), -ENOSPC);
	CHECK_EQ(move(buffer, true, (void *)8, 100, 0), -EFAULT);
	memcpy(old + SIZE - 5, content, 5);
	expect(buffer, old, SIZE, 0);
	/* none of it was by the file's own position */
	CHECK_EQ(lseek(buffer, 0, SEEK_CUR), 0);
}

static void uring_system(void)
{
	positions("system", by_uring);
}
static void uring_udmabuf(void)
{
	positions("udmabuf", by_uring);
}
static void aio_system(void)
{
	positions("system", by_aio);
}
static void aio_udmabuf(void)
{
	positions("udmabuf", by_aio);
}

CASE({"io_uring reads and writes a system buffer as read and write do", uring_system},
     {"io_uring reads and writes a udmabuf as read and write do", uring_udmabuf},
     {"io_submit reads and writes a system buffer as read and write do", aio_system},
     {"io_submit reads and writes a udmabuf as read and write do", aio_udmabuf}, )
