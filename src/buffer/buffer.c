// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of a buffer, its lock, and the checks that are common to all kinds of
 * memory. The operations themselves are in memory_*.c.
 */
#include "buffer/buffer.h"

#include "buffer/lock.h"
#include "util/fd_path.h"
#include "util/math.h"
#include "util/thread.h"

#include <errno.h>
#include <fcntl.h>

/* --- life ------------------------------------------------------------------------- */

static int set_memory(struct buffer *buffer, const struct memory_ops *ops, int file)
{
	if (file < 0)
		return file;
	buffer->ops = ops;
	buffer->file = file;
	return 0;
}

/* Gives the new buffer its kind of memory. It owns @file, also on an error. */
static int attach_memory(struct buffer *buffer, int file)
{
	struct heap *heap = buffer->heap;

	if (heap->ops->in_tmpfs)
		return set_memory(buffer, &memory_tmpfs, file);
	if (heap->file_first)
		return set_memory(buffer, &memory_staged, heap->ops->new_file(heap));
	if (!heap->ops->fixed_size)
		return set_memory(buffer, &memory_memfd, heap->ops->new_file(heap));
	buffer->ops = &memory_dmabuf;
	return 0;
}

static void init_parts(struct buffer *buffer)
{
	fair_rwlock_init(&buffer->lock);
	fair_rwlock_init(&buffer->cpu_access);
	buffer->charge = no_charge(buffer->quota);
	buffer->discarded = NO_DMABUF;
}

/* Of a new buffer. Without a table the buffer does not outlive the process. */
static int add_record(struct buffer *buffer)
{
	struct table *table = buffer->quota ? buffer->quota->buffers : NULL;

	buffer->record = table ? table_add(table) : &buffer->unrecorded;
	if (!buffer->record)
		return -EMFILE;
	buffer->record->times = NO_TIMES;
	buffer->dmabuf = NO_DMABUF;
	return 0;
}

static void remove_record(struct buffer *buffer)
{
	if (buffer->record != &buffer->unrecorded)
		table_remove(buffer->quota->buffers, buffer->record);
}

static void finish_parts(struct buffer *buffer)
{
	charge_finish(&buffer->charge);
	pthread_mutex_destroy(&buffer->record->times.lock);
	pthread_rwlock_destroy(&buffer->cpu_access);
	pthread_rwlock_destroy(&buffer->lock);
}

int buffer_create(struct buffer **created, struct heap *heap, struct quota *quota, int file)
{
	struct buffer *buffer = calloc(1, sizeof(*buffer));

	if (!buffer) {
		close_fd(file);
		return -ENOMEM;
	}
	buffer->heap = heap;
	buffer->quota = quota;
	buffer->file = -1;
	int error = add_record(buffer);

	if (error) {
		close_fd(file);
		free(buffer);
		return error;
	}
	error = attach_memory(buffer, file);
	if (error) {
		remove_record(buffer);
		free(buffer);
		return error;
	}
	init_parts(buffer);
	buffer_save(buffer);
	*created = buffer;
	return 0;
}

int buffer_create_mounted(struct buffer **created, int file)
{
	struct buffer *buffer = calloc(1, sizeof(*buffer));

	if (!buffer)
		return -ENOMEM;
	buffer->ops = &memory_mounted;
	buffer->file = file;
	init_parts(buffer);
	add_record(buffer);
	*created = buffer;
	return 0;
}

void buffer_record(struct buffer *buffer, uint64_t owner)
{
	buffer->record->owner = owner;
	record_publish(buffer->record);
}

/* --- a buffer of an earlier process ------------------------------------------------- */

int buffer_restore(struct buffer **restored, struct heap *heap, struct quota *quota,
		   struct buffer_record *record, bool has_moved)
{
	struct buffer *buffer = calloc(1, sizeof(*buffer));

	if (!buffer)
		return -ENOMEM;
	buffer->heap = heap;
	buffer->quota = quota;
	buffer->record = record;
	pthread_mutex_init(&record->times.lock, NULL);
	init_parts(buffer);
	buffer_load(buffer, has_moved);
	*restored = buffer;
	return 0;
}

/* --- the end ------------------------------------------------------------------------ */

void buffer_destroy(struct buffer *buffer)
{
	if (!buffer)
		return;
	buffer->ops->release(buffer);
	finish_parts(buffer);
	remove_record(buffer);
	free(buffer);
}

/* --- data ------------------------------------------------------------------------- */

int buffer_check_range(off_t offset, uint64_t size)
{
	if (offset < 0)
		return -EINVAL;
	return size > (uint64_t)(INT64_MAX - offset) ? -EFBIG : 0;
}

ssize_t buffer_read(struct buffer *buffer, void *data, size_t size, off_t offset)
{
	const int error = buffer_check_range(offset, size);

	if (error || size == 0)
		return error;
	guard(buffer_shared)(buffer);
	return buffer->ops->read(buffer, data, size, offset);
}

static bool try_write(struct buffer *buffer, const void *data, size_t size, off_t offset,
		      ssize_t *result)
{
	guard(buffer_shared)(buffer);
	const struct memory_ops *ops = buffer->ops;

	if (ops->is_ready && !ops->is_ready(buffer, size, offset))
		return false;
	*result = ops->write(buffer, data, size, offset);
	return true;
}

static ssize_t write_alone(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	guard(buffer_exclusive)(buffer);
	const int error = buffer->ops->make_room(buffer, (uint64_t)offset + size);
	const ssize_t n = buffer->ops->write(buffer, data, size, offset);

	return n == -ENOSPC && error ? error : n;
}

ssize_t buffer_write(struct buffer *buffer, const void *data, size_t size, off_t offset)
{
	ssize_t n = buffer_check_range(offset, size);

	if (n || size == 0)
		return n;
	n = quota_enter(buffer->quota, size);
	if (n)
		return n;
	if (!try_write(buffer, data, size, offset, &n))
		n = write_alone(buffer, data, size, offset);
	quota_leave(buffer->quota, size);
	return n;
}

int buffer_truncate(struct buffer *buffer, off_t size)
{
	if (size < 0)
		return -EINVAL;
	guard(buffer_exclusive)(buffer);
	return buffer->ops->truncate(buffer, size);
}

static bool is_known_mode(int mode)
{
	switch (mode) {
	case 0:
	case FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_ZERO_RANGE:
	case FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE:
		return true;
	default:
		return false;
	}
}

static int allocate(struct buffer *buffer, int mode, off_t offset, off_t length)
{
	guard(buffer_exclusive)(buffer);
	return buffer->ops->allocate(buffer, mode, offset, length);
}

int buffer_allocate(struct buffer *buffer, int mode, off_t offset, off_t length)
{
	if (length <= 0)
		return -EINVAL;
	const uint64_t needed = mode & FALLOC_FL_PUNCH_HOLE ? 0 : (uint64_t)length;
	int error = buffer_check_range(offset, (uint64_t)length);

	if (error)
		return error;
	if (!is_known_mode(mode))
		return -EOPNOTSUPP;
	error = quota_enter(buffer->quota, needed);
	if (error)
		return error;
	error = allocate(buffer, mode, offset, length);
	quota_leave(buffer->quota, needed);
	return error;
}

off_t buffer_seek(struct buffer *buffer, off_t offset, int whence)
{
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	if (offset < 0)
		return -ENXIO;
	guard(buffer_shared)(buffer);
	return buffer->ops->seek(buffer, offset, whence);
}

void buffer_settle(struct buffer *buffer)
{
	guard(buffer_exclusive)(buffer);
	if (buffer->ops->settle)
		buffer->ops->settle(buffer);
}

/* --- attributes ------------------------------------------------------------------- */

/* Without the lock in tmpfs, so that stat(2) does not wait for a copy of gigabytes. */
void buffer_stat(struct buffer *buffer, struct stat *st)
{
	if (buffer_is_in_tmpfs(buffer))
		return;
	const struct timespec in_tree = st->st_atim;
	guard(buffer_shared)(buffer);

	buffer->ops->stat(buffer, st);
	if (buffer->heap->noatime)
		st->st_atim = in_tree;
}

uint64_t buffer_size(struct buffer *buffer)
{
	guard(buffer_shared)(buffer);
	const off_t size = buffer->ops->size(buffer);

	return size < 0 ? 0 : (uint64_t)size;
}

uint64_t buffer_capacity(struct buffer *buffer)
{
	guard(buffer_shared)(buffer);
	return buffer->ops->capacity(buffer);
}

int buffer_set_times(struct buffer *buffer, const struct timespec times[2])
{
	guard(buffer_shared)(buffer);
	return buffer->ops->set_times(buffer, times);
}

enum buffer_state buffer_initial_state(const struct heap *heap)
{
	return heap->ops->fixed_size && !heap->file_first ? BUFFER_EMPTY : BUFFER_FILE;
}

static int tell_state(void *context, const struct buffer_memory *memory)
{
	*(enum buffer_state *)context = memory->state;
	return 0;
}

/* As with buffer_stat(), no lock in tmpfs. */
enum buffer_state buffer_state(struct buffer *buffer)
{
	enum buffer_state state = BUFFER_FILE;

	if (!buffer_is_in_tmpfs(buffer))
		buffer_visit(buffer, tell_state, &state);
	return state;
}

int buffer_visit(struct buffer *buffer, buffer_visitor *visit, void *context)
{
	guard(buffer_shared)(buffer);
	struct buffer_memory memory = {
		.state = buffer->ops->state,
		.file = buffer->file,
		.dmabuf = buffer->dmabuf.fd,
	};

	if (memory.state == BUFFER_DMABUF && memory.dmabuf < 0)
		memory.state = BUFFER_EMPTY;
	return visit(context, &memory);
}

/* --- other users of the memory ---------------------------------------------------- */

void buffer_on_move(struct buffer *buffer, buffer_mover *move, void *context)
{
	buffer->move = move;
	buffer->move_context = context;
}

void buffer_lend(struct buffer *buffer)
{
	atomic_store(&buffer->lent, true);
}

/* Whether the kernel was busy with the file, after a pause without the lock that it may need. */
static bool may_try_again(int error, unsigned int *tries)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	if (error != -EAGAIN || ++*tries == 1000)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

static int try_to_export(struct buffer *buffer)
{
	guard(buffer_exclusive)(buffer);
	return buffer->ops->export ? buffer->ops->export(buffer) : -ENOTSUP;
}

int buffer_export(struct buffer *buffer)
{
	unsigned int tries = 0;
	int fd;

	do
		fd = try_to_export(buffer);
	while (may_try_again(fd, &tries));
	return fd == -EAGAIN ? -EBUSY : fd;
}

void buffer_export_for(struct buffer *buffer, uid_t user)
{
	buffer->exporter = user;
}

/* Moves the file position, which no user of a dma-buf relies on. */
static int capacity_of(int dmabuf, size_t *capacity)
{
	const off_t end = lseek(dmabuf, 0, SEEK_END);

	if (end <= 0)
		return end ? -errno : -EINVAL;
	if ((uint64_t)end > SIZE_MAX)
		return -EFBIG;
	*capacity = (size_t)end;
	return page_round_up(*capacity) == *capacity ? 0 : -EINVAL;
}

int buffer_import(struct buffer *buffer, int fd)
{
	size_t capacity = 0;
	int error = capacity_of(fd, &capacity);
	guard(buffer_exclusive)(buffer);

	if (!error)
		error = buffer->ops->import ? buffer->ops->import(buffer, fd, capacity) : -ENOTSUP;
	if (error)
		close_fd(fd);
	return error;
}

bool buffer_is_exported(struct buffer *buffer)
{
	guard(buffer_shared)(buffer);
	return buffer->exported;
}

/* The memory file, if others may have it: not one that a dma-buf is going to replace. */
static int lasting_file(const struct buffer *buffer)
{
	return buffer->heap->file_first ? -1 : buffer->file;
}

int buffer_stat_memory(struct buffer *buffer, struct stat *st)
{
	guard(buffer_shared)(buffer);
	const int fd = buffer->dmabuf.fd < 0 ? lasting_file(buffer) : buffer->dmabuf.fd;

	if (fd < 0)
		return -ENODATA;
	return fstat(fd, st) ? -errno : 0;
}

/* Opens the file again: a duplicate of our fd would be writable. */
int buffer_open_memory(struct buffer *buffer)
{
	guard(buffer_shared)(buffer);
	const int file = buffer->ops->state == BUFFER_DMABUF ? -1 : lasting_file(buffer);

	return file < 0 ? -ENOTSUP : reopen_fd(file, O_RDONLY);
}
