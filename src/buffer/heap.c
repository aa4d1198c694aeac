// SPDX-License-Identifier: GPL-2.0-or-later
/* The heaps of a machine, and the choice of one for a mount. */
#include "buffer/heap.h"

#include "buffer/heap_device.h"
#include "util/explain.h"
#include "util/log.h"
#include "util/scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The dma-heap that heap=auto looks for first: the machine's ordinary memory. */
#define AUTO_DMA_HEAP "system"

/*
 * The heaps for heap=auto, the best first. The contiguous heap has had several names: of the
 * region, of the one in the device tree, and since Linux 6.17 of the default region.
 */
static const char *const automatic_heaps[] = {
	AUTO_DMA_HEAP, "udmabuf", "default_cma_region", "reserved", "linux,cma", "shmem",
};
#define AUTOMATIC_HEAPS (sizeof(automatic_heaps) / sizeof(automatic_heaps[0]))

/* The path of a DRM heap's device; NULL: it is another heap. */
static const char *drm_path(const char *name)
{
	return strncmp(name, HEAP_DRM, strlen(HEAP_DRM)) ? NULL : name + strlen(HEAP_DRM);
}

static int check_name(const char *name, char why[static 256])
{
	const char *path = drm_path(name);
	const char *complaint = NULL;

	if (!*name)
		complaint = "the heap has no name";
	else if (strlen(name) >= sizeof(((struct heap *)0)->name))
		complaint = "the heap's name is too long";
	else if (path)
		complaint = *path == '/' ? NULL : "drm: needs a path, as in drm:/dev/dri/card0";
	else if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		complaint = "a heap is a name, not a path";
	if (!complaint)
		return 0;
	snprintf(why, 256, "%s; try heap=auto, or a name that `dmaheapctl heaps` lists", complaint);
	return -EINVAL;
}

static int open_named(struct heap **heap, const char *name, const char *dev, char why[static 256])
{
	if (!strcmp(name, "shmem"))
		return heap_shmem_open(heap, dev, why);
	if (!strcmp(name, "udmabuf"))
		return heap_udmabuf_open(heap, dev, why);
	if (drm_path(name))
		return heap_drm_open(heap, drm_path(name), why);
	return heap_dma_open(heap, name, dev, why);
}

static bool exists(const char *name, const char *dev)
{
	char path[PATH_MAX], why[256];

	if (!strcmp(name, "auto") || !strcmp(name, "dmabuf") || !strcmp(name, "udmabuf") ||
	    !strcmp(name, "shmem"))
		return true;
	if (drm_path(name))
		return !access(drm_path(name), F_OK);
	snprintf(path, sizeof(path), "%s/dma_heap/%s", dev, name);
	return !check_name(name, why) && !access(path, F_OK);
}

/* The better heaps that heap=auto could not open, and why. */
struct refusals {
	char text[160];
};

static void note_refusal(struct refusals *refusals, const char *name, int error)
{
	const size_t used = strlen(refusals->text);

	snprintf(refusals->text + used, sizeof(refusals->text) - used, "%s no %s (%s)",
		 used ? "," : ":", name, strerror(-error));
}

/* Every machine could have the first two. */
static bool is_expected(size_t rank, const char *dev)
{
	return rank < 2 || exists(automatic_heaps[rank], dev);
}

/* Tries the first @count of the automatic heaps. */
static int open_best(struct heap **heap, size_t count, const char *dev, char why[static 256])
{
	struct refusals refusals = {""};

	for (size_t i = 0; i < count; i++) {
		const char *name = automatic_heaps[i];

		if (!is_expected(i, dev))
			continue;
		const int error = open_named(heap, name, dev, why);

		if (!error) {
			why[0] = '\0';
			snprintf((*heap)->choice, sizeof((*heap)->choice), "auto took %s%s", name,
				 refusals.text);
			return 0;
		}
		note_refusal(&refusals, name, error);
	}
	return explain(why, -ENODEV, "no heap here makes dma-bufs%s; see: dmaheapctl heaps",
		       refusals.text);
}

int heap_open(struct heap **heap, const char *name, const char *dev, char why[static 256])
{
	int error = check_name(name, why);

	if (error)
		return error;
	if (!strcmp(name, "auto"))
		error = open_best(heap, AUTOMATIC_HEAPS, dev, why);
	else if (!strcmp(name, "dmabuf"))
		error = open_best(heap, AUTOMATIC_HEAPS - 1, dev, why);
	else
		error = open_named(heap, name, dev, why);
	if (!error && (*heap)->advice[0])
		log_warning("%s", (*heap)->advice);
	return error;
}

/* Words for a mount's source that name no heap. */
static bool is_label(const char *name)
{
	return !strcmp(name, "none") || !strcmp(name, "dmaheapfs");
}

int heap_open_source(struct heap **heap, const char *source, const char *dev, char why[static 256])
{
	if (exists(source, dev))
		return heap_open(heap, source, dev, why);
	const int error = heap_open(heap, "auto", dev, why);

	if (!error)
		(*heap)->replaces_source = !is_label(source);
	return error;
}

void heap_destroy(struct heap *heap)
{
	if (heap)
		heap->ops->destroy(heap);
}

struct listing {
	const char *dev;
	heap_line *line;
	void *context;
	char automatic[64]; /* the heap that heap=auto would take */
};

static void find_automatic(struct listing *listing)
{
	struct heap *heap;
	char why[256];

	if (open_best(&heap, AUTOMATIC_HEAPS, listing->dev, why))
		return;
	snprintf(listing->automatic, sizeof(listing->automatic), "%s", heap->name);
	heap_destroy(heap);
}

static void list_one(struct listing *listing, const char *name)
{
	const bool automatic = !strcmp(name, listing->automatic);
	struct heap *heap;
	char text[512], why[256];

	if (check_name(name, why) || open_named(&heap, name, listing->dev, why)) {
		listing->line(listing->context, name, false, why);
		return;
	}
	snprintf(text, sizeof(text), "%s%s%s%s", heap->dmabuf, *heap->advice ? "; " : "",
		 heap->advice, automatic ? " (heap=auto takes this one)" : "");
	listing->line(listing->context, name, true, text);
	heap_destroy(heap);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Returns their number. */
static int list_dma_heaps(struct listing *listing)
{
	char path[PATH_MAX];
	struct dirent **entries;

	snprintf(path, sizeof(path), "%s/dma_heap", listing->dev);
	const int n = scandir(path, &entries, is_visible, alphasort);

	if (n < 0)
		return 0;
	for (int i = 0; i < n; i++) {
		list_one(listing, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return n;
}

static int is_card(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "card", strlen("card"));
}

static void list_cards(struct listing *listing)
{
	char path[PATH_MAX], name[PATH_MAX + sizeof(HEAP_DRM) + NAME_MAX + 1];
	struct dirent **entries;

	snprintf(path, sizeof(path), "%s/dri", listing->dev);
	const int n = scandir(path, &entries, is_card, alphasort);

	if (n < 0)
		return;
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), HEAP_DRM "%s/%s", path, entries[i]->d_name);
		list_one(listing, name);
		free(entries[i]);
	}
	free(entries);
}

void heap_list(const char *dev, heap_line *line, void *context)
{
	struct listing listing = {.dev = dev, .line = line, .context = context};

	find_automatic(&listing);
	if (list_dma_heaps(&listing) == 0)
		list_one(&listing, AUTO_DMA_HEAP);
	list_one(&listing, "udmabuf");
	list_cards(&listing);
	list_one(&listing, "shmem");
}

/* --- heaps behind a device file ------------------------------------------------------ */

static bool is_missing(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ENODEV || error == -ENXIO;
}

static int explain_open(int error, const char *path, const struct heap_device_type *type,
			char why[static 256])
{
	if (error == -EACCES || error == -EPERM)
		return explain(why, error, "no permission for %.80s: %s", path,
			       type->no_permission);
	if (is_missing(error))
		return explain(why, error, "there is no %.80s: %s", path, type->missing);
	return explain(why, error, "can't open %.80s: %s", path, strerror(-error));
}

int heap_device_open(struct heap **opened, const struct heap_device_type *type, const char *path,
		     const char *name, char why[static 256])
{
	scope(fd) int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return explain_open(-errno, path, type, why);
	struct heap_device *device = calloc(1, sizeof(*device));

	if (!device)
		return explain(why, -ENOMEM, "out of memory");
	device->heap.ops = type->ops;
	device->fd = steal_fd(&fd);
	device->files = -1;
	type->describe(&device->heap, name);
	const int error = type->probe(&device->heap, why);

	if (error)
		heap_device_destroy(&device->heap);
	else
		*opened = &device->heap;
	return error;
}

void heap_device_destroy(struct heap *heap)
{
	struct heap_device *device = heap_device_of(heap);

	close_fd(device->files);
	close_fd(device->fd);
	free(device);
}
