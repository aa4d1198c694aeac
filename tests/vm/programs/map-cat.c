// SPDX-License-Identifier: GPL-2.0-or-later
/* map-cat FILE: the content of FILE, through a shared mapping, to stdout. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	struct stat st;
	char *map, *copy;

	if (fd < 0 || fstat(fd, &st)) {
		perror(argc == 2 ? argv[1] : "usage: map-cat FILE");
		return 1;
	}
	map = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	copy = malloc(st.st_size);
	if (map == MAP_FAILED || !copy) {
		perror(argv[1]);
		return 1;
	}
	/* by the CPU: no I/O can be done on the mapping of a dma-buf */
	memcpy(copy, map, st.st_size);
	return fwrite(copy, 1, st.st_size, stdout) != (size_t)st.st_size;
}
