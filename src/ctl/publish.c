// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/publish.h"

#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define ATTEMPTS 100

/*
 * What a symbolic link points to is what is replaced, be it there or not yet;
 * a last component that does not exist is as good as one that does.
 */
static char *resolve(const char *path)
{
	char *real = realpath(path, NULL);

	return real || errno != ENOENT ? real : strdup(path);
}

static int split(struct publish *publish, const char *path)
{
	scope(free) char *real = resolve(path);
	char *slash = real ? strrchr(real, '/') : NULL;
	const char *directory = !slash ? "." : slash == real ? "/" : real;

	if (!real)
		return -errno;
	publish->name = strdup(slash ? slash + 1 : real);
	if (!publish->name)
		return -ENOMEM;
	if (!*publish->name)
		return -EISDIR;
	if (slash)
		*slash = '\0';
	publish->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return publish->directory < 0 ? -errno : 0;
}

/* As whoever opened it to write into it would find it. */
static int look_at_old(struct publish *publish)
{
	struct stat *old = &publish->old;

	if (fstatat(publish->directory, publish->name, old, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(old->st_mode))
		return -EISDIR;
	if (!S_ISREG(old->st_mode))
		return -EINVAL;
	if (faccessat(publish->directory, publish->name, W_OK, AT_EACCESS))
		return -errno;
	publish->replaces = true;
	return 0;
}

static int random_name(const char *name, char **made)
{
	unsigned int number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -EIO;
	/* A long name is cut, so that the whole is one. */
	return asprintf(made, ".%.*s.%08x", NAME_MAX - 10, name, number) < 0 ? -ENOMEM : 0;
}

static int open_named(struct publish *publish)
{
	int err = -EEXIST;

	for (int i = 0; i < ATTEMPTS && err == -EEXIST; i++) {
		char *name;

		err = random_name(publish->name, &name);
		if (err)
			return err;
		publish->file = openat(publish->directory, name,
				       O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		err = publish->file < 0 ? -errno : 0;
		if (err)
			free(name);
		else
			publish->temporary = name;
	}
	return err;
}

static int open_file(struct publish *publish)
{
	publish->file = openat(publish->directory, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (publish->file >= 0)
		return 0;
	/* Filesystems without it say so in one of these ways. */
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == ENOSYS)
		return open_named(publish);
	return -errno;
}

static mode_t current_umask(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return mask;
}

int publish_begin(struct publish *publish, const char *path, mode_t mode)
{
	int err;

	*publish = (struct publish){.file = -1, .directory = -1};
	publish->old.st_mode = mode & ~current_umask();
	err = split(publish, path);
	if (!err)
		err = look_at_old(publish);
	if (!err)
		err = open_file(publish);
	if (err)
		publish_end(publish);
	return err;
}

/* Giving it away may take set-id bits, so the mode comes last; who can't, keeps it. */
static int take_over_attributes(struct publish *publish)
{
	const struct stat *old = &publish->old;

	if (publish->replaces && fchown(publish->file, old->st_uid, old->st_gid) &&
	    fchown(publish->file, (uid_t)-1, old->st_gid) && errno != EPERM)
		return -errno;
	return fchmod(publish->file, old->st_mode & 0777) ? -errno : 0;
}

static int link_as(struct publish *publish, const char *name)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", publish->file);
	if (linkat(AT_FDCWD, path, publish->directory, name, AT_SYMLINK_FOLLOW))
		return -errno;
	return 0;
}

/* A link does not replace, a rename does: for a moment the file has a hidden name. */
static int name_temporarily(struct publish *publish)
{
	int err = -EEXIST;

	for (int i = 0; i < ATTEMPTS && err == -EEXIST; i++) {
		char *name;

		err = random_name(publish->name, &name);
		if (err)
			return err;
		err = link_as(publish, name);
		if (err)
			free(name);
		else
			publish->temporary = name;
	}
	return err;
}

static int give_name(struct publish *publish)
{
	int err = 0;

	if (!publish->temporary) {
		err = publish->replaces ? -EEXIST : link_as(publish, publish->name);
		if (err != -EEXIST)
			return err;
		err = name_temporarily(publish);
	}
	if (err)
		return err;
	if (renameat(publish->directory, publish->temporary, publish->directory, publish->name))
		return -errno;
	free(publish->temporary);
	publish->temporary = NULL;
	return 0;
}

/* The name is given by then: there is nothing any more that a signal could stop. */
static int sync_directory(const struct publish *publish)
{
	while (fsync(publish->directory)) {
		if (errno == EINVAL)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int publish_commit(struct publish *publish, bool sync, bool (*is_given_up)(void))
{
	int err = take_over_attributes(publish);

	if (!err && sync && fsync(publish->file))
		err = -errno;
	if (!err && is_given_up())
		err = -EINTR;
	if (!err)
		err = give_name(publish);
	if (!err && sync)
		err = sync_directory(publish);
	return err;
}

void publish_end(struct publish *publish)
{
	if (publish->temporary)
		unlinkat(publish->directory, publish->temporary, 0);
	close_fd(publish->file);
	close_fd(publish->directory);
	free(publish->temporary);
	free(publish->name);
	*publish = (struct publish){.file = -1, .directory = -1};
}
