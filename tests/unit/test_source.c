// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A source directory that other processes change. Needs the right to mount, as the daemon
 * does.
 */
#include "fs/source_ops.h"
#include "util/scope.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static char top[32]; /* the source */
static struct fs fs;
static struct source_node *root;
static char why[256];

/* What would outlive the process. */
static struct source_inode_record records[8192];
static _Atomic uint32_t used;
static struct table table;

static int open_source(const char *directory, const char *mountpoint)
{
	const struct source_options wanted = {
		.directory = directory,
		.mountpoint = mountpoint,
		.node_type = inode_source_type,
		.records = &table,
	};

	used = 0;
	table_attach(&table, records, sizeof(records[0]), 8192, &used);
	return source_create(&fs.source, &wanted, why);
}

static void setup(void)
{
	strcpy(top, "/tmp/source.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(chdir(top), 0);
	ck_assert_msg(!open_source(top, "/nowhere"), "%s", why);
	root = source_find(fs.source, SOURCE_ROOT_ID);
	ck_assert_ptr_nonnull(root);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static void teardown(void)
{
	source_destroy(fs.source);
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static struct source_node *look_up(struct source_node *parent, const char *name)
{
	struct source_node *node = NULL;
	struct stat st;

	ck_assert_int_eq(source_look_up(fs.source, parent, name, &node, &st), 0);
	return node;
}

static int look_up_error(struct source_node *parent, const char *name)
{
	struct source_node *node;
	struct stat st;

	return source_look_up(fs.source, parent, name, &node, &st);
}

static int open_error(struct source_node *node)
{
	int fd = source_open(fs.source, node);

	close_fd(fd);
	return fd < 0 ? fd : 0;
}

static int stat_node(struct source_node *node, struct stat *st)
{
	scope(fd) int fd = source_open(fs.source, node);

	return fd < 0 ? fd : source_stat(fs.source, fd, st);
}

static ssize_t xattr_of(struct source_node *node, const char *name, void *value, size_t size)
{
	scope(fd) int fd = source_open(fs.source, node);

	return source_getxattr(fs.source, fd, name, value, size);
}

static ssize_t xattrs_of(struct source_node *node, char *names, size_t size)
{
	scope(fd) int fd = source_open(fs.source, node);

	return source_listxattr(fs.source, fd, names, size);
}

static mode_t mode_of(struct source_node *node)
{
	struct stat st;

	ck_assert_int_eq(stat_node(node, &st), 0);
	return st.st_mode;
}

static const struct {
	const char *directory, *mountpoint, *says;
} refused[] = {
	{"/nowhere/at/all", "/mnt", "No such file"},
	{"/etc/passwd", "/mnt", "Not a directory"},
	{"/proc/self", "/mnt", "is on proc"},
	{"/usr", "/usr", "on the mountpoint"},
	{"/usr/bin", "/usr", "on the mountpoint"},
	{"/usr/../usr/bin", "/usr/./", "on the mountpoint"},
};

START_TEST(refusals_say_why)
{
	ck_assert_int_lt(open_source(refused[_i].directory, refused[_i].mountpoint), 0);
	ck_assert_msg(strstr(why, refused[_i].says) != NULL, "%s", why);
}
END_TEST

START_TEST(similar_names_are_not_the_mountpoint)
{
	ck_assert_int_eq(mkdir("ab", 0700), 0);
	char wanted[64], mountpoint[64];

	snprintf(wanted, sizeof(wanted), "%s/ab", top);
	snprintf(mountpoint, sizeof(mountpoint), "%s/a", top);
	ck_assert_int_eq(mkdir("a", 0700), 0);
	source_destroy(fs.source);
	ck_assert_msg(!open_source(wanted, mountpoint), "%s", why);
}
END_TEST

START_TEST(names_of_one_file_are_one_node)
{
	struct stat st, own;

	make_file("one", "text");
	ck_assert_int_eq(link("one", "two"), 0);
	struct source_node *node = look_up(root, "one");

	ck_assert_ptr_eq(node, look_up(root, "two"));
	ck_assert_int_eq(stat_node(node, &st), 0);
	ck_assert_int_eq(stat("one", &own), 0);
	ck_assert_uint_eq(st.st_ino, UINT64_C(1) << 31 | own.st_ino);
	ck_assert_int_eq(st.st_nlink, 2);
	ck_assert_int_eq(st.st_blocks, 1);
	source_forget(fs.source, node, 1);
	ck_assert_ptr_eq(source_find(fs.source, node->id), node);
	const uint64_t id = node->id;

	source_forget(fs.source, node, 1);
	ck_assert_ptr_null(source_find(fs.source, id));
}
END_TEST

START_TEST(no_name_leads_out)
{
	static const char *const names[] = {"..", "../..", "/", "/etc", "link/passwd", "./../x"};

	ck_assert_int_eq(symlink("/etc", "link"), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(look_up_error(root, names[i]) < 0, "%s", names[i]);
	ck_assert(S_ISLNK(mode_of(look_up(root, "link"))));
}
END_TEST

START_TEST(a_directory_become_a_symlink_is_stale)
{
	ck_assert_int_eq(mkdir("dir", 0700), 0);
	make_file("dir/file", "in");
	struct source_node *dir = look_up(root, "dir"), *file = look_up(dir, "file");

	ck_assert_int_eq(rename("dir", "away"), 0);
	ck_assert_int_eq(symlink("away", "dir"), 0);
	ck_assert_int_eq(open_error(file), -ESTALE);
	ck_assert_int_eq(source_open_file(fs.source, file), -ESTALE);
	ck_assert_int_eq(look_up_error(dir, "file"), -ESTALE);
	ck_assert_ptr_eq(look_up(look_up(root, "away"), "file"), file);
	ck_assert_int_eq(open_error(file), 0);
}
END_TEST

START_TEST(another_file_by_the_name_is_stale)
{
	make_file("file", "old");
	make_file("next", "new");
	struct source_node *old = look_up(root, "file");

	ck_assert_int_eq(rename("next", "file"), 0);
	ck_assert_int_eq(open_error(old), -ESTALE);
	ck_assert_ptr_ne(look_up(root, "file"), old);
}
END_TEST

START_TEST(just_looked_up_stays_for_a_moment)
{
	ck_assert_int_eq(source_start(fs.source), 0);
	make_file("file", "old");
	struct source_node *old = look_up(root, "file");

	make_file("next", "new");
	ck_assert_int_eq(rename("next", "file"), 0);
	ck_assert_int_eq(open_error(old), 0);
	sleep(2);
	ck_assert_int_eq(open_error(old), -ESTALE);
}
END_TEST

START_TEST(open_files_outlive_their_names)
{
	char text[4] = "";
	struct stat st;

	make_file("file", "abc");
	struct source_node *node = look_up(root, "file");
	struct inode *inode = (struct inode *)node;

	ck_assert_int_eq(source_hold(&fs, inode), 0);
	ck_assert_int_eq(unlink("file"), 0);
	ck_assert_int_eq(source_stat_inode(&fs, inode, &st), 0);
	ck_assert_int_eq(pread(inode->file, text, 3, 0), 3);
	ck_assert_str_eq(text, "abc");
	source_drop(&fs, inode);
	ck_assert_int_eq(inode->file, -1);
	ck_assert_int_eq(source_stat_inode(&fs, inode, &st), -ESTALE);
	ck_assert_int_eq(open_error(node), -ESTALE);
}
END_TEST

/* As the kernel's requests do: the first open decides for all, the last release ends it. */
static void *hold_and_drop(void *argument)
{
	struct inode *inode = argument;

	for (int i = 0; i < 2000; i++) {
		ck_assert_int_eq(source_hold(&fs, inode), 0);
		{
			guard(mutex)(&inode->lock);
			ck_assert_int_ge(inode->file, 0);
			inode->cached = true;
		}
		source_drop(&fs, inode);
	}
	return NULL;
}

START_TEST(the_last_of_many_drops_ends_it)
{
	pthread_t threads[4];

	make_file("file", "abc");
	struct inode *inode = (struct inode *)look_up(root, "file");

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hold_and_drop, inode), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(inode->opens, 0);
	ck_assert_int_eq(inode->file, -1);
	ck_assert(!inode->cached);
}
END_TEST

START_TEST(only_files_are_opened)
{
	ck_assert_int_eq(mkfifo("pipe", 0600), 0);
	ck_assert_int_eq(mkdir("dir", 0700), 0);
	ck_assert_int_eq(source_open_file(fs.source, look_up(root, "pipe")), -EACCES);
	ck_assert_int_eq(source_open_file(fs.source, look_up(root, "dir")), -EACCES);
}
END_TEST

/* setfacl -m u:1:r, as the kernel has it: version, then tag, bits, id. */
static const struct {
	uint32_t version;
	struct {
		uint16_t tag, bits;
		uint32_t id;
	} entries[5];
} list = {2, {{0x01, 6, ~0u}, {0x02, 4, 1}, {0x04, 0, ~0u}, {0x10, 4, ~0u}, {0x20, 4, ~0u}}};

START_TEST(unchecked_lists_keep_the_owner)
{
	make_file("plain", "");
	make_file("listed", "");
	ck_assert_int_eq(chmod("plain", 0644), 0);
	if (setxattr("listed", "system.posix_acl_access", &list, sizeof(list), 0))
		return; /* this filesystem has none */
	struct source_node *plain = look_up(root, "plain"), *listed = look_up(root, "listed");

	ck_assert_uint_eq(mode_of(listed), S_IFREG | 0600);
	ck_assert_uint_eq(mode_of(plain), S_IFREG | 0644);
	ck_assert_int_lt(xattr_of(listed, "system.posix_acl_access", NULL, 0), 0);
	source_show_acls(fs.source, true);
	ck_assert_uint_eq(mode_of(listed), S_IFREG | 0644);
	ck_assert_int_eq(xattr_of(listed, "system.posix_acl_access", NULL, 0), sizeof(list));
	ck_assert_int_eq(xattr_of(plain, "system.posix_acl_access", NULL, 0), -ENODATA);
}
END_TEST

START_TEST(directories_that_change_places)
{
	ck_assert_int_eq(mkdir("a", 0700) | mkdir("a/b", 0700), 0);
	struct source_node *a = look_up(root, "a"), *b = look_up(a, "b");

	/* Seen below itself through an open file: refused, not followed. */
	scope(fd) int in_b = source_open_directory(fs.source, b);
	struct source_node *found;
	struct stat st;

	ck_assert_int_eq(rename("a/b", "b") | rename("a", "b/a"), 0);
	ck_assert_int_eq(source_look_up_at(fs.source, b, in_b, "a", &found, &st), -ESTALE);
	ck_assert_ptr_eq(look_up(root, "b"), b);
	ck_assert_ptr_eq(look_up(b, "a"), a);
	ck_assert_int_eq(open_error(a), 0);
}
END_TEST

static int count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 4096; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

START_TEST(nodes_cost_no_fd)
{
	char name[16];
	const int before = count_fds();

	ck_assert_int_eq(source_start(fs.source), 0);
	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "%d", i);
		make_file(name, "");
		look_up(root, name);
	}
	ck_assert_int_le(count_fds(), before + 128);
}
END_TEST

START_TEST(deeper_than_a_path_is_long)
{
	char name[NAME_MAX + 1];
	struct source_node *node = root;
	const int depth = 3 * PATH_MAX / NAME_MAX;

	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	for (int i = 0; i < depth; i++) {
		ck_assert_int_eq(mkdir(name, 0700), 0);
		ck_assert_int_eq(chdir(name), 0);
		node = look_up(node, name);
	}
	make_file("file", "");
	ck_assert_int_eq(open_error(look_up(node, "file")), 0);
	/* nftw(3) can't either */
	ck_assert_int_eq(unlink("file"), 0);
	for (int i = 0; i < depth; i++)
		ck_assert_int_eq(chdir("..") | rmdir(name), 0);
}
END_TEST

START_TEST(the_systems_attributes_are_not_shown)
{
	char names[64];

	make_file("file", "");
	if (setxattr("file", "user.a", "x", 1, 0) || setxattr("file", "trusted.b", "x", 1, 0))
		return; /* this filesystem has none */
	struct source_node *node = look_up(root, "file");

	ck_assert_int_eq(xattrs_of(node, NULL, 0), sizeof("user.a"));
	ck_assert_int_eq(xattrs_of(node, names, 3), -ERANGE);
	ck_assert_int_eq(xattrs_of(node, names, sizeof(names)), sizeof("user.a"));
	ck_assert_str_eq(names, "user.a");
	ck_assert_int_eq(xattr_of(node, "user.a", names, sizeof(names)), 1);
	ck_assert_int_eq(xattr_of(node, "trusted.b", names, sizeof(names)), -EOPNOTSUPP);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source");
	TCase *tests = tcase_create("source"), *refusals = tcase_create("refusals");
	SRunner *runner = srunner_create(suite);

	if (geteuid()) {
		puts("mounting needs root");
		return 77; /* skipped */
	}
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, similar_names_are_not_the_mountpoint);
	tcase_add_test(tests, names_of_one_file_are_one_node);
	tcase_add_test(tests, no_name_leads_out);
	tcase_add_test(tests, a_directory_become_a_symlink_is_stale);
	tcase_add_test(tests, another_file_by_the_name_is_stale);
	tcase_add_test(tests, just_looked_up_stays_for_a_moment);
	tcase_add_test(tests, open_files_outlive_their_names);
	tcase_add_test(tests, the_last_of_many_drops_ends_it);
	tcase_add_test(tests, only_files_are_opened);
	tcase_add_test(tests, unchecked_lists_keep_the_owner);
	tcase_add_test(tests, directories_that_change_places);
	tcase_add_test(tests, nodes_cost_no_fd);
	tcase_add_test(tests, deeper_than_a_path_is_long);
	tcase_add_test(tests, the_systems_attributes_are_not_shown);
	suite_add_tcase(suite, tests);
	tcase_add_loop_test(refusals, refusals_say_why, 0, sizeof(refused) / sizeof(refused[0]));
	suite_add_tcase(suite, refusals);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
