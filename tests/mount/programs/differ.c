// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: differ [-v] [-c] [-n STEPS] [-s SEED] MODEL SUBJECT
 *
 * Does the same random things as the same random users in two directories, and
 * wants the same answer, the same attributes and the same bytes of both, after
 * every step. MODEL is a tmpfs. Needs root. The last line names the seed; the
 * same seed does the same things again. -v tells every step, -c leaves out what
 * a mount with a cache of its own does otherwise: mappings, and O_TMPFILE.
 */
#include "error_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define HANDLES 12
#define MIB	(1 << 20)
/* Times set by utimensat() lie before, times of what is done here after. */
#define RECENT 1500000000

struct side {
	const char *name;
	int root;
	int fd[HANDLES];
};

static struct side sides[2];
static char step_text[512];
static unsigned long step, steps = 1000;
static uint64_t seed = 1, state;
static bool verbose, cached;
static unsigned long done_well;

/* --- chance ------------------------------------------------------------------ */

static uint64_t next_random(void)
{
	state += 0x9e3779b97f4a7c15;
	uint64_t z = state;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static unsigned below(unsigned limit)
{
	return (unsigned)(next_random() % limit);
}

static bool one_in(unsigned n)
{
	return below(n) == 0;
}

#define pick(array) array[below(sizeof(array) / sizeof(array[0]))]

/* --- outcome ------------------------------------------------------------------ */

__attribute__((format(printf, 1, 2), noreturn)) static void differ(const char *format, ...)
{
	va_list args;

	printf("step %lu: %s\n  ", step, step_text);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\nseed %" PRIu64 "\n", seed);
	exit(1);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	size_t length = strlen(step_text);
	va_list args;

	va_start(args, format);
	vsnprintf(step_text + length, sizeof(step_text) - length, format, args);
	va_end(args);
}

static const char *outcome(long long result)
{
	static char text[2][32];
	static int turn;

	if (result < 0)
		return error_name((int)-result);
	turn = !turn;
	snprintf(text[turn], sizeof(text[turn]), "%lld", result);
	return text[turn];
}

static long long result_of(long long result)
{
	return result < 0 ? -errno : result;
}

static void same_result(const long long result[2])
{
	if (result[0] != result[1])
		differ("%s says %s, %s says %s", sides[0].name, outcome(result[0]), sides[1].name,
		       outcome(result[1]));
	say(" = %s", outcome(result[0]));
	done_well += result[0] >= 0;
}

static void same_number(const char *what, const char *of, long long a, long long b)
{
	if (a != b)
		differ("%s of %s: %lld on %s, %lld on %s", what, of, a, sides[0].name, b,
		       sides[1].name);
}

/* Times of this run differ a little, so all are one; others are kept exactly. */
static long long comparable(struct timespec time)
{
	return time.tv_sec >= RECENT ? -1 : time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void same_attributes(const char *of, const struct stat st[2])
{
	same_number("mode", of, st[0].st_mode, st[1].st_mode);
	same_number("uid", of, st[0].st_uid, st[1].st_uid);
	same_number("gid", of, st[0].st_gid, st[1].st_gid);
	same_number("nlink", of, st[0].st_nlink, st[1].st_nlink);
	same_number("size", of, st[0].st_size, st[1].st_size);
	same_number("blocks", of, st[0].st_blocks, st[1].st_blocks);
	same_number("rdev", of, (long long)st[0].st_rdev, (long long)st[1].st_rdev);
	same_number("mtime", of, comparable(st[0].st_mtim), comparable(st[1].st_mtim));
	if (!cached)
		same_number("atime", of, comparable(st[0].st_atim), comparable(st[1].st_atim));
}

/* --- callers --------------------------------------------------------------- */

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(2);
}

static void become(uid_t uid)
{
	const gid_t groups[] = {uid, 2000};

	must(!seteuid(0) && !setgroups(uid ? 2 : 1, groups) && !setegid(uid) && !seteuid(uid),
	     "changing the user");
}

/* --- comparing all there is ----------------------------------------------------- */

static void same_bytes(const char *of, const int fd[2], off_t from, off_t to)
{
	static char bytes[2][64 << 10];

	while (from < to) {
		const size_t wanted = to - from < (off_t)sizeof(bytes[0]) ? (size_t)(to - from)
									  : sizeof(bytes[0]);
		const ssize_t got[] = {pread(fd[0], bytes[0], wanted, from),
				       pread(fd[1], bytes[1], wanted, from)};

		same_number("bytes read", of, got[0], got[1]);
		if (got[0] <= 0)
			return;
		for (ssize_t i = 0; i < got[0]; i++)
			if (bytes[0][i] != bytes[1][i])
				differ("byte %jd of %s: %#x on %s, %#x on %s", (intmax_t)(from + i),
				       of, bytes[0][i], sides[0].name, bytes[1][i], sides[1].name);
		from += got[0];
	}
}

static void same_content(const char *of, const int fd[2])
{
	off_t data = 0, hole;

	for (;;) {
		const off_t begin[] = {lseek(fd[0], data, SEEK_DATA),
				       lseek(fd[1], data, SEEK_DATA)};

		same_number("next data", of, begin[0], begin[1]);
		if (begin[0] < 0)
			return;
		const off_t end[] = {lseek(fd[0], begin[0], SEEK_HOLE),
				     lseek(fd[1], begin[0], SEEK_HOLE)};

		same_number("next hole", of, end[0], end[1]);
		hole = end[0];
		same_bytes(of, fd, begin[0], hole);
		data = hole;
	}
}

static int not_a_dot(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void same_tree(const char *path);

static void same_below(const char *path)
{
	struct dirent **entries[2];
	int count[2];
	char inner[PATH_MAX];

	for (int i = 0; i < 2; i++)
		count[i] = scandirat(sides[i].root, path, &entries[i], not_a_dot, by_name);
	same_number("number of entries", path, count[0], count[1]);
	for (int i = 0; i < count[0]; i++) {
		if (strcmp(entries[0][i]->d_name, entries[1][i]->d_name))
			differ("entry %d of %s: %s on %s, %s on %s", i, path, entries[0][i]->d_name,
			       sides[0].name, entries[1][i]->d_name, sides[1].name);
		same_number("d_type", entries[0][i]->d_name, entries[0][i]->d_type,
			    entries[1][i]->d_type);
		snprintf(inner, sizeof(inner), "%s/%s", path, entries[0][i]->d_name);
		same_tree(inner);
		free(entries[0][i]);
		free(entries[1][i]);
	}
	free(entries[0]);
	free(entries[1]);
}

static void same_tree(const char *path)
{
	struct stat st[2];

	for (int i = 0; i < 2; i++)
		must(!fstatat(sides[i].root, path, &st[i], AT_SYMLINK_NOFOLLOW), path);
	same_attributes(path, st);
	if (S_ISDIR(st[0].st_mode)) {
		same_below(path);
	} else if (S_ISLNK(st[0].st_mode)) {
		char target[2][PATH_MAX] = {};

		for (int i = 0; i < 2; i++)
			must(readlinkat(sides[i].root, path, target[i], PATH_MAX - 1) >= 0, path);
		if (strcmp(target[0], target[1]))
			differ("%s points to %s and %s", path, target[0], target[1]);
	} else if (S_ISREG(st[0].st_mode)) {
		int fd[2];

		for (int i = 0; i < 2; i++)
			must((fd[i] = openat(sides[i].root, path, O_RDONLY | O_NOATIME)) >= 0,
			     path);
		same_content(path, fd);
		close(fd[0]);
		close(fd[1]);
	}
}

static void same_path(const char *path)
{
	struct stat st[2];
	long long result[2];

	for (int i = 0; i < 2; i++)
		result[i] = result_of(fstatat(sides[i].root, path, &st[i], AT_SYMLINK_NOFOLLOW));
	if (result[0] != result[1])
		differ("stat %s: %s on %s, %s on %s", path, outcome(result[0]), sides[0].name,
		       outcome(result[1]), sides[1].name);
	if (!result[0])
		same_attributes(path, st);
}

static void same_handle(unsigned handle)
{
	struct stat st[2];
	char name[32];

	snprintf(name, sizeof(name), "handle %u", handle);
	for (int i = 0; i < 2; i++)
		must(!fstat(sides[i].fd[handle], &st[i]), name);
	same_attributes(name, st);
}

/* --- names ------------------------------------------------------------------------ */

/* Directories are called A, B, C and files a to f, most of the time. */
static const char *path_to(bool dir)
{
	static char paths[4][64];
	static unsigned turn;
	char *const path = paths[turn++ % 4];
	unsigned depth = one_in(6) ? below(4) : below(2);
	char *end = path;

	if (one_in(10))
		dir = !dir;
	while (depth--)
		end += sprintf(end, "%c/", "ABC"[below(3)]);
	end += sprintf(end, "%c", dir ? "ABC"[below(3)] : "abcdef"[below(6)]);
	if (one_in(40))
		strcpy(end, "/");
	return path;
}

static const char *random_path(void)
{
	return path_to(one_in(3));
}

static mode_t random_mode(void)
{
	static const mode_t open_modes[] = {0777, 0777, 0666, 02777, 01777, 0775};
	static const mode_t modes[] = {0755,  0644,  0700, 01777, 02775, 0600, 06755,
				       04711, 02770, 0444, 0070,  0007,	 0};

	return one_in(3) ? pick(modes) : pick(open_modes);
}

/* For every side: result[i] = EXPRESSION, where `root` and `fd` are the side's. */
#define on_both(handle, expression)                                                   \
	do {                                                                          \
		long long results[2];                                                 \
		for (int i = 0; i < 2; i++) {                                         \
			__attribute__((unused)) const int root = sides[i].root;       \
			__attribute__((unused)) int *const fd = &sides[i].fd[handle]; \
			errno = 0;                                                    \
			results[i] = result_of(expression);                           \
		}                                                                     \
		same_result(results);                                                 \
	} while (0)

static void do_mkdir(void)
{
	const char *path = path_to(true);
	const mode_t mode = random_mode() | (one_in(2) ? 0700 : 0);

	say("mkdir %s %o", path, mode);
	on_both(0, mkdirat(root, path, mode));
	same_path(path);
}

static void do_remove(void)
{
	const bool dir = one_in(3);
	const char *path = path_to(dir);
	const int flags = dir ? AT_REMOVEDIR : 0;

	say("%s %s", flags ? "rmdir" : "unlink", path);
	on_both(0, unlinkat(root, path, flags));
	same_path(path);
}

static void do_rename(void)
{
	static const unsigned kinds[] = {
		0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_EXCHANGE | RENAME_NOREPLACE};
	const bool dir = one_in(3);
	const char *from = path_to(dir), *to = path_to(dir);
	const unsigned flags = pick(kinds);

	say("rename %s %s %u", from, to, flags);
	on_both(0, renameat2(root, from, root, to, flags));
	same_path(from);
	same_path(to);
}

static void do_link(void)
{
	const char *from = path_to(false), *to = path_to(false);
	const int flags = one_in(4) ? AT_SYMLINK_FOLLOW : 0;

	say("link %s %s %d", from, to, flags);
	on_both(0, linkat(root, from, root, to, flags));
	same_path(from);
	same_path(to);
}

static void do_symlink(void)
{
	char target[PATH_MAX];
	const char *path = random_path();

	if (one_in(4)) {
		const size_t length = 1 + below(PATH_MAX - 1);

		memset(target, 'x', length);
		target[length] = '\0';
	} else {
		strcpy(target, random_path());
	}
	say("symlink %.20s (%zu) %s", target, strlen(target), path);
	on_both(0, symlinkat(target, root, path));
	same_path(path);
}

static void do_mknod(void)
{
	static const mode_t kinds[] = {S_IFIFO, S_IFSOCK, S_IFREG, S_IFCHR, S_IFBLK};
	const mode_t mode = pick(kinds) | random_mode();
	const char *path = one_in(3) ? path_to(false) : "special";
	const dev_t device = S_ISCHR(mode) || S_ISBLK(mode) ? 0x1234 : 0;

	say("mknod %s %o", path, mode);
	on_both(0, mknodat(root, path, mode, device));
	same_path(path);
}

static void do_chmod(void)
{
	const char *path = random_path();
	const mode_t mode = random_mode();

	say("chmod %s %o", path, mode);
	on_both(0, fchmodat(root, path, mode, 0));
	same_path(path);
}

static const uid_t ids[] = {0, 1000, 1001, 2000, (uid_t)-1};

static void do_chown(void)
{
	const char *path = random_path();
	const uid_t uid = pick(ids);
	const gid_t gid = pick(ids);

	/* FUSE does not even ask whose file that would be */
	if (uid == (uid_t)-1 && gid == (gid_t)-1)
		return;
	say("chown %s %d %d", path, (int)uid, (int)gid);
	on_both(0, fchownat(root, path, uid, gid, AT_SYMLINK_NOFOLLOW));
	same_path(path);
}

static struct timespec random_time(void)
{
	static const long special[] = {UTIME_NOW, UTIME_OMIT, 0, 1, 999999999};

	return (struct timespec){
		.tv_sec = below(RECENT),
		.tv_nsec = one_in(2) ? pick(special) : (long)below(1000000000),
	};
}

static void do_utimens(void)
{
	const char *path = random_path();
	const struct timespec times[] = {random_time(), random_time()};

	say("utimens %s %jd.%09ld %jd.%09ld", path, (intmax_t)times[0].tv_sec, times[0].tv_nsec,
	    (intmax_t)times[1].tv_sec, times[1].tv_nsec);
	on_both(0, utimensat(root, path, times, AT_SYMLINK_NOFOLLOW));
	same_path(path);
}

/* Paths of the sides, for calls that know no directory fd. */
static const char *full(const struct side *side, const char *path)
{
	static char whole[128];

	snprintf(whole, sizeof(whole), "/proc/self/fd/%d/%s", side->root, path);
	return whole;
}

static void do_xattr(void)
{
	static const char *const names[] = {"user.one", "user.two", "trusted.three", "user.",
					    "security.four"};
	const char *path = random_path(), *name = pick(names);
	const unsigned kind = below(4), size = below(300), flags = below(3);
	static char value[2][512];

	say("xattr %u %s %s %u %u", kind, path, name, size, flags);
	memset(value[0], 'a' + (int)below(26), size);
	if (kind == 0) {
		on_both(0, lsetxattr(full(&sides[i], path), name, value[0], size, (int)flags));
	} else if (kind == 1) {
		on_both(0, lremovexattr(full(&sides[i], path), name));
	} else if (kind == 2) {
		memset(value, 0, sizeof(value));
		on_both(0, lgetxattr(full(&sides[i], path), name, value[i], size));
		if (memcmp(value[0], value[1], sizeof(value[0])))
			differ("the values of %s differ", name);
	} else {
		on_both(0, llistxattr(full(&sides[i], path), value[i], size));
	}
	same_path(path);
}

static void do_access(void)
{
	const char *path = random_path();
	const int mode = (int)below(8);

	say("access %s %d", path, mode);
	on_both(0, faccessat(root, path, mode, AT_EACCESS));
}

/* --- data -------------------------------------------------------------------------- */

static off_t random_size(void)
{
	static const off_t special[] = {0,	     1,		  4095,	      4096,
					4097,	     65536,	  MIB,	      0xffffffff,
					0x100000000, 0x100000001, 0x140000123};

	return one_in(4) ? pick(special) : (off_t)below(one_in(2) ? 20000 : MIB / 4);
}

static void open_handle(unsigned handle, const char *path, int flags, mode_t mode)
{
	for (int i = 0; i < 2; i++)
		if (sides[i].fd[handle] >= 0)
			close(sides[i].fd[handle]);
	/* the numbers of the fds differ */
	on_both(handle,
		(*fd = openat(root, path, flags | O_CLOEXEC | O_NONBLOCK, mode), *fd < 0 ? -1 : 0));
	if (sides[0].fd[handle] >= 0)
		same_handle(handle);
}

/* The last component of @path, looked up on both sides: a lookup leaves traces. */
static mode_t mode_behind(const char *path)
{
	mode_t mode = 0;
	struct stat st;

	for (int i = 0; i < 2; i++)
		mode = fstatat(sides[i].root, path, &st, 0) ? 0 : st.st_mode;
	return mode;
}

static off_t size_behind(const char *path)
{
	off_t size = -1;
	struct stat st;

	for (int i = 0; i < 2; i++)
		size = fstatat(sides[i].root, path, &st, 0) ? -1 : st.st_size;
	return size;
}

/* Root on tmpfs keeps set-id bits on write; here all callers lose them. */
static bool keeps_set_ids(mode_t mode)
{
	return geteuid() == 0 && S_ISREG(mode) && mode & (S_ISUID | S_ISGID);
}

static void do_open(void)
{
	static const int ways[] = {O_RDONLY, O_RDWR, O_RDWR, O_WRONLY};
	static const int extras[] = {O_CREAT,
				     O_CREAT,
				     O_CREAT,
				     O_CREAT | O_EXCL,
				     O_TRUNC,
				     O_CREAT | O_TRUNC,
				     O_APPEND | O_CREAT,
				     O_DIRECT,
				     O_NOFOLLOW,
				     O_DIRECTORY,
				     O_SYNC,
				     0};
	const unsigned handle = below(HANDLES);
	const char *path = path_to(false);
	int flags = pick(ways) | pick(extras);
	mode_t mode = random_mode() | (one_in(2) ? 0600 : 0);
	const mode_t there = mode_behind(path);

	/* pipes and devices have no business here */
	if ((there && !S_ISREG(there) && !S_ISDIR(there)) ||
	    (flags & O_TRUNC && keeps_set_ids(there)))
		return;
	say("open %u %s %#o %o", handle, path, flags, mode);
	open_handle(handle, path, flags, mode);
	same_path(path);
}

static void do_tmpfile(void)
{
	const unsigned handle = below(HANDLES);
	const char *dir = one_in(2) ? "." : random_path();
	const mode_t mode = random_mode();

	if (cached)
		return;
	say("tmpfile %u %s %o", handle, dir, mode);
	open_handle(handle, dir, O_TMPFILE | O_RDWR, mode);
}

static void do_close(unsigned handle)
{
	say("close %u", handle);
	for (int i = 0; i < 2; i++) {
		close(sides[i].fd[handle]);
		sides[i].fd[handle] = -1;
	}
}

static void do_link_handle(unsigned handle)
{
	const char *path = random_path();
	char name[32];

	say("link handle %u %s", handle, path);
	on_both(handle, (sprintf(name, "/proc/self/fd/%d", *fd),
			 linkat(AT_FDCWD, name, root, path, AT_SYMLINK_FOLLOW)));
	same_path(path);
}

static const char *random_bytes(size_t size)
{
	static char bytes[256 << 10];

	for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
		const uint64_t word = next_random();

		memcpy(bytes + i, &word, sizeof(word));
	}
	return bytes;
}

static void do_pwrite(unsigned handle)
{
	const size_t size = one_in(4) ? below(200 << 10) : below(9000);
	const char *bytes = random_bytes(size);
	const off_t offset = random_size();

	say("pwrite %u %zu %jd", handle, size, (intmax_t)offset);
	on_both(handle, pwrite(*fd, bytes, size, offset));
}

static void do_write(unsigned handle)
{
	const size_t size = below(9000);
	const char *bytes = random_bytes(size);

	say("write %u %zu", handle, size);
	on_both(handle, write(*fd, bytes, size));
}

static void do_pread(unsigned handle)
{
	static char bytes[2][64 << 10];
	const size_t size = below(sizeof(bytes[0]));
	const off_t offset = random_size();

	say("pread %u %zu %jd", handle, size, (intmax_t)offset);
	on_both(handle, pread(*fd, bytes[i], size, offset));
	if (memcmp(bytes[0], bytes[1], size))
		differ("the bytes differ");
}

static void do_ftruncate(unsigned handle)
{
	const off_t size = random_size();

	say("ftruncate %u %jd", handle, (intmax_t)size);
	on_both(handle, ftruncate(*fd, size));
}

static void do_truncate(void)
{
	const char *path = path_to(false);
	const off_t size = random_size();

	/* truncate() to the same size does not change tmpfs's times, ours move */
	if (keeps_set_ids(mode_behind(path)) || size == size_behind(path))
		return;
	say("truncate %s %jd", path, (intmax_t)size);
	on_both(0, truncate(full(&sides[i], path), size));
	same_path(path);
}

static void do_fallocate(unsigned handle)
{
	static const int modes[] = {0, FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE};
	const int mode = pick(modes);
	const off_t offset = random_size(), length = below(MIB);

	say("fallocate %u %d %jd %jd", handle, mode, (intmax_t)offset, (intmax_t)length);
	on_both(handle, fallocate(*fd, mode, offset, length));
}

static void do_seek(unsigned handle)
{
	static const int whences[] = {SEEK_DATA, SEEK_HOLE, SEEK_END, SEEK_SET, SEEK_CUR};
	const int whence = pick(whences);
	const off_t offset = random_size();
	struct stat st;

	/* positions in directories are each filesystem's own */
	if (fstat(sides[0].fd[handle], &st) || !S_ISREG(st.st_mode))
		return;
	say("lseek %u %jd %d", handle, (intmax_t)offset, whence);
	on_both(handle, lseek(*fd, offset, whence));
}

static void do_copy(unsigned handle)
{
	const unsigned source = below(HANDLES);
	const off_t from = random_size(), to = random_size();
	const size_t size = below(200 << 10);

	if (sides[0].fd[source] < 0)
		return;
	say("copy_file_range %u %jd %u %jd %zu", source, (intmax_t)from, handle, (intmax_t)to,
	    size);
	for (size_t done = 0; done < size;) {
		long long results[2];

		for (int i = 0; i < 2; i++) {
			off_t in = from + (off_t)done, out = to + (off_t)done;

			results[i] = result_of(copy_file_range(sides[i].fd[source], &in,
							       sides[i].fd[handle], &out,
							       size - done, 0));
		}
		same_result(results);
		if (results[0] <= 0)
			break;
		done += (size_t)results[0];
	}
	same_handle(source);
}

/* Of a directory it is EINVAL, and yet that counts as an access, but not on FUSE. */
static void do_sendfile(unsigned handle)
{
	const unsigned source = below(HANDLES);
	const off_t from = random_size();
	const size_t size = below(100 << 10);
	struct stat st;

	if (sides[0].fd[source] < 0 || source == handle)
		return;
	must(!fstat(sides[0].fd[source], &st), "fstat");
	if (S_ISDIR(st.st_mode))
		return;
	say("sendfile %u %jd %u %zu", source, (intmax_t)from, handle, size);
	off_t in;

	on_both(handle, (in = from, sendfile(*fd, sides[i].fd[source], &in, size)));
	same_handle(source);
}

/* A store in one page, a load from it by read(). */
static void do_map(unsigned handle)
{
	const off_t offset = random_size() & ~0xfff;
	const int protection = one_in(3) ? PROT_READ : PROT_READ | PROT_WRITE;
	const size_t at = below(4096);
	const char byte = (char)next_random();
	struct stat st;

	if (cached)
		return;
	must(!fstat(sides[0].fd[handle], &st), "fstat");
	say("mmap %u %jd %d [%zu] %#x", handle, (intmax_t)offset, protection, at, byte);
	void *map[2];

	on_both(handle, (map[i] = mmap(NULL, 4096, protection, MAP_SHARED, *fd, offset),
			 map[i] == MAP_FAILED ? -1 : 0));
	for (int i = 0; i < 2; i++) {
		if (map[i] == MAP_FAILED)
			continue;
		volatile char *const page = map[i];
		if (offset < st.st_size && protection & PROT_WRITE)
			page[at] = byte;
		else if (offset < st.st_size)
			(void)page[at];
		munmap(map[i], 4096);
	}
}

static void do_handle_attributes(unsigned handle)
{
	const mode_t mode = random_mode();
	const uid_t uid = pick(ids), gid = below(3000);
	const struct timespec times[] = {random_time(), random_time()};

	switch (below(4)) {
	case 0:
		say("fchmod %u %o", handle, mode);
		on_both(handle, fchmod(*fd, mode));
		break;
	case 1:
		say("fchown %u %d %d", handle, (int)uid, (int)gid);
		on_both(handle, fchown(*fd, uid, gid));
		break;
	case 2:
		say("fsync %u", handle);
		on_both(handle, fsync(*fd));
		break;
	default:
		say("futimens %u %jd.%09ld %jd.%09ld", handle, (intmax_t)times[0].tv_sec,
		    times[0].tv_nsec, (intmax_t)times[1].tv_sec, times[1].tv_nsec);
		on_both(handle, futimens(*fd, times));
	}
}

/* --- steps --------------------------------------------------------------------------- */

static void (*const named[])(void) = {
	do_mkdir, do_mkdir, do_remove,	do_remove,   do_rename, do_rename, do_link,
	do_link,  do_mknod, do_symlink, do_truncate, do_chmod,	do_chown,  do_utimens,
	do_xattr, do_xattr, do_access,	do_tmpfile,  do_open,	do_open,   do_open,
	do_open,  do_open,  do_open,	do_open,
};

static void (*const handled[])(unsigned) = {
	do_close,
	do_link_handle,
	do_pwrite,
	do_pwrite,
	do_pwrite,
	do_write,
	do_pread,
	do_ftruncate,
	do_fallocate,
	do_fallocate,
	do_seek,
	do_copy,
	do_copy,
	do_sendfile,
	do_map,
	do_map,
	do_handle_attributes,
	do_handle_attributes,
};

static bool may_use(unsigned handle)
{
	struct stat st;

	return !fstat(sides[0].fd[handle], &st) && !keeps_set_ids(st.st_mode);
}

static void one_step(void)
{
	static const uid_t users[] = {0, 0, 0, 1000, 1000, 1001};
	const uid_t uid = step <= 6 ? 0 : pick(users);
	const unsigned handle = below(HANDLES);

	step_text[0] = '\0';
	say("uid %u: ", uid);
	umask(one_in(2) ? 022 : 0);
	become(uid);
	if (step <= 6) {
		do_mkdir();
	} else if (one_in(2)) {
		pick(named)();
	} else if (sides[0].fd[handle] < 0) {
		do_open();
	} else if (may_use(handle)) {
		pick(handled)(handle);
		become(0);
		if (sides[0].fd[handle] >= 0)
			same_handle(handle);
	}
	become(0);
	if (verbose)
		printf("%lu %s\n", step, step_text);
}

static void open_side(struct side *side, const char *path)
{
	side->name = path;
	side->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(side->root >= 0, path);
	for (int i = 0; i < HANDLES; i++)
		side->fd[i] = -1;
}

int main(int argc, char *argv[])
{
	int letter;

	while ((letter = getopt(argc, argv, "vcn:s:")) != -1) {
		if (letter == 'v')
			verbose = true;
		else if (letter == 'c')
			cached = true;
		else if (letter == 'n')
			steps = strtoul(optarg, NULL, 10);
		else if (letter == 's')
			seed = strtoull(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind != 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_side(&sides[0], argv[optind]);
	open_side(&sides[1], argv[optind + 1]);
	state = seed;
	for (step = 1; step <= steps; step++) {
		one_step();
		if (step % 50 == 0)
			same_tree(".");
	}
	printf("%lu steps the same, %lu calls succeeded, seed %" PRIu64 "\n", steps, done_well,
	       seed);
	return 0;
}
