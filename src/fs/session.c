// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/session.h"

#include "fdpass/server.h"
#include "fs/creds.h"
#include "fs/dispatch.h"
#include "fs/export.h"
#include "fs/mountpoint.h"
#include "source/source.h"
#include "util/explain.h"
#include "util/log.h"
#include "util/scope.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void log_libfuse(enum fuse_log_level level, const char *format, va_list args)
{
	char line[512];
	int length = vsnprintf(line, sizeof(line), format, args);

	if (length > 0 && (size_t)length < sizeof(line) && line[length - 1] == '\n')
		line[length - 1] = '\0';
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

int session_mount(struct fuse_session **session, struct fs *fs,
		  const struct session_options *options, char why[static 256])
{
	why[0] = '\0';
	fuse_set_log_func(log_libfuse);
	if (access("/dev/fuse", F_OK))
		return explain(why, -ENODEV,
			       "this machine has no /dev/fuse; load the module: modprobe fuse");
	fs->mountpoint = mountpoint_prepare(options->mountpoint, why);
	if (!fs->mountpoint)
		return -errno;
	*session = new_session(fs, options);
	if (!*session)
		return -ENOMEM;
	fs->session = *session;
	if (!fuse_session_mount(*session, fs->mountpoint)) {
		fs->kernel.device = fs->source_kernel.device = fuse_session_fd(*session);
		return 0;
	}
	fuse_session_destroy(*session);
	return -EIO;
}

/*
 * Threads are started as they are needed. A request to a hung source keeps its thread, and
 * the others must still be served.
 */
enum { MAX_THREADS = 256, IDLE_THREADS = 10 };

static int loop(struct fuse_session *session)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();

	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_max_threads(config, MAX_THREADS);
	fuse_loop_cfg_set_idle_threads(config, IDLE_THREADS);
	const int status = fuse_session_loop_mt(session, config);

	fuse_loop_cfg_destroy(config);
	/* The number of a signal that ended it is not a failure. */
	return status < 0 ? status : 0;
}

static int serve_exports(struct fuse_session *session, struct fs *fs)
{
	int error = export_start(fs);

	if (error)
		return error;
	error = loop(session);
	fd_server_stop(fs->fd_server);
	return error;
}

/* Threads do not survive going into the background, so they are created after that. */
static int serve_copies(struct fuse_session *session, struct fs *fs)
{
	int error = fs->source ? source_start(fs->source) : 0;

	if (!error)
		error = copy_pool_create(&fs->copies, fs->copy_threads);
	if (error)
		return error;
	error = serve_exports(session, fs);
	copy_pool_destroy(fs->copies);
	return error;
}

int session_serve(struct fuse_session *session, struct fs *fs, bool foreground)
{
	if (fuse_daemonize(foreground))
		return -errno;
	if (!foreground)
		log_to_syslog("dmaheapfs");
	creds_drop_fsetid();
	if (fuse_set_signal_handlers(session))
		return -ENOMEM;
	const int error = serve_copies(session, fs);

	fuse_remove_signal_handlers(session);
	return error;
}

void session_finish(struct fuse_session *session, struct fs *fs)
{
	fuse_session_unmount(session);
	/* Without the mount the server's thread cannot hang. */
	fd_server_destroy(fs->fd_server);
	fuse_session_destroy(session);
}
