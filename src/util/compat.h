/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the headers of older systems lack: those of glibc before 2.36, musl, and Linux before
 * 6.9. The kernel may still lack a call: it fails with ENOSYS. Numbers of system calls are
 * those of all architectures but alpha.
 */
#ifndef UTIL_COMPAT_H
#define UTIL_COMPAT_H

#include <fcntl.h>
#include <linux/falloc.h> /* musl's <fcntl.h> does not include it */
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h> /* glibc has RENAME_NOREPLACE here */
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- system calls ----------------------------------------------------------------------- */

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* since Linux 5.3 */
#endif
#ifndef SYS_close_range
#define SYS_close_range 436 /* since Linux 5.9 */
#endif
#ifndef SYS_openat2
#define SYS_openat2 437 /* since Linux 5.6 */
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438 /* since Linux 5.6 */
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442 /* since Linux 5.12 */
#endif
#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443 /* since Linux 5.14 */
#endif
#ifndef SYS_cachestat
#define SYS_cachestat 451 /* since Linux 6.5 */
#endif

/* --- <sys/mount.h> of glibc 2.36 ----------------------------------------------------------- */

#ifndef FSOPEN_CLOEXEC
#include <linux/mount.h>

#ifndef MOUNT_ATTR_SIZE_VER0 /* since Linux 5.12 */
struct mount_attr {
	uint64_t attr_set, attr_clr, propagation, userns_fd;
};
#endif

static inline int open_tree(int directory, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, directory, path, flags);
}

static inline int move_mount(int from, const char *from_path, int to, const char *to_path,
			     unsigned int flags)
{
	return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int fsopen(const char *type, unsigned int flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

static inline int fsconfig(int context, unsigned int command, const char *key, const void *value,
			   int number)
{
	return (int)syscall(SYS_fsconfig, context, command, key, value, number);
}

static inline int fsmount(int context, unsigned int flags, unsigned int attributes)
{
	return (int)syscall(SYS_fsmount, context, flags, attributes);
}

static inline int fspick(int directory, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_fspick, directory, path, flags);
}

static inline int mount_setattr(int directory, const char *path, unsigned int flags,
				struct mount_attr *attributes, size_t size)
{
	return (int)syscall(SYS_mount_setattr, directory, path, flags, attributes, size);
}
#endif

/* --- files: musl before 1.2.5 ------------------------------------------------------------- */

#ifndef STATX_BASIC_STATS
#include <linux/stat.h>

static inline int statx(int directory, const char *path, int flags, unsigned int mask,
			struct statx *stx)
{
	return (int)syscall(SYS_statx, directory, path, flags, mask, stx);
}
#endif

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE	 2

static inline int renameat2(int from, const char *from_name, int to, const char *to_name,
			    unsigned int flags)
{
	return (int)syscall(SYS_renameat2, from, from_name, to, to_name, flags);
}
#endif

/* --- constants -------------------------------------------------------------------------- */

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x200000 /* since Linux 5.14 */
#endif
#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14 */
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U /* since Linux 6.3 */
#endif
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

/* --- <linux/fuse.h>: FUSE_X of later versions is COMPAT_X ------------------------------------ */

enum {
	COMPAT_TMPFILE = 51,	       /* since Linux 6.1 */
	COMPAT_COPY_FILE_RANGE_64 = 53 /* since Linux 6.18 */
};

#endif
