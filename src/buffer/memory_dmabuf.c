// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dma-buf: memory of a fixed size, with the logical size kept here.
 *
 * Bytes between size and capacity are zero. The heap zeroes new memory, write()
 * raises the size only past bytes that it has written, and truncate() zeroes the
 * bytes that it cuts off. Memory that is exported or lent has other writers, and
 * they see the whole of it; so the gap is zeroed again when the size moves over
 * it. Only fallocate() never changes a byte outside its range.
 */
#include "buffer/memory.h"
#include "util/log.h"
#include "util/math.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>

static void raise_size(struct buffer *buffer, uint64_t size)
{
	uint64_t old = atomic_load(&buffer->record->size);

	while (old < size && !atomic_compare_exchange_weak(&buffer->record->size, &old, size))
		;
}

/* --- reading and writing ---------------------------------------------------------- */

ssize_t fixed_read(struct buffer *buffer, void *data, size_t size, off_t offset)
{
	const uint64_t end = atomic_load(&buffer->record->size);

	if ((uint64_t)offset >= end)
		return 0;
	size = min_u64(size, end - (uint64_t)offset);
	const int error = dmabuf_get(buffer, data, size, offset);

	if (error)
		return error;
	times_touch_read(&buffer->record->times);
	return (ssize_t)size;
}

/* Raises the size even after an error, since bytes beyond it must be zero. */
static int put(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	size_t moved;
	const int error = dmabuf_put(buffer, data, size, offset, &moved);

	if (!moved)
		return error;
	raise_size(buffer, (uint64_t)offset + moved);
	times_touch_written(&buffer->record->times);
	return error;
}

static bool has_other_writers(struct buffer *buffer)
{
	return buffer->exported || atomic_load(&buffer->lent);
}

/* A write at @offset would move the size over bytes of other writers. A fill is not a gap. */
static bool leaves_foreign_gap(struct buffer *buffer, off_t offset)
{
	return has_other_writers(buffer) && (uint64_t)offset > dmabuf_used(buffer);
}

static int zero_foreign_gap(struct buffer *buffer, off_t offset)
{
	if (!leaves_foreign_gap(buffer, offset))
		return 0;
	return dmabuf_zero(buffer, dmabuf_used(buffer), (uint64_t)offset);
}

ssize_t fixed_write(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	const uint64_t capacity = buffer->dmabuf.capacity;

	if ((uint64_t)offset >= capacity)
		return -ENOSPC;
	size = min_u64(size, capacity - (uint64_t)offset);
	const int error = zero_foreign_gap(buffer, offset) ?: put(buffer, data, size, offset);

	return error ? error : (ssize_t)size;
}

/* A write that zeroes a gap must run alone, or it would zero bytes of another write. */
bool fixed_is_ready(struct buffer *buffer, size_t size, off_t offset)
{
	return (uint64_t)offset + size <= buffer->dmabuf.capacity &&
	       !leaves_foreign_gap(buffer, offset);
}

/* Logs once that an exported buffer does not grow. */
static int log_refusal(struct buffer *buffer, int error)
{
	if (error != -EBUSY || !buffer->exported || buffer->refusal_told)
		return error;
	buffer->refusal_told = true;
	log_warning("a buffer of %zu bytes is exported as a dma-buf and cannot grow; write a new "
		    "file and rename it over the old one",
		    buffer->dmabuf.capacity);
	return error;
}

int fixed_make_room(struct buffer *buffer, uint64_t end)
{
	return log_refusal(buffer, dmabuf_grow(buffer, end));
}

/* --- size ------------------------------------------------------------------------- */

static int shrink(struct buffer *buffer, uint64_t size, uint64_t old_size)
{
	if (dmabuf_trim(buffer, size))
		return 0;
	return dmabuf_zero(buffer, size,
			   has_other_writers(buffer) ? buffer->dmabuf.capacity : old_size);
}

/* New memory is zero, so only the old part can have bytes of other writers. */
static int extend(struct buffer *buffer, uint64_t size, uint64_t old_size)
{
	const uint64_t old_capacity = buffer->dmabuf.capacity;
	const int error = log_refusal(buffer, dmabuf_reserve(buffer, size));

	if (error || !has_other_writers(buffer))
		return error;
	return dmabuf_zero(buffer, old_size, min_u64(size, old_capacity));
}

int fixed_truncate(struct buffer *buffer, off_t size)
{
	const uint64_t old_size = atomic_load(&buffer->record->size), new_size = (uint64_t)size;
	const int error = new_size > old_size ? extend(buffer, new_size, old_size)
					      : shrink(buffer, new_size, old_size);

	if (error)
		return error;
	atomic_store(&buffer->record->size, new_size);
	buffer->promised = 0;
	buffer->trimmed = false;
	times_touch_written(&buffer->record->times);
	return 0;
}

/*
 * If the kernel writes the memory past this process, it asks for room by
 * fallocate(): at offset 0 for a whole copy, further on for a write that appends.
 * It reports the bytes that it has written by fallocate() without KEEP_SIZE.
 */
static int reserve(struct buffer *buffer, int mode, uint64_t begin, uint64_t end)
{
	const bool appends = buffer->move && begin && mode & FALLOC_FL_KEEP_SIZE;
	const bool written = buffer->move && !(mode & FALLOC_FL_KEEP_SIZE);
	const int error = log_refusal(buffer, appends ? dmabuf_grow(buffer, end)
						      : dmabuf_reserve(buffer, end));

	if (!error && (written || end > buffer->promised))
		buffer->promised = end;
	return error;
}

int fixed_allocate(struct buffer *buffer, int mode, off_t offset, off_t length)
{
	const uint64_t end = (uint64_t)offset + (uint64_t)length;
	int error = 0;

	if (!(mode & FALLOC_FL_PUNCH_HOLE))
		error = reserve(buffer, mode, (uint64_t)offset, end);
	if (!error && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		error = dmabuf_zero(buffer, (uint64_t)offset, end);
	if (error)
		return error;
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		raise_size(buffer, end);
	times_touch_written(&buffer->record->times);
	return 0;
}

/* The only hole is the one at the end of every file. */
off_t fixed_seek(struct buffer *buffer, off_t offset, int whence)
{
	const off_t size = fixed_size(buffer);

	if (offset >= size)
		return -ENXIO;
	return whence == SEEK_DATA ? offset : size;
}

off_t fixed_size(struct buffer *buffer)
{
	return (off_t)atomic_load(&buffer->record->size);
}

uint64_t fixed_capacity(struct buffer *buffer)
{
	return buffer->dmabuf.capacity;
}

void fixed_stat(struct buffer *buffer, struct stat *st)
{
	st->st_size = fixed_size(buffer);
	st->st_blocks = (blkcnt_t)(buffer->dmabuf.capacity / 512);
	times_show(&buffer->record->times, st);
}

int fixed_set_times(struct buffer *buffer, const struct timespec times[2])
{
	(void)times;
	times_forget(&buffer->record->times);
	return 0;
}

/* --- windows and fills ------------------------------------------------------------ */

int fixed_copy_fd(struct buffer *buffer)
{
	return buffer->dmabuf.fd;
}

int fixed_open_window(struct buffer *buffer, struct buffer_window *window, off_t offset)
{
	const uint64_t capacity = buffer->dmabuf.capacity;

	window->size = (uint64_t)offset < capacity
			       ? min_u64(window->size, capacity - (uint64_t)offset)
			       : 0;
	if (window->size == 0)
		return 0;
	window->access.heap = buffer->heap;
	window->access.fd = buffer->dmabuf.fd;
	const int error =
		dmabuf_map(&buffer->dmabuf, &window->bytes) ?: cpu_access_begin(&window->access);

	window->bytes += error ? 0 : offset;
	return error;
}

int fixed_close_window(struct buffer *buffer, struct buffer_window *window)
{
	(void)buffer;
	return window->size ? cpu_access_end(&window->access) : 0;
}

/* Making room for later copies now saves a move, and the memory for two dma-bufs. */
static int reserve_for_fill(struct buffer *buffer, const struct buffer_fill *fill, uint64_t end)
{
	const uint64_t begin = (uint64_t)fill->offset;
	const bool more = fill->room > fill->length && fill->room <= INT64_MAX - begin;

	if (more && !dmabuf_reserve(buffer, begin + fill->room))
		return 0;
	return log_refusal(buffer, begin && !fill->room ? dmabuf_reserve_ahead(buffer, end)
							: dmabuf_reserve(buffer, end));
}

int fixed_begin_fill(struct buffer *buffer, struct buffer_fill *fill)
{
	const uint64_t end = (uint64_t)fill->offset + fill->length;
	int error = reserve_for_fill(buffer, fill, end);

	fill->old_size = fill->set_size = atomic_load(&buffer->record->size);
	if (!error)
		error = zero_foreign_gap(buffer, fill->offset);
	if (error)
		return error;
	buffer->fills++;
	buffer->fills_end = max_u64(buffer->fills_end, end);
	return 0;
}

/* @size is never less than the current size, which the fill has not raised. */
int fixed_finish_fill(struct buffer *buffer, uint64_t size, uint64_t waste, uint64_t waste_end)
{
	const int error = dmabuf_zero(buffer, min_u64(waste, size), waste_end);

	if (--buffer->fills == 0)
		buffer->fills_end = 0;
	atomic_store(&buffer->record->size, size);
	times_touch_written(&buffer->record->times);
	return error;
}

/* --- export, import, the end ------------------------------------------------------ */

/* The bytes to keep when memory is freed. */
static uint64_t needed(const struct buffer *buffer)
{
	return max_u64(atomic_load(&buffer->record->size), buffer->promised);
}

int fixed_export(struct buffer *buffer)
{
	if (buffer->dmabuf.fd < 0)
		return -ENODATA;
	/* Memory allocated in advance for appending cannot be freed after the export. */
	if (buffer->trimmed && needed(buffer))
		dmabuf_trim(buffer, needed(buffer));
	const int error =
		buffer->heap->unfilled && !buffer->exported ? dmabuf_fill_rest(&buffer->dmabuf) : 0;

	if (error)
		return error;
	const int fd = fcntl(buffer->dmabuf.fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	buffer->exported = true;
	return fd;
}

int fixed_import(struct buffer *buffer, int dmabuf, size_t capacity)
{
	if (buffer->dmabuf.capacity || atomic_load(&buffer->record->size) || buffer->fills)
		return -EEXIST;
	int error = quota_take_dmabuf(buffer->quota, capacity);

	if (error)
		return error;
	const struct dmabuf imported = {.fd = dmabuf, .file = dmabuf, .capacity = capacity};

	error = buffer_move(buffer, &imported, -1, true);
	if (error) {
		quota_give_back_dmabuf(buffer->quota, capacity);
		return error;
	}
	buffer->dmabuf.file = dmabuf;
	buffer->dmabuf.capacity = capacity;
	dmabuf_set_fd(&buffer->dmabuf, buffer->heap, dmabuf);
	buffer->exported = buffer->imported = true;
	return 0;
}

/* More than growing allocates in advance: room for bytes that did not come. */
static bool has_too_much(const struct buffer *buffer)
{
	return buffer->dmabuf.capacity > page_round_up(needed(buffer) + needed(buffer) / 2);
}

static int dmabuf_truncate(struct buffer *buffer, off_t size)
{
	const int error = fixed_truncate(buffer, size);

	dmabuf_return_to_file(buffer);
	return error;
}

/* A file that is opened again and again for appending is trimmed only once. */
static void dmabuf_settle(struct buffer *buffer)
{
	if (buffer->trimmed && !has_too_much(buffer))
		return;
	if (dmabuf_trim(buffer, needed(buffer)))
		buffer->trimmed = needed(buffer) > 0;
	dmabuf_return_to_file(buffer);
}

/* The memory of an imported dma-buf is its exporter's, and not on this heap. */
static bool becomes_orphan(struct buffer *buffer)
{
	const struct heap_ops *ops = buffer->heap->ops;

	return buffer->exported && !buffer->imported && buffer->dmabuf.fd >= 0 && ops->is_held &&
	       ops->is_held(buffer->heap, buffer->dmabuf.fd);
}

/* Memory that others hold keeps counting, or a user could have any amount of it. */
void fixed_release(struct buffer *buffer)
{
	struct dmabuf *dmabuf = &buffer->dmabuf;

	dmabuf_unmap(dmabuf);
	if (becomes_orphan(buffer)) {
		quota_add_orphan(buffer->quota, buffer->heap, dmabuf->fd, dmabuf->capacity,
				 buffer->exporter);
		if (dmabuf->file == dmabuf->fd)
			dmabuf->file = -1;
		dmabuf->fd = -1;
	}
	dmabuf_free(dmabuf);
}

static void dmabuf_release(struct buffer *buffer)
{
	const uint64_t capacity = buffer->dmabuf.capacity;

	fixed_release(buffer);
	quota_give_back_dmabuf(buffer->quota, capacity);
	close_fd(buffer->file);
}

const struct memory_ops memory_dmabuf = {
	.state = BUFFER_DMABUF,
	.access = BUFFER_ACCESS_MEMCPY,
	.read = fixed_read,
	.write = fixed_write,
	.seek = fixed_seek,
	.stat = fixed_stat,
	.size = fixed_size,
	.capacity = fixed_capacity,
	.set_times = fixed_set_times,
	.copy_fd = fixed_copy_fd,
	.open_window = fixed_open_window,
	.close_window = fixed_close_window,
	.is_ready = fixed_is_ready,
	.make_room = fixed_make_room,
	.truncate = dmabuf_truncate,
	.allocate = fixed_allocate,
	.begin_fill = fixed_begin_fill,
	.finish_fill = fixed_finish_fill,
	.export = fixed_export,
	.import = fixed_import,
	.settle = dmabuf_settle,
	.release = dmabuf_release,
};
