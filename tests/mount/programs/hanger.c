// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: hanger DIR GATE MOUNTPOINT
 *
 * A FUSE filesystem that shows the files of DIR, read-only. Reads of files whose name
 * begins with "hung", lookups of names that begin with "lost", and closes of files that
 * begin with "clinging" get no answer while there is no file GATE, for at most a minute,
 * since their waiters cannot be killed. A waiter shows as the file GATE.waiting. Stays in
 * the foreground.
 */
#define FUSE_USE_VERSION 312
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int directory;
static const char *gate;

/* The root has the path "/", a file "/name". */
static const char *below(const char *path)
{
	return path[1] ? path + 1 : ".";
}

static void wait_at_gate(const char *path, const char *kind)
{
	char waiting[4096];

	if (strncmp(below(path), kind, strlen(kind)))
		return;
	snprintf(waiting, sizeof(waiting), "%s.waiting", gate);
	close(open(waiting, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	for (int i = 0; i < 6000 && access(gate, F_OK); i++)
		usleep(10000);
}

static int show_attributes(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	wait_at_gate(path, "lost");
	return fstatat(directory, below(path), st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static int show_names(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	DIR *const dir = fdopendir(openat(directory, below(path), O_RDONLY | O_CLOEXEC));
	const struct dirent *entry;

	(void)offset;
	(void)fi;
	(void)flags;
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		fill(buffer, entry->d_name, NULL, 0, 0);
	closedir(dir);
	return 0;
}

static int open_file(const char *path, struct fuse_file_info *fi)
{
	const int fd = openat(directory, below(path), O_RDONLY | O_CLOEXEC);

	fi->fh = (uint64_t)fd;
	return fd < 0 ? -errno : 0;
}

static int read_file(const char *path, char *bytes, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	ssize_t n;

	wait_at_gate(path, "hung");
	n = pread((int)fi->fh, bytes, size, offset);
	return n < 0 ? -errno : (int)n;
}

/* At each close of one of its fds. */
static int flush_file(const char *path, struct fuse_file_info *fi)
{
	(void)fi;
	wait_at_gate(path, "clinging");
	return 0;
}

static int close_file(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	return close((int)fi->fh) ? -errno : 0;
}

/*
 * The kernel holds back what is read in advance or directly beyond so many, and
 * lets those who look for names in one directory wait for each other.
 */
static void *begin(struct fuse_conn_info *connection, struct fuse_config *config)
{
	(void)config;
	connection->max_background = 1000;
	connection->want |= FUSE_CAP_PARALLEL_DIROPS;
	return NULL;
}

int main(int argc, char *argv[])
{
	static const struct fuse_operations operations = {
		.init = begin,
		.getattr = show_attributes,
		.readdir = show_names,
		.open = open_file,
		.read = read_file,
		.flush = flush_file,
		.release = close_file,
	};
	/* Each one that waits keeps a thread. */
	static char foreground[] = "-f", options[] = "-oro,max_threads=1000";
	char *words[] = {argv[0], argv[argc - 1], foreground, options, NULL};

	if (argc != 4) {
		fputs("usage: hanger DIR GATE MOUNTPOINT\n", stderr);
		return 1;
	}
	directory = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	gate = argv[2];
	return fuse_main(4, words, &operations, NULL);
}
