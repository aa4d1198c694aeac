// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/session.h"

#include "fdpass/server.h"
#include "fs/creds.h"
#include "fs/dispatch.h"
#include "fs/export.h"
#include "fs/loop.h"
#include "fs/restore.h"
#include "fs/saved.h"
#include "source/source.h"
#include "util/compat.h"
#include "util/explain.h"
#include "util/log.h"
#include "util/scope.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <mntent.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#define MOUNT_TYPE "dmaheapfs"

/* --- the mountpoint ------------------------------------------------------------------ */

/* The last entry for a path is the mount on top. */
static bool is_our_mount(const char *path)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char line[4096];
	struct mntent entry;
	bool ours = false;

	if (!mounts)
		return false;
	while (getmntent_r(mounts, &entry, line, sizeof(line)))
		if (!strcmp(entry.mnt_dir, path))
			ours = !strcmp(entry.mnt_type, "fuse." MOUNT_TYPE);
	endmntent(mounts);
	return ours;
}

/* realpath(3), even if the last component is a stale mount. */
static char *resolve(const char *path)
{
	scope(free) char *head = strdup(path);
	scope(free) char *tail = strdup(path);
	scope(free) char *parent = NULL;
	char *whole = realpath(path, NULL);

	if (whole || errno != ENOTCONN || !head || !tail)
		return whole;
	parent = realpath(dirname(head), NULL);
	if (!parent ||
	    asprintf(&whole, "%s/%s", strcmp(parent, "/") ? parent : "", basename(tail)) < 0)
		return NULL;
	return whole;
}

static int detach_stale(const char *path, char why[static 256])
{
	if (!is_our_mount(path))
		return explain(why, ENOTCONN, "%s is a stale mount; unmount it first: umount -l %s",
			       path, path);
	if (umount2(path, MNT_DETACH))
		return explain(why, errno, "%s is a stale mount; as root: umount -l %s", path,
			       path);
	log_info("replaced the stale mount on %s", path);
	return 0;
}

/* stat(2) may succeed from the kernel's cache. statfs(2) always asks the daemon. */
static bool is_stale(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) && errno == ENOTCONN;
}

static int check(const char *path, char why[static 256])
{
	struct stat st;
	int error;

	if (is_stale(path) && (error = detach_stale(path, why)))
		return error;
	if (stat(path, &st))
		return explain(why, errno, "cannot use the mountpoint %s: %s", path,
			       strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return explain(why, ENOTDIR, "the mountpoint %s is not a directory", path);
	if (is_our_mount(path))
		return explain(why, EBUSY, "%s is mounted already; unmount it first: umount %s",
			       path, path);
	return 0;
}

/*
 * Checks that @path can be mounted on: it is a directory, and not mounted by us already. A
 * stale mount, left by a killed daemon, is unmounted. Returns the absolute path, which the
 * caller frees. On failure returns NULL with errno set and the reason in @why.
 */
static char *prepare_mountpoint(const char *path, char why[static 256])
{
	char *absolute = resolve(path);
	int error;

	if (!absolute) {
		error = errno;
		explain(why, error, "cannot use the mountpoint %s: %s%s%s", path, strerror(error),
			error == ENOENT ? "; make it: mkdir -p " : "", error == ENOENT ? path : "");
	} else {
		error = check(absolute, why);
	}
	if (!error)
		return absolute;
	free(absolute);
	errno = error;
	return NULL;
}

/* --- mounting ------------------------------------------------------------------------ */

/* It has told why it failed. */
static bool libfuse_said;

static void log_libfuse(enum fuse_log_level level, const char *format, va_list args)
{
	char line[512];
	int length = vsnprintf(line, sizeof(line), format, args);

	if (length > 0 && (size_t)length < sizeof(line) && line[length - 1] == '\n')
		line[length - 1] = '\0';
	libfuse_said |= level <= FUSE_LOG_ERR;
	if (level <= FUSE_LOG_ERR)
		log_error("%s", line);
	else if (level == FUSE_LOG_WARNING)
		log_warning("%s", line);
	else
		log_info("%s", line);
}

/* libfuse separates options by commas, and a backslash escapes one. */
static void add_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == ',' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static char *mount_options(const struct session_options *options)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	fputs("subtype=" MOUNT_TYPE ",default_permissions,fsname=", out);
	add_escaped(out, options->fsname);
	if (options->allow_other)
		fputs(",allow_other", out);
	if (options->mount_flags)
		fprintf(out, ",%s", options->mount_flags);
	return fclose(out) ? NULL : text;
}

static struct fuse_session *new_session(struct fs *fs, const struct session_options *options)
{
	scope(free) char *flags = mount_options(options);
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *session = NULL;

	if (flags && !fuse_opt_add_arg(&args, "dmaheapfs") && !fuse_opt_add_arg(&args, "-o") &&
	    !fuse_opt_add_arg(&args, flags) && (!options->debug || !fuse_opt_add_arg(&args, "-d")))
		session = fuse_session_new(&args, &dispatch_ops, sizeof(dispatch_ops), fs);
	fuse_opt_free_args(&args);
	return session;
}

/* Only root can open it, so no user can hold it. */
#define LOCK_FILE "/run/dmaheapfs.lock"

/* A daemon that hangs on its mountpoint must not keep others from theirs. */
enum { LOCK_ATTEMPTS = 100, LOCK_WAIT_US = 30000 };

/*
 * Between the check of the mountpoint and the mount no other daemon may mount there. The
 * lock lasts until the fd is closed. Where there is no /run, or not for this user, or after
 * a few seconds, there is no lock.
 */
static int lock_mounts(void)
{
	const int fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	for (int i = 0; fd >= 0 && i < LOCK_ATTEMPTS && flock(fd, LOCK_EX | LOCK_NB); i++)
		usleep(LOCK_WAIT_US);
	return fd;
}

static void use_device(struct fs *fs)
{
	fs->kernel.device = fs->source_kernel.device = fuse_session_fd(fs->session);
	fs->kernel.last_id = fs->source_kernel.last_id = &fs->saved->head->last_backing;
}

/* libfuse does not know the flag. 0 or -errno. */
static int set_nosymfollow(const char *mountpoint)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSYMFOLLOW};

	return mount_setattr(AT_FDCWD, mountpoint, 0, &attributes, sizeof(attributes)) ? -errno : 0;
}

int session_mount(struct fs *fs, const struct session_options *options, char why[static 256])
{
	scope(fd) int lock __attribute__((unused)) = lock_mounts();

	why[0] = '\0';
	fuse_set_log_func(log_libfuse);
	if (access("/dev/fuse", F_OK))
		return explain(why, -ENODEV,
			       "this machine has no /dev/fuse; load the module: modprobe fuse");
	fs->mountpoint = prepare_mountpoint(options->mountpoint, why);
	if (!fs->mountpoint)
		return -errno;
	fs->session = new_session(fs, options);
	if (!fs->session)
		return explain(why, -ENOMEM, "out of memory");
	if (fuse_session_mount(fs->session, fs->mountpoint)) {
		fuse_session_destroy(fs->session);
		return libfuse_said ? -EIO
				    : explain(why, -EIO, "could not mount on %s", fs->mountpoint);
	}
	const int error = options->nosymfollow ? set_nosymfollow(fs->mountpoint) : 0;

	if (error) {
		fuse_session_unmount(fs->session);
		fuse_session_destroy(fs->session);
		return explain(why, error, "nosymfollow: %s", strerror(-error));
	}
	use_device(fs);
	return 0;
}

int session_take_over(struct fs *fs, const struct session_options *options, int device,
		      char why[static 256])
{
	char path[32];

	why[0] = '\0';
	fuse_set_log_func(log_libfuse);
	fs->was_taken_over = true;
	fs->mountpoint = strdup(options->mountpoint);
	fs->session = fs->mountpoint ? new_session(fs, options) : NULL;
	if (!fs->session)
		return explain(why, -ENOMEM, "out of memory");
	/* libfuse takes this for a device that is mounted already. */
	snprintf(path, sizeof(path), "/dev/fd/%d", device);
	if (fuse_session_mount(fs->session, path))
		return explain(why, -EIO, "cannot use the device of %s", fs->mountpoint);
	use_device(fs);
	return 0;
}

/* --- serving ------------------------------------------------------------------------- */

static int serve_exports(struct fs *fs)
{
	int error = export_start(fs);

	if (error)
		return error;
	error = loop_run(fs);
	fd_server_end(fs->fd_server);
	return error;
}

/* Threads do not survive going into the background, so they are created after that. */
static int serve_copies(struct fs *fs)
{
	int error = fs->source ? source_start(fs->source) : 0;

	if (!error)
		error = copy_pool_create(&fs->copies, fs->copy_threads);
	if (error)
		return error;
	error = serve_exports(fs);
	copy_pool_destroy(fs->copies);
	return error;
}

int session_detach(bool foreground, bool is_detached)
{
	if (!is_detached && fuse_daemonize(foreground))
		return -errno;
	if (!foreground)
		log_to_syslog("dmaheapfs");
	return creds_drop_privileges();
}

/* Goes on where an earlier process was killed. */
static int take_over(struct fs *fs, const struct fd_list *own)
{
	const struct supervised *supervised = &fs->saved->head->supervised;

	if (supervised->starts == 1)
		return 0;
	dispatch_init_again(fs);
	const int error = restore(fs, own);

	if (error)
		log_error("cannot take over from the process that was killed: %s",
			  strerror(-error));
	else
		log_warning("the serving process was ended by signal %u (%s); going on with its "
			    "open files and buffers",
			    supervised->last_signal, strsignal((int)supervised->last_signal));
	return error;
}

int session_serve(struct fs *fs, const struct fd_list *own)
{
	if (fuse_set_signal_handlers(fs->session))
		return -ENOMEM;
	const int error = take_over(fs, own) ?: serve_copies(fs);

	fuse_remove_signal_handlers(fs->session);
	return error;
}

/* The device of a mount that is gone has an error. */
static bool is_mounted(const struct fs *fs)
{
	struct pollfd polled = {.fd = fs->kernel.device};

	return poll(&polled, 1, 0) == 0;
}

void session_finish(struct fs *fs)
{
	if (fs->was_taken_over && is_mounted(fs))
		umount2(fs->mountpoint, MNT_DETACH);
	fuse_session_unmount(fs->session);
	fuse_session_destroy(fs->session);
}
