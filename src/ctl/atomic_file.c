// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/atomic_file.h"

#include "ctl/progress.h"
#include "util/fd_path.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define ATTEMPTS 100

/* Follows symbolic links, so that their target is replaced. The target need not exist. */
static char *resolve(const char *path)
{
	char *real = realpath(path, NULL);

	return real || errno != ENOENT ? real : strdup(path);
}

static int split(struct atomic_file *file, const char *path)
{
	scope(free) char *real = resolve(path);
	char *slash = real ? strrchr(real, '/') : NULL;
	const char *directory = !slash ? "." : slash == real ? "/" : real;

	if (!real)
		return -errno;
	file->name = strdup(slash ? slash + 1 : real);
	if (!file->name)
		return -ENOMEM;
	if (!*file->name)
		return -EISDIR;
	if (slash)
		*slash = '\0';
	file->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return file->directory < 0 ? -errno : 0;
}

/* Makes the checks of an open for writing. */
static int look_at_old(struct atomic_file *file)
{
	struct stat *old = &file->old;

	if (fstatat(file->directory, file->name, old, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(old->st_mode))
		return -EISDIR;
	if (!S_ISREG(old->st_mode))
		return -EINVAL;
	if (faccessat(file->directory, file->name, W_OK, AT_EACCESS))
		return -errno;
	file->replaces = true;
	return 0;
}

static int random_name(const char *name, char **made)
{
	unsigned int number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -EIO;
	/* Truncates a long name, so that the result is not too long. */
	return asprintf(made, ".%.*s.%08x", NAME_MAX - 10, name, number) < 0 ? -ENOMEM : 0;
}

static int open_named(struct atomic_file *file)
{
	int error = -EEXIST;

	for (int i = 0; i < ATTEMPTS && error == -EEXIST; i++) {
		char *name;

		error = random_name(file->name, &name);
		if (error)
			return error;
		file->file =
			openat(file->directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		error = file->file < 0 ? -errno : 0;
		if (error)
			free(name);
		else
			file->temporary = name;
	}
	return error;
}

static int open_file(struct atomic_file *file)
{
	file->file = openat(file->directory, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (file->file >= 0)
		return 0;
	/* These errors mean that the filesystem does not support O_TMPFILE. */
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == ENOSYS)
		return open_named(file);
	return -errno;
}

static mode_t current_umask(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return mask;
}

int atomic_file_begin(struct atomic_file *file, const char *path, mode_t mode)
{
	*file = (struct atomic_file){.file = -1, .directory = -1};
	file->old.st_mode = mode & ~current_umask();
	int error = split(file, path);

	if (!error)
		error = look_at_old(file);
	if (!error)
		error = open_file(file);
	if (error)
		atomic_file_end(file);
	return error;
}

/* chown clears set-id bits, so chmod comes last. A caller that may not chown keeps the file. */
static int take_over_attributes(struct atomic_file *file)
{
	const struct stat *old = &file->old;

	if (file->replaces && fchown(file->file, old->st_uid, old->st_gid) &&
	    fchown(file->file, (uid_t)-1, old->st_gid) && errno != EPERM)
		return -errno;
	return fchmod(file->file, old->st_mode & 0777) ? -errno : 0;
}

static int link_as(struct atomic_file *file, const char *name)
{
	const struct fd_path path = fd_path(file->file);

	if (linkat(AT_FDCWD, path.text, file->directory, name, AT_SYMLINK_FOLLOW))
		return -errno;
	return 0;
}

/* link(2) does not replace a file and rename(2) does, so the file gets a hidden name first. */
static int name_temporarily(struct atomic_file *file)
{
	int error = -EEXIST;

	for (int i = 0; i < ATTEMPTS && error == -EEXIST; i++) {
		char *name;

		error = random_name(file->name, &name);
		if (error)
			return error;
		error = link_as(file, name);
		if (error)
			free(name);
		else
			file->temporary = name;
	}
	return error;
}

static int give_name(struct atomic_file *file)
{
	int error = 0;

	if (!file->temporary) {
		error = file->replaces ? -EEXIST : link_as(file, file->name);
		if (error != -EEXIST)
			return error;
		error = name_temporarily(file);
	}
	if (error)
		return error;
	if (renameat(file->directory, file->temporary, file->directory, file->name))
		return -errno;
	free(file->temporary);
	file->temporary = NULL;
	return 0;
}

/* The file has its name by then, so a signal does not stop this. */
static int sync_directory(const struct atomic_file *file)
{
	while (fsync(file->directory)) {
		if (errno == EINVAL)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int atomic_file_commit(struct atomic_file *file, bool sync)
{
	int error = take_over_attributes(file);

	if (!error && sync && fsync(file->file))
		error = -errno;
	if (!error && progress_was_interrupted())
		error = -EINTR;
	if (!error)
		error = give_name(file);
	if (!error && sync)
		error = sync_directory(file);
	return error;
}

void atomic_file_end(struct atomic_file *file)
{
	if (file->temporary)
		unlinkat(file->directory, file->temporary, 0);
	close_fd(file->file);
	close_fd(file->directory);
	free(file->temporary);
	free(file->name);
	*file = (struct atomic_file){.file = -1, .directory = -1};
}
