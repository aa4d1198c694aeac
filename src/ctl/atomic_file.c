// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/atomic_file.h"

#include "ctl/progress.h"
#include "util/fd_path.h"
#include "util/scope.h"
#include "util/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/xattr.h>
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

/* Not through a link, and without a wait for another process's lease. */
static int open_old(const struct atomic_file *file)
{
	const int flags = O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;
	const int fd = openat(file->directory, file->name, O_RDONLY | flags);

	return fd < 0 ? openat(file->directory, file->name, O_WRONLY | flags) : fd;
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
	file->old_file = open_old(file);
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

/* The old file's mode comes with its access list, later. */
static mode_t first_mode(const struct atomic_file *file)
{
	return file->replaces ? 0600 : file->old.st_mode & 0777;
}

static int open_named(struct atomic_file *file)
{
	int error = -EEXIST;

	for (int i = 0; i < ATTEMPTS && error == -EEXIST; i++) {
		char *name;

		error = random_name(file->name, &name);
		if (error)
			return error;
		file->file = openat(file->directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
				    first_mode(file));
		error = file->file < 0 ? -errno : 0;
		if (error)
			free(name);
		else
			file->temporary = name;
	}
	return error;
}

/* Without /proc the file could not get a name later. */
static bool can_link(void)
{
	return !access("/proc/self/fd", F_OK);
}

static int open_file(struct atomic_file *file)
{
	if (!can_link())
		return open_named(file);
	file->file = openat(file->directory, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, first_mode(file));
	if (file->file >= 0)
		return 0;
	/* These errors mean that the filesystem does not support O_TMPFILE. */
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == ENOSYS)
		return open_named(file);
	return -errno;
}

int atomic_file_begin(struct atomic_file *file, const char *path, mode_t mode)
{
	*file = (struct atomic_file){.file = -1, .directory = -1, .old_file = -1};
	file->old.st_mode = mode;
	int error = split(file, path);

	if (!error)
		error = look_at_old(file);
	if (!error)
		error = open_file(file);
	if (error)
		atomic_file_end(file);
	return error;
}

/* --- attributes of the old file -------------------------------------------------------- */

#define OVERFLOW_ID 65534

/*
 * In a user namespace an owner without a number there is shown as this one, which another
 * user may have. The file then stays the caller's.
 */
static bool is_known(unsigned id)
{
	return id != OVERFLOW_ID || is_first_user_namespace();
}

/* A caller that may not chown keeps the file. */
static int take_over_owner(const struct atomic_file *file)
{
	const uid_t uid = is_known(file->old.st_uid) ? file->old.st_uid : (uid_t)-1;
	const gid_t gid = is_known(file->old.st_gid) ? file->old.st_gid : (gid_t)-1;

	if (fchown(file->file, uid, gid) && fchown(file->file, (uid_t)-1, gid) && errno != EPERM)
		return -errno;
	return 0;
}

/* A write removes capabilities and signatures, and this is one. */
static bool is_kept(const char *name)
{
	return strcmp(name, "security.capability") && strcmp(name, "security.ima") &&
	       strcmp(name, "security.evm") && strcmp(name, "system.posix_acl_access");
}

/* What the caller may not set stays away, as with cp(1). */
static void copy_attribute(const struct atomic_file *file, const char *name)
{
	scope(free) char *value = malloc(XATTR_SIZE_MAX);
	const ssize_t length = value ? fgetxattr(file->old_file, name, value, XATTR_SIZE_MAX) : -1;

	if (length >= 0)
		fsetxattr(file->file, name, value, (size_t)length, 0);
}

static void copy_attributes(const struct atomic_file *file)
{
	scope(free) char *names = malloc(XATTR_LIST_MAX);
	const ssize_t length = names ? flistxattr(file->old_file, names, XATTR_LIST_MAX) : -1;

	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1)
		if (is_kept(names + at))
			copy_attribute(file, names + at);
}

/* The new file may have got a list from the directory. 0 or -errno. */
static int copy_access_list(const struct atomic_file *file)
{
	static const char name[] = "system.posix_acl_access";
	scope(free) char *list = malloc(XATTR_SIZE_MAX);
	const ssize_t length = list ? fgetxattr(file->old_file, name, list, XATTR_SIZE_MAX) : -1;

	if (!list)
		return -ENOMEM;
	if (length < 0) {
		fremovexattr(file->file, name);
		return 0;
	}
	return fsetxattr(file->file, name, list, (size_t)length, 0) ? -errno : 0;
}

/* The list comes last, as chown and chmod change it. */
static int take_over_attributes(const struct atomic_file *file)
{
	int error = take_over_owner(file);

	if (error)
		return error;
	if (fchmod(file->file, file->old.st_mode & 0777))
		return -errno;
	copy_attributes(file);
	error = copy_access_list(file);
	if (error)
		return error;
	/* Without a list chmod sets the group's bits, and not the mask. */
	return fchmod(file->file, file->old.st_mode & 0777) ? -errno : 0;
}

/* --- the name ------------------------------------------------------------------------- */

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
	int error = file->replaces ? take_over_attributes(file) : 0;

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
	close_fd(file->old_file);
	close_fd(file->directory);
	free(file->temporary);
	free(file->name);
	*file = (struct atomic_file){.file = -1, .directory = -1, .old_file = -1};
}
