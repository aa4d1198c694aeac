// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nodes and the private tmpfs below them. Wants the right to mount, as the
 * daemon does.
 */
#include "tree/node.h"
#include "util/scope.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static struct tree tree;
static char why[256];

static void make_tree(const char *size, const char *nr_inodes)
{
	const struct tree_options wanted = {.size = size,
					    .nr_inodes = nr_inodes,
					    .pins = 3,
					    .mode = 0750,
					    .uid = 12,
					    .gid = 34,
					    .node_type = {.size = sizeof(struct node)}};

	ck_assert_msg(!tree_init(&tree, &wanted, why), "%s", why);
}

static void setup(void)
{
	make_tree("1m", "100");
}

/* The same tree, as if inodes could not be opened by handle. */
static void setup_without_handles(void)
{
	make_tree("1m", "100");
	tree.handles = false;
	struct node *root = node_find(&tree, 1);

	root->pin = fcntl(tree.mount, F_DUPFD_CLOEXEC, 0);
}

static void teardown(void)
{
	tree_finish(&tree);
}

static struct node *look_up(const char *name)
{
	struct node *node;
	struct stat st;

	ck_assert_int_eq(node_look_up(&tree, tree.mount, name, &node, &st), 0);
	ck_assert_uint_eq(node->ino, st.st_ino);
	return node;
}

static struct node *make_file(const char *name)
{
	close(openat(tree.mount, name, O_CREAT | O_EXCL | O_RDWR, 0600));
	return look_up(name);
}

static int count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 4096; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

START_TEST(root_is_as_asked)
{
	struct node *root = node_find(&tree, 1);
	struct statvfs limits;
	struct stat st;

	ck_assert_ptr_nonnull(root);
	ck_assert_int_eq(fstat(tree.mount, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 0750);
	ck_assert_uint_eq(st.st_uid, 12);
	ck_assert_uint_eq(st.st_gid, 34);
	ck_assert_int_eq(fstatvfs(tree.mount, &limits), 0);
	ck_assert_uint_eq(limits.f_blocks * limits.f_frsize, 1 << 20);
	ck_assert_uint_eq(limits.f_files, 100);
}
END_TEST

START_TEST(names_of_one_file_are_one_node)
{
	struct node *a = make_file("a");

	ck_assert_int_eq(linkat(tree.mount, "a", tree.mount, "b", 0), 0);
	ck_assert_ptr_eq(look_up("b"), a);
	ck_assert_uint_eq(a->uses, 2);
	ck_assert_ptr_eq(node_find(&tree, a->ino), a);
}
END_TEST

START_TEST(missing_names_are_enoent)
{
	struct node *node;
	struct stat st;

	ck_assert_int_eq(node_look_up(&tree, tree.mount, "none", &node, &st), -ENOENT);
	ck_assert_uint_eq(tree.nodes, 1);
}
END_TEST

/* Returns whether that was the last reference. */
static bool forget(struct node *node)
{
	const uint64_t ino = node->ino;

	node_forget(&tree, node, 1);
	return !node_find(&tree, ino);
}

START_TEST(forgotten_when_all_lookups_are_back)
{
	struct node *node = make_file("a");
	const uint64_t ino = node->ino;

	look_up("a");
	ck_assert(!forget(node));
	ck_assert(forget(node));
	ck_assert_ptr_null(node_find(&tree, ino));
	ck_assert_uint_eq(look_up("a")->ino, ino);
}
END_TEST

/* Attributes that exist only in memory stay as long as the file has a name. */
START_TEST(data_keeps_nodes_of_files_with_names)
{
	struct node *node = make_file("a");

	node->has_data = true;
	ck_assert(!forget(node));
	ck_assert_ptr_eq(look_up("a"), node);
	ck_assert_int_eq(unlinkat(tree.mount, "a", 0), 0);
	ck_assert(forget(node));
}
END_TEST

START_TEST(opened_again_with_other_flags)
{
	struct node *node = make_file("a");
	scope(fd) int writable = node_open(&tree, node, O_RDWR);
	scope(fd) int path = node_open(&tree, node, O_PATH);
	struct stat st;

	ck_assert_int_eq(write(writable, "x", 1), 1);
	ck_assert_int_eq(fstat(path, &st), 0);
	ck_assert_uint_eq(st.st_ino, node->ino);
	ck_assert_int_eq(st.st_size, 1);
}
END_TEST

START_TEST(symlinks_are_opened_themselves)
{
	char target[8];

	ck_assert_int_eq(symlinkat("nowhere", tree.mount, "l"), 0);
	scope(fd) int path = node_open(&tree, look_up("l"), O_PATH | O_NOFOLLOW);

	ck_assert_int_eq(readlinkat(path, "", target, sizeof(target)), 7);
}
END_TEST

START_TEST(removed_directories_stay_when_pinned)
{
	struct stat st;

	ck_assert_int_eq(mkdirat(tree.mount, "d", 0700), 0);
	struct node *node = look_up("d");
	scope(fd) int held = node_open(&tree, node, O_PATH);

	ck_assert_int_eq(unlinkat(tree.mount, "d", AT_REMOVEDIR), 0);
	node_pin(&tree, node, held);
	close_fd(steal_fd(&held));
	scope(fd) int again = node_open(&tree, node, O_PATH);

	ck_assert_int_eq(fstat(again, &st), 0);
	ck_assert_uint_eq(st.st_nlink, 0);
}
END_TEST

START_TEST(files_cost_no_fd)
{
	const int before = count_fds();
	char name[] = "a";

	for (; *name <= 'z'; (*name)++)
		make_file(name);
	ck_assert_int_eq(count_fds(), before);
	ck_assert_uint_eq(tree.nodes, 27);
}
END_TEST

START_TEST(limits_are_the_kernels)
{
	char name[16];
	int made = 0;

	for (; made < 200; made++) {
		snprintf(name, sizeof(name), "f%d", made);
		scope(fd) int file = openat(tree.mount, name, O_CREAT | O_RDWR, 0600);

		if (file < 0)
			break;
	}
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(made, 99); /* the root is one, too */
}
END_TEST

static const struct tree_options bad[] = {
	{.size = "many"},
	{.nr_inodes = "none"},
	{.huge = "sometimes"},
};

START_TEST(bad_options_are_explained)
{
	struct tree none;

	ck_assert_int_eq(tree_init(&none, &bad[_i], why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "is not possible here"));
	ck_assert_ptr_null(strchr(why, '\n'));
}
END_TEST

static struct node *make_dir(unsigned number)
{
	char name[16];

	snprintf(name, sizeof(name), "dir%u", number);
	mkdirat(tree.mount, name, 0700);
	return look_up(name);
}

static bool is_of(const struct dir *dir, const struct node *node)
{
	struct stat st;

	return !fstat(dir->fd, &st) && st.st_ino == node->ino;
}

START_TEST(directories_used_last_stay_open)
{
	struct node *nodes[DIR_CACHE_SIZE + 4];
	const unsigned count = sizeof(nodes) / sizeof(nodes[0]);

	for (unsigned i = 0; i < count; i++)
		nodes[i] = make_dir(i);
	const int fds = count_fds();

	for (unsigned i = 0; i < 3 * count; i++) {
		scope(dir) struct dir dir = dir_open(&tree, nodes[i % count]);

		ck_assert(is_of(&dir, nodes[i % count]));
	}
	ck_assert_int_eq(count_fds(), fds + DIR_CACHE_SIZE);
	for (unsigned i = 0; i < count; i++)
		ck_assert(forget(nodes[i]));
	ck_assert_int_eq(count_fds(), fds - (tree.handles ? 0 : (int)count));
}
END_TEST

START_TEST(more_directories_in_use_than_are_kept)
{
	struct dir dirs[DIR_CACHE_SIZE + 4];
	const unsigned count = sizeof(dirs) / sizeof(dirs[0]);
	const int fds = count_fds();

	for (unsigned i = 0; i < count; i++)
		dirs[i] = dir_open(&tree, node_find(&tree, make_dir(i)->ino));
	for (unsigned i = 0; i < count; i++) {
		ck_assert(is_of(&dirs[i], make_dir(i)));
		dir_close(&dirs[i]);
	}
	ck_assert_int_eq(count_fds(), fds + DIR_CACHE_SIZE + (tree.handles ? 0 : (int)count));
}
END_TEST

START_TEST(dropped_directories_last_as_long_as_they_are_used)
{
	struct node *node = make_dir(0);
	const int fds = count_fds();
	struct dir first = dir_open(&tree, node), second = dir_open(&tree, node);

	ck_assert_int_eq(first.fd, second.fd);
	dir_cache_drop(&tree.dirs, node->ino);
	dir_close(&first);
	ck_assert(is_of(&second, node));
	dir_close(&second);
	ck_assert_int_eq(count_fds(), fds);
	struct dir third = dir_open(&tree, node);

	ck_assert(is_of(&third, node));
	dir_close(&third);
}
END_TEST

/* A chain of directories, each with a file whose name is also one in the root. */
static void make_deep_tree(int depth)
{
	int dir = fcntl(tree.mount, F_DUPFD_CLOEXEC, 0);

	for (int i = 0; i < depth; i++) {
		close(openat(dir, "0", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
		ck_assert_int_eq(mkdirat(dir, "1", 0700), 0);
		const int next = openat(dir, "1", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		close(dir);
		dir = next;
	}
	close(dir);
}

START_TEST(emptied_but_for_what_is_held)
{
	struct statvfs before, after;

	scope(fd) int held = openat(tree.mount, "held", O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(held, "x", 1), 1);
	ck_assert_int_eq(fstatvfs(tree.mount, &before), 0);
	make_deep_tree(40);
	tree_empty(&tree);
	ck_assert_int_eq(fstatvfs(tree.mount, &after), 0);
	ck_assert_uint_eq(after.f_ffree, before.f_ffree);
	ck_assert_int_eq(faccessat(tree.mount, "held", F_OK, 0), -1);
}
END_TEST

static void add_tests(Suite *suite, const char *name, void (*before)(void))
{
	TCase *tests = tcase_create(name);

	tcase_add_checked_fixture(tests, before, teardown);
	tcase_add_test(tests, root_is_as_asked);
	tcase_add_test(tests, emptied_but_for_what_is_held);
	tcase_add_test(tests, names_of_one_file_are_one_node);
	tcase_add_test(tests, missing_names_are_enoent);
	tcase_add_test(tests, forgotten_when_all_lookups_are_back);
	tcase_add_test(tests, data_keeps_nodes_of_files_with_names);
	tcase_add_test(tests, opened_again_with_other_flags);
	tcase_add_test(tests, symlinks_are_opened_themselves);
	tcase_add_test(tests, removed_directories_stay_when_pinned);
	if (before == setup)
		tcase_add_test(tests, files_cost_no_fd);
	tcase_add_test(tests, directories_used_last_stay_open);
	tcase_add_test(tests, more_directories_in_use_than_are_kept);
	tcase_add_test(tests, dropped_directories_last_as_long_as_they_are_used);
	tcase_add_test(tests, limits_are_the_kernels);
	suite_add_tcase(suite, tests);
}

int main(void)
{
	Suite *suite = suite_create("tree");
	TCase *options = tcase_create("options");
	SRunner *runner = srunner_create(suite);

	if (geteuid()) {
		puts("mounting needs root");
		return 77; /* skipped */
	}
	add_tests(suite, "by handle", setup);
	add_tests(suite, "by fd", setup_without_handles);
	tcase_add_loop_test(options, bad_options_are_explained, 0, sizeof(bad) / sizeof(bad[0]));
	suite_add_tcase(suite, options);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
