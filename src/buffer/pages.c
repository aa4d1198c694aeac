// SPDX-License-Identifier: GPL-2.0-or-later
#include "buffer/pages.h"

#include "util/scope.h"

#include <errno.h>
#include <sys/mman.h>

void pages_init(struct pages *pages)
{
	pages->dmabuf = -1;
	pages->file = -1;
	pages->takes_io = false;
	pages->capacity = 0;
	atomic_init(&pages->map, NULL);
}

void pages_set_dmabuf(struct pages *pages, struct heap *heap, int dmabuf)
{
	pages->dmabuf = dmabuf;
	pages->takes_io = heap->ops->takes_io && heap->ops->takes_io(heap, dmabuf);
}

int pages_alloc(struct pages *pages, struct heap *heap, size_t capacity)
{
	int fd = heap->ops->alloc(heap, capacity);

	pages_init(pages);
	if (fd < 0)
		return fd == -ENOMEM ? -ENOSPC : fd;
	pages->file = fd;
	pages->capacity = capacity;
	pages_set_dmabuf(pages, heap, fd);
	return 0;
}

/* Two threads may both map; the first to say so wins, and the other takes its map back. */
int pages_map(struct pages *pages, char **map)
{
	char *fresh, *other = NULL;

	*map = atomic_load(&pages->map);
	if (*map)
		return 0;
	fresh = mmap(NULL, pages->capacity, PROT_READ | PROT_WRITE, MAP_SHARED, pages->file, 0);
	if (fresh == MAP_FAILED)
		return -errno;
	if (atomic_compare_exchange_strong(&pages->map, &other, fresh)) {
		*map = fresh;
	} else {
		munmap(fresh, pages->capacity);
		*map = other;
	}
	return 0;
}

void pages_unmap(struct pages *pages)
{
	char *map = atomic_exchange(&pages->map, NULL);

	if (map)
		munmap(map, pages->capacity);
}

void pages_free(struct pages *pages)
{
	pages_unmap(pages);
	if (pages->file != pages->dmabuf)
		close_fd(pages->file);
	close_fd(pages->dmabuf);
	pages_init(pages);
}

void pages_move(struct pages *to, struct pages *from)
{
	to->dmabuf = from->dmabuf;
	to->file = from->file;
	to->takes_io = from->takes_io;
	to->capacity = from->capacity;
	atomic_init(&to->map, atomic_load(&from->map));
	pages_init(from);
}
