// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Operations on a dma-buf that a script has as an fd:
 *
 *   dmabuf id FD                  its inode number
 *   dmabuf size FD
 *   dmabuf read FD                all of it, to stdout
 *   dmabuf write FD OFFSET TEXT
 *   dmabuf hold FD DRIVER         a device has it attached until stdin ends; says "held"
 *   dmabuf fence FD COMMAND       a device writes it while the shell runs COMMAND
 *   dmabuf show FD                a screen shows it; its checksum of the picture
 *   dmabuf alloc KIND SIZE FD PROGRAM...
 *                                 PROGRAM gets a new one, filled from stdin
 */
#define _GNU_SOURCE
#include "memory.h"
#include "screen.h"
#include "vm.h"

#include <drm.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* As the kernel's <drm/vgem_drm.h>, which Debian has no package for. */
struct vgem_fence_attach {
	uint32_t handle, flags, out_fence, pad;
};
struct vgem_fence_signal {
	uint32_t fence, flags;
};
#define VGEM_FENCE_WRITE  1
#define VGEM_FENCE_ATTACH DRM_IOWR(DRM_COMMAND_BASE + 1, struct vgem_fence_attach)
#define VGEM_FENCE_SIGNAL DRM_IOW(DRM_COMMAND_BASE + 2, struct vgem_fence_signal)

static int buffer;

static size_t size_of_buffer(void)
{
	const off_t size = lseek(buffer, 0, SEEK_END);

	CHECK(size > 0);
	return size;
}

static void print_id(char **words)
{
	struct stat st;

	(void)words;
	CHECK_EQ(fstat(buffer, &st), 0);
	printf("%ju\n", (uintmax_t)st.st_ino);
}

static void print_size(char **words)
{
	(void)words;
	printf("%zu\n", size_of_buffer());
}

static void read_all(char **words)
{
	const size_t size = size_of_buffer();
	char *bytes = malloc(size);

	(void)words;
	peek(buffer, bytes, size, 0);
	CHECK_EQ(fwrite(bytes, 1, size, stdout), size);
}

static void write_text(char **words)
{
	CHECK(words[0] && words[1]);
	poke(buffer, words[1], strlen(words[1]), atol(words[0]));
}

static void wait_for_end_of_stdin(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

static void be_held(char **words)
{
	struct importer importer = open_importer(words[0]);

	CHECK_EQ(hold(&importer, buffer), 0);
	puts("held");
	fflush(stdout);
	wait_for_end_of_stdin();
	let_go(&importer);
}

static void be_written(char **words)
{
	struct importer importer = open_importer("vgem");
	struct vgem_fence_attach attach = {.flags = VGEM_FENCE_WRITE};
	struct vgem_fence_signal signal = {0};
	int status;

	CHECK_EQ(hold(&importer, buffer), 0);
	attach.handle = importer.handle;
	CHECK_EQ(ioctl(importer.card, VGEM_FENCE_ATTACH, &attach), 0);
	status = system(words[0]);
	signal.fence = attach.out_fence;
	CHECK_EQ(ioctl(importer.card, VGEM_FENCE_SIGNAL, &signal), 0);
	let_go(&importer);
	CHECK_EQ(status, 0);
}

static void be_shown(char **words)
{
	struct screen screen = screen_show(buffer);

	(void)words;
	printf("%s\n", screen_checksum(&screen));
	screen_hide(&screen);
}

static void allocate(char **words)
{
	const size_t size = strtoul(words[1], NULL, 0);
	const int wanted = atoi(words[2]);
	char *bytes = calloc(1, size);

	buffer = make_buffer(words[0], size);
	CHECK(fread(bytes, 1, size, stdin) <= size);
	poke(buffer, bytes, size, 0);
	CHECK_EQ(dup2(buffer, wanted), wanted);
	execvp(words[3], words + 3);
	CHECK(!"exec");
}

int main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		void (*run)(char **words);
	} verbs[] = {
		{"id", print_id},      {"size", print_size}, {"read", read_all},
		{"write", write_text}, {"hold", be_held},    {"show", be_shown},
		{"fence", be_written},
	};
	unsigned int i;

	CHECK(argc >= 3);
	if (!strcmp(argv[1], "alloc"))
		allocate(argv + 2);
	buffer = atoi(argv[2]);
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[1], verbs[i].name)) {
			verbs[i].run(argv + 3);
			return 0;
		}
	return 2;
}
