// SPDX-License-Identifier: GPL-2.0-or-later
#include "fs/creds.h"

#include "util/fd_path.h"
#include "util/scope.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

/* --- capabilities ------------------------------------------------------------------- */

/* One word for each 32 capabilities. */
struct capabilities {
	struct __user_cap_data_struct word[2];
};

#define CAP_BIT(capability) (1U << (capability))

/*
 * The capabilities that serving needs, all in the first word. The manual says what each of
 * them is for.
 */
#define CAPS_NEEDED                                                                                \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH) |           \
	 CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_MKNOD) | \
	 CAP_BIT(CAP_SETFCAP))

static int get_capabilities(struct capabilities *caps)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &header, caps->word) ? -errno : 0;
}

static int set_capabilities(const struct capabilities *caps)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capset, &header, caps->word) ? -errno : 0;
}

/* Capabilities are per thread. */
static void set_fsetid(bool on)
{
	struct capabilities caps;

	if (get_capabilities(&caps))
		return;
	if (on)
		caps.word[0].effective |= caps.word[0].permitted & CAP_BIT(CAP_FSETID);
	else
		caps.word[0].effective &= ~CAP_BIT(CAP_FSETID);
	set_capabilities(&caps);
}

/* Numbers that the kernel does not know are an error, which does not matter. */
static void drop_bounds(void)
{
	for (unsigned long cap = 0; cap < 64; cap++)
		if (cap >= 32 || !(CAPS_NEEDED & CAP_BIT(cap)))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

int creds_drop_privileges(void)
{
	struct capabilities caps;
	const int error = get_capabilities(&caps);

	if (error)
		return error;
	drop_bounds();
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	caps.word[0].permitted &= CAPS_NEEDED;
	caps.word[0].effective = caps.word[0].permitted & ~CAP_BIT(CAP_FSETID);
	caps.word[0].inheritable = 0;
	caps.word[1] = (struct __user_cap_data_struct){};
	return set_capabilities(&caps);
}

/* --- the caller's ------------------------------------------------------------------- */

void creds_set_umask(fuse_req_t req)
{
	static _Thread_local bool own_umask;

	if (!own_umask)
		own_umask = !unshare(CLONE_FS);
	umask(fuse_req_ctx(req)->umask);
}

/* fchmod(2) does not take O_PATH. */
int creds_chmod(int file, mode_t mode)
{
	if (mode & S_ISGID)
		set_fsetid(true);
	const int error = chmod(fd_path(file).text, mode & 07777) ? -errno : 0;

	if (mode & S_ISGID)
		set_fsetid(false);
	return error;
}

/* The most groups that are read. A caller with more counts as not being a member. */
#define GROUPS 1024

static bool is_in_group(fuse_req_t req, gid_t gid)
{
	const struct fuse_ctx *caller = fuse_req_ctx(req);
	gid_t groups[GROUPS];

	if (caller->uid == 0 || caller->gid == gid)
		return true;
	const int count = fuse_req_getgroups(req, GROUPS, groups);

	for (int i = 0; i < count && i < GROUPS; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

int creds_set_acl(fuse_req_t req, const char *path, const char *name, const void *value,
		  size_t size, int flags)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	const bool keep = st.st_mode & S_ISGID && is_in_group(req, st.st_gid);

	if (keep)
		set_fsetid(true);
	const int error = setxattr(path, name, value, size, flags) ? -errno : 0;

	if (keep)
		set_fsetid(false);
	return error;
}

static bool has_harmless_set_gid(mode_t mode)
{
	return S_ISREG(mode) && mode & S_ISGID && !(mode & S_IXGRP);
}

struct set_gid creds_begin(fuse_req_t req, int file)
{
	struct stat st;

	return (struct set_gid){
		.file = file,
		.keep = file >= 0 && !fstat(file, &st) && has_harmless_set_gid(st.st_mode) &&
			is_in_group(req, st.st_gid),
	};
}

void creds_end(const struct set_gid *set_gid)
{
	struct stat st;

	if (set_gid->keep && !fstat(set_gid->file, &st) &&
	    has_harmless_set_gid(st.st_mode | S_ISGID))
		creds_chmod(set_gid->file, st.st_mode | S_ISGID);
}

/* Root keeps set-id bits by CAP_FSETID. A file's capabilities are removed for all writers. */
static bool has_nothing_to_lose(const struct inode *inode, bool root)
{
	return root ? inode->xattrs == XATTRS_NONE : inode->has_no_set_ids;
}

void creds_wrote(fuse_req_t req, struct inode *inode)
{
	const bool root = fuse_req_ctx(req)->uid == 0;
	struct fs *fs = fs_of(req);

	if (fs->heap->ops->in_tmpfs || has_nothing_to_lose(inode, root))
		return;
	/* Before the check, so that bits set meanwhile are seen by the next one. */
	inode->has_no_set_ids |= !root;
	scope(fd) int file = node_open(&fs->tree, &inode->node, O_WRONLY);

	if (root)
		fremovexattr(file, "security.capability");
	/* The file in the tree is empty. Truncating it clears the bits as a write would. */
	else if (file < 0 || ftruncate(file, 0))
		inode->has_no_set_ids = false;
}

void creds_gave_memory(fuse_req_t req, struct inode *inode)
{
	scope(fd) int file = node_open(&fs_of(req)->tree, &inode->node, O_PATH);
	struct stat st;

	if (fuse_req_ctx(req)->uid == 0 || file < 0 || fstat(file, &st))
		return;
	if (st.st_mode & (S_ISUID | S_ISGID))
		creds_chmod(file, st.st_mode & ~(S_ISUID | S_ISGID));
	removexattr(fd_path(file).text, "security.capability");
}

/* Keeps the rest of the mode, which umask and default access list have determined. */
static int restore_set_ids(int dirfd, const char *name, mode_t set_ids)
{
	scope(fd) int file = *name ? openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)
				   : fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	struct stat st;

	if (file < 0 || fstat(file, &st))
		return -errno;
	return creds_chmod(file, (st.st_mode & ~(S_ISUID | S_ISGID)) | set_ids);
}

static int set_owner(const struct fuse_ctx *caller, int parent, int dirfd, const char *name)
{
	const int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
	struct stat st;

	if (caller->uid == geteuid() && caller->gid == getegid())
		return 0;
	if (fstat(parent, &st))
		return -errno;
	const gid_t gid = st.st_mode & S_ISGID ? (gid_t)-1 : caller->gid;

	return fchownat(dirfd, name, caller->uid, gid, flags) ? -errno : 0;
}

int creds_give(fuse_req_t req, int parent, int dirfd, const char *name, mode_t mode)
{
	const mode_t set_ids = mode & (S_ISUID | S_ISGID);
	const int error = set_owner(fuse_req_ctx(req), parent, dirfd, name);

	/* Creating it without CAP_FSETID and changing the owner have cleared them. */
	if (!error && set_ids && !S_ISDIR(mode))
		return restore_set_ids(dirfd, name, set_ids);
	return error;
}
