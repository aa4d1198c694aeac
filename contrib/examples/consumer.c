/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sums up the bytes of a file of a mount, by way of its dma-buf. A driver would
 * be given the fd instead: DRM_IOCTL_PRIME_FD_TO_HANDLE, VIDIOC_QBUF, ...
 *
 *	cc consumer.c -o consumer $(pkg-config --cflags --libs dmaheapfs)
 *	./consumer /mnt/dmaheap/buf0
 */
#include <dmaheapfs.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, dmaheap_strerror(error));
	return 1;
}

int main(int argc, char *argv[])
{
	const char *path = argc == 2 ? argv[1] : "/mnt/dmaheap/buf0";
	struct dmaheap_info info;
	unsigned long sum = 0;
	int error = dmaheap_query(path, &info);

	if (error)
		return fail(path, error);
	int is_dmabuf = info.flags & DMAHEAP_IS_DMABUF;
	int fd = is_dmabuf ? dmaheap_export(path) : dmaheap_memory(path, DMAHEAP_READ);

	if (fd < 0)
		return fail(path, fd);
	printf("%s: %llu bytes, %s of the heap %s\n", path, (unsigned long long)info.size,
	       is_dmabuf ? "a dma-buf" : "shared memory", info.heap);
	unsigned char *bytes = mmap(NULL, info.size, PROT_READ, MAP_SHARED, fd, 0);

	if (bytes == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	/* Waits for devices that write to it and makes their data visible to the CPU. */
	error = is_dmabuf ? dmaheap_begin_cpu_access(fd, DMAHEAP_CPU_READ, 1000) : 0;
	if (error)
		return fail("a device does not get done", error);
	for (size_t i = 0; i < info.size; i++)
		sum += bytes[i];
	if (is_dmabuf)
		dmaheap_end_cpu_access(fd, DMAHEAP_CPU_READ);
	printf("sum %lu\n", sum);
	munmap(bytes, info.size);
	close(fd);
	return 0;
}
