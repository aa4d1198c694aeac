// SPDX-License-Identifier: GPL-2.0-or-later
/* read(), write(), lseek(), splice() and sendfile() on a buffer. */
#define _GNU_SOURCE
#include "memory.h"
#include "vm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (256 * KIB)

static char content[SIZE], have[SIZE], old[SIZE];

static int prepare(const char *kind)
{
	int buffer;

	need_patched();
	pattern(content, SIZE, 101);
	pattern(old, SIZE, 102);
	buffer = make_buffer(kind, SIZE);
	poke(buffer, old, SIZE, 0);
	return buffer;
}

static void positions(const char *kind)
{
	int buffer = prepare(kind);

	read_at(buffer, have, SIZE, 0);
	CHECK_EQ(first_difference(have, old, SIZE), -1);
	write_at(buffer, content + 5001, 9000, 5001);
	memcpy(old + 5001, content + 5001, 9000);
	expect(buffer, old, SIZE, 0);
	read_at(buffer, have, 12345, 3333);
	CHECK_EQ(first_difference(have, old + 3333, 12345), -1);

	CHECK_EQ(lseek(buffer, 0, SEEK_END), SIZE);
	CHECK_EQ(read(buffer, have, 10), 0);
	CHECK_EQ(lseek(buffer, 100, SEEK_SET), 100);
	CHECK_EQ(read(buffer, have, 10), 10);
	CHECK_EQ(lseek(buffer, 0, SEEK_CUR), 110);
	CHECK_EQ(write(buffer, content, 10), 10);
	CHECK_EQ(lseek(buffer, 0, SEEK_CUR), 120);
}

static void positions_system(void)
{
	positions("system");
}
static void positions_udmabuf(void)
{
	positions("udmabuf");
}
static void positions_cma(void)
{
	positions("cma");
}

static void ends(void)
{
	int buffer = prepare("system");

	CHECK_EQ(pread(buffer, have, SIZE, SIZE - 5), 5);
	CHECK_EQ(pread(buffer, have, SIZE, SIZE), 0);
	CHECK_EQ(pread(buffer, have, SIZE, 10 * GIB), 0);
	CHECK_EQ(pwrite(buffer, content, SIZE, SIZE - 5), 5);
	CHECK_ERRNO(pwrite(buffer, content, 1, SIZE), ENOSPC);
	CHECK_ERRNO(pwrite(buffer, content, 1, 10 * GIB), ENOSPC);
	CHECK_EQ(pwrite(buffer, content, 0, SIZE), 0);
	memcpy(old + SIZE - 5, content, 5);
	expect(buffer, old, SIZE, 0);
}

/* A page of the caller's that is not there ends the I/O, no more. */
static void bad_memory(void)
{
	int buffer = prepare("system");
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t ret;

	CHECK(map != MAP_FAILED);
	memcpy(map, content, 4096);
	CHECK_EQ(munmap(map + 4096, 4096), 0);
	CHECK_ERRNO(pwrite(buffer, map + 4096, 100, 0), EFAULT);
	CHECK_ERRNO(pread(buffer, map + 4096, 100, 0), EFAULT);
	ret = pwrite(buffer, map, 8192, 0);
	CHECK(ret >= 0 && ret <= 4096);
	memcpy(old, content, ret);
	expect(buffer, old, SIZE, 0);
}

/* From its own mapping: the pages are neither locked nor pinned. */
static void own_mapping(void)
{
	int buffer = prepare("system");
	char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, buffer, 0);

	CHECK(map != MAP_FAILED);
	CHECK_EQ(pread(buffer, map + 8192, 4096, 0), 4096);
	memcpy(old + 8192, old, 4096);
	CHECK_EQ(msync(map, SIZE, MS_SYNC), 0);
	CHECK_EQ(fsync(buffer), 0);
	expect(buffer, old, SIZE, 0);
}

static void vectors(void)
{
	int buffer = prepare("system");
	struct iovec out[2] = {{have + 10, 5}, {have + 100, 7000}};

	CHECK_EQ(preadv(buffer, out, 2, 4090), 7005);
	CHECK(!memcmp(have + 10, old + 4090, 5));
	CHECK(!memcmp(have + 100, old + 4095, 7000));
	out[0].iov_base = content;
	out[1].iov_base = content + 5;
	CHECK_EQ(pwritev(buffer, out, 2, 4090), 7005);
	memcpy(old + 4090, content, 7005);
	expect(buffer, old, SIZE, 0);
}

static void sent(void)
{
	int buffer = prepare("system"), file;
	off_t pos = 1000;

	file = make_file("ext4", "sent", "", 0, O_RDWR);
	CHECK_EQ(sendfile(file, buffer, &pos, 50000), 50000);
	CHECK_EQ(pos, 51000);
	read_at(file, have, 50000, 0);
	CHECK_EQ(first_difference(have, old + 1000, 50000), -1);

	write_at(file, content, SIZE, 0);
	CHECK_EQ(lseek(buffer, 777, SEEK_SET), 777);
	pos = 0;
	CHECK_EQ(sendfile(buffer, file, &pos, 60000), 60000);
	memcpy(old + 777, content, 60000);
	expect(buffer, old, SIZE, 0);
}

/* A pipe holds a copy: the buffer may change before it is read. */
static void piped(void)
{
	int buffer = prepare("system"), fds[2];
	loff_t pos = 4096;

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(splice(buffer, &pos, fds[1], NULL, 8192, 0), 8192);
	poke(buffer, content, SIZE, 0);
	CHECK_EQ(read(fds[0], have, 8192), 8192);
	CHECK_EQ(first_difference(have, old + 4096, 8192), -1);

	CHECK_EQ(write(fds[1], old, 8192), 8192);
	pos = 100;
	CHECK_EQ(splice(fds[0], NULL, buffer, &pos, 8192, 0), 8192);
	memcpy(content + 100, old, 8192);
	expect(buffer, content, SIZE, 0);
}

/* An exporter without support says so, and says the same as before. */
static void others(void)
{
	struct importer vgem = open_importer("vgem");
	int buffer = make_dumb_buffer(&vgem, SIZE);
	int file = make_file("ext4", "others", content, SIZE, O_RDWR);

	CHECK_ERRNO(read(buffer, have, 10), EINVAL);
	CHECK_ERRNO(write(buffer, have, 10), EINVAL);
	CHECK_EQ(copy_once(file, 0, buffer, 0, 4096), -1);
	CHECK_EQ(errno, patched() ? EOPNOTSUPP : EINVAL);
	CHECK_EQ(copy_once(buffer, 0, file, 0, 4096), -1);
	CHECK_EQ(errno, patched() ? EOPNOTSUPP : EINVAL);
	CHECK_EQ(lseek(buffer, 0, SEEK_END), SIZE);
}

CASE({"reads and writes of a system buffer hit their range", positions_system},
     {"reads and writes of a udmabuf hit their range", positions_udmabuf},
     {"reads and writes of a contiguous buffer hit their range", positions_cma},
     {"reads end and writes are ENOSPC at the end of a buffer", ends},
     {"memory that is not there is EFAULT", bad_memory},
     {"a buffer can be read into its own mapping, and synced", own_mapping},
     {"vectors are read and written", vectors}, {"sendfile moves bytes in and out", sent},
     {"a pipe holds a copy of the bytes", piped}, {"buffers of other exporters refuse", others}, )
