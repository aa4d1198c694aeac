// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: keeper FILE COMMAND...
 *
 * Maps FILE, has COMMAND do its worst, and finds the map as it was: it can be
 * read and written, and no other has come to it. Status 0 if so.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (1 << 20)

int main(int argc, char *argv[])
{
	static char expected[SIZE];
	const int fd = open(argv[1], O_RDWR | O_CREAT, 0600);

	if (argc < 3 || fd < 0 || ftruncate(fd, SIZE)) {
		perror(argv[1]);
		return 2;
	}
	char *const map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	close(fd);
	memset(map, 'k', SIZE / 2);
	memset(expected, 'k', SIZE / 2);

	const pid_t child = fork();
	int status;

	if (!child) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status) {
		fprintf(stderr, "%s: status %#x\n", argv[2], (unsigned)status);
		return 2;
	}
	if (memcmp(map, expected, SIZE)) {
		fputs("the mapping has changed\n", stderr);
		return 1;
	}
	memset(map, 'l', SIZE);
	return map[SIZE - 1] == 'l' ? 0 : 1;
}
