// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * salvage: saves the files of a mount that has ended because its worker could not be kept
 * running. The supervisor still has all memory, and records that say whose it is.
 */
#include "buffer/record.h"
#include "ctl/ctl.h"
#include "ctl/progress.h"
#include "fs/saved.h"
#include "util/compat.h"
#include "util/number.h"
#include "util/scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct owned {
	uint64_t inode;
	const struct buffer_record *record;
};

struct salvage {
	pid_t pid;
	int process; /* pidfd of the supervisor */
	struct saved saved;
	struct heap *heap; /* of its dma-bufs; NULL: not needed so far */
	struct quota quota;
	struct owned *buffers; /* by inode */
	size_t count;
	char tree[64];	       /* path of the names, below /proc */
	char target[PATH_MAX]; /* where they are copied to */
	unsigned long failed;
};

/* --- what the supervisor has ------------------------------------------------------------ */

/* Returns a new fd, or -errno. */
static int take_fd(const struct salvage *salvage, int number)
{
	const int fd = (int)syscall(SYS_pidfd_getfd, salvage->process, number, 0);

	return fd < 0 ? -errno : fd;
}

static bool is_state(const char *directory, const char *number)
{
	char path[PATH_MAX], target[64] = "";

	snprintf(path, sizeof(path), "%s/%s", directory, number);
	return readlink(path, target, sizeof(target) - 1) > 0 &&
	       !strncmp(target, "/memfd:" SAVED_NAME, strlen("/memfd:" SAVED_NAME));
}

/* Returns the number of the supervisor's fd of the shared memory; -ENOENT: it has none. */
static int find_state(const struct salvage *salvage)
{
	char path[32];
	const struct dirent *entry;
	int found = -ENOENT;

	snprintf(path, sizeof(path), "/proc/%d/fd", salvage->pid);
	DIR *fds = opendir(path);

	if (!fds)
		return -errno;
	while (found < 0 && (entry = readdir(fds)))
		if (is_state(path, entry->d_name))
			found = atoi(entry->d_name);
	closedir(fds);
	return found;
}

static int open_state(struct salvage *salvage)
{
	salvage->process = (int)syscall(SYS_pidfd_open, salvage->pid, 0);
	if (salvage->process < 0)
		return -errno;
	const int number = find_state(salvage);
	const int state = number < 0 ? number : take_fd(salvage, number);

	return state < 0 ? state : saved_open(&salvage->saved, state);
}

/* --- contents --------------------------------------------------------------------------- */

static int make_buffer(struct salvage *salvage, int dmabuf, uint64_t size, struct buffer **buffer)
{
	scope(fd) int given = dmabuf;
	char why[256];
	int error = 0;

	if (!salvage->heap)
		error = heap_open(&salvage->heap, salvage->saved.head->handover.heap, "/dev", why);
	error = error ?: buffer_create(buffer, salvage->heap, &salvage->quota, -1);
	if (error)
		return error;
	error = buffer_import(*buffer, steal_fd(&given))
			?: buffer_allocate(*buffer, 0, 0, (off_t)size);
	if (error)
		buffer_destroy(*buffer);
	return error;
}

static int copy_contents(struct buffer *buffer, uint64_t size, int file)
{
	struct copy copy = {
		.direction = COPY_TO_FILE,
		.file = file,
		.buffer = buffer,
		.length = size,
		.fresh = true,
	};
	const struct progress_options options = {.total = size};
	struct copy_report report;

	if (ftruncate(file, (off_t)size))
		return -errno;
	const int64_t n = progress_copy_buffer(&copy, &options, &report);

	return n < 0 ? (int)n : 0;
}

static int save_dmabuf(struct salvage *salvage, int dmabuf, uint64_t size, int file)
{
	struct buffer *buffer;
	int error = make_buffer(salvage, dmabuf, size, &buffer);

	if (error)
		return error;
	error = copy_contents(buffer, size, file);
	buffer_destroy(buffer);
	return error;
}

/* The kernel keeps the size and the times of a memory file, until that is exported. */
static int save_memory_file(int memory, const struct buffer_record *record, bool is_exported,
			    struct stat *st, int file)
{
	struct buffer *buffer;
	struct stat own;

	if (fstat(memory, &own))
		return -errno;
	if (!is_exported)
		stat_take_later_times(st, &own);
	int error = buffer_create_mounted(&buffer, memory);

	if (error)
		return error;
	error = copy_contents(buffer, is_exported ? record->size : (uint64_t)own.st_size, file);
	buffer_destroy(buffer);
	return error;
}

/* Raises the times in @st to those of the contents. */
static int save_contents(struct salvage *salvage, const struct buffer_record *record,
			 struct stat *st, int file)
{
	struct buffer_memory memory;

	if (!buffer_record_memory(record, &memory))
		return 0;
	if (memory.state == BUFFER_EMPTY)
		return ftruncate(file, (off_t)record->size) ? -errno : 0;
	scope(fd) int fd =
		take_fd(salvage, memory.state == BUFFER_DMABUF ? memory.dmabuf : memory.file);

	if (fd < 0)
		return fd;
	if (memory.state == BUFFER_DMABUF)
		return save_dmabuf(salvage, steal_fd(&fd), record->size, file);
	return save_memory_file(fd, record, memory.state == BUFFER_EXPORTED_FILE, st, file);
}

static void set_times(const struct buffer_record *record, struct stat *st, int file)
{
	struct times times = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.read = record->times.read,
		.written = record->times.written,
		.changed = record->times.changed,
	};

	times_show(&times, st);
	futimens(file, (struct timespec[2]){st->st_atim, st->st_mtim});
}

/* --- files -------------------------------------------------------------------------------- */

static int compare(const void *one, const void *other)
{
	const uint64_t a = ((const struct owned *)one)->inode;
	const uint64_t b = ((const struct owned *)other)->inode;

	return (a > b) - (a < b);
}

static int sort_buffers(struct salvage *salvage)
{
	const struct table *table = &salvage->saved.buffers;
	const struct buffer_record *record = NULL;

	salvage->buffers = calloc(table_count(table) + 1, sizeof(struct owned));
	if (!salvage->buffers)
		return -ENOMEM;
	while ((record = table_next(table, record)))
		salvage->buffers[salvage->count++] = (struct owned){record->owner, record};
	qsort(salvage->buffers, salvage->count, sizeof(struct owned), compare);
	return 0;
}

static const struct buffer_record *find_record(const struct salvage *salvage, uint64_t inode)
{
	const struct owned wanted = {.inode = inode};
	const struct owned *found =
		bsearch(&wanted, salvage->buffers, salvage->count, sizeof(struct owned), compare);

	return found ? found->record : NULL;
}

static void fill_file(struct salvage *salvage, const char *name, struct stat *st)
{
	const struct buffer_record *record = find_record(salvage, st->st_ino);
	scope(free) char *path = NULL;

	if (!record || progress_was_interrupted() ||
	    asprintf(&path, "%s/%s", salvage->target, name) < 0)
		return;
	scope(fd) int file = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	const int error = file < 0 ? -errno : save_contents(salvage, record, st, file);

	if (!error) {
		set_times(record, st, file);
		return;
	}
	salvage->failed++;
	if (!progress_was_interrupted())
		ctl_fail("%s is not saved: %s", name, strerror(-error));
}

static void fill_files(struct salvage *salvage)
{
	char *const roots[] = {salvage->tree, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	const FTSENT *entry;

	while (walk && (entry = fts_read(walk)))
		if (entry->fts_info == FTS_F)
			fill_file(salvage, entry->fts_path + strlen(salvage->tree),
				  entry->fts_statp);
	if (walk)
		fts_close(walk);
}

/* Names, owners, modes, links and attributes; and the contents of files in tmpfs. */
static int copy_tree(struct salvage *salvage)
{
	char program[] = "cp", option[] = "-a";
	char *const words[] = {program, option, salvage->tree, salvage->target, NULL};
	pid_t child;
	int status;
	const int error = posix_spawnp(&child, program, NULL, NULL, words, environ);

	if (error || waitpid(child, &status, 0) < 0)
		return -(error ?: errno);
	return status ? -EIO : 0;
}

/*
 * The copied tree may have modes that let others write, so it is filled in a directory that
 * only the caller can enter, and gets its place then.
 */
static enum ctl_exit salvage_to(struct salvage *salvage, const char *directory)
{
	scope(free) char *private = NULL;

	if (!access(directory, F_OK))
		return ctl_fail("%s exists; name a new directory", directory);
	if (asprintf(&private, "%s.XXXXXX", directory) < 0 || !mkdtemp(private))
		return ctl_fail("%s: %s", directory, strerror(errno));
	snprintf(salvage->target, sizeof(salvage->target), "%s/files", private);
	const int error = copy_tree(salvage);

	if (!error)
		fill_files(salvage);
	if (rename(salvage->target, directory) || rmdir(private))
		return ctl_fail("%s: %s", directory, strerror(errno));
	if (error)
		return ctl_fail("not all files are saved");
	if (salvage->failed)
		return ctl_fail("%lu files are not saved", salvage->failed);
	return progress_was_interrupted() ? CTL_FAILED : CTL_DONE;
}

/* Its records are believed. */
static bool is_own(const struct salvage *salvage)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", salvage->pid);
	return stat(path, &st) || st.st_uid == geteuid();
}

static enum ctl_exit salvage(struct salvage *salvage, const char *directory)
{
	if (!is_own(salvage))
		return ctl_fail("process %d is another user's; become that user", salvage->pid);
	const int error = open_state(salvage) ?: sort_buffers(salvage);

	if (error == -EINVAL)
		return ctl_fail("process %d is another version of dmaheapfs", salvage->pid);
	if (error)
		return ctl_fail("process %d: %s", salvage->pid,
				error == -ENOENT ? "it has no files of a mount" : strerror(-error));
	if (!salvage->saved.head->supervised.is_held)
		return ctl_fail("process %d serves its mount; copy the files from there",
				salvage->pid);
	snprintf(salvage->tree, sizeof(salvage->tree), "/proc/%d/fd/%d/.", salvage->pid,
		 salvage->saved.head->handover.tree.mount);
	return salvage_to(salvage, directory);
}

enum ctl_exit ctl_salvage(int argc, char *argv[])
{
	struct salvage wanted = {
		.pid = argc == 3 ? parse_whole(argv[1]) : 0,
		.process = -1,
		.saved.file = -1,
		.quota.limit = UINT64_MAX,
	};

	if (wanted.pid <= 0) {
		ctl_fail("salvage needs PID and DIR; see: dmaheapctl --help");
		return CTL_USAGE;
	}
	progress_begin();
	const enum ctl_exit status = salvage(&wanted, argv[2]);

	heap_destroy(wanted.heap);
	free(wanted.buffers);
	saved_finish(&wanted.saved);
	close_fd(wanted.process);
	progress_end(status == CTL_DONE);
	return status;
}
