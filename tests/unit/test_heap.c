// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding heaps, in a temporary /dev for each test, and the errors if there is none.
 * test_heap_real.c tests the machine's own heaps.
 */
#include "fake_heap.h"

#include <sys/stat.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static char dev[32];
static char why[256];
static struct heap *heap;
static int fds_before;

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dev, name);
	return path;
}

static void setup(void)
{
	snprintf(dev, sizeof(dev), "/tmp/dmaheapfs-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dev));
	ck_assert_int_eq(chmod(dev, 0755), 0);
	snprintf(why, sizeof(why), "unset");
	heap = NULL;
	fds_before = count_fds();
}

static void teardown(void)
{
	static const char *const names[] = {"dma_heap/system", "dma_heap/reserved",
					    "dma_heap/.x",     "dma_heap",
					    "udmabuf",	       "size_limit_mb"};

	heap_destroy(heap);
	ck_assert_int_eq(count_fds(), fds_before);
	for (size_t i = 0; i < COUNT(names); i++)
		remove(path_of(names[i]));
	ck_assert_int_eq(rmdir(dev), 0);
}

static void make_directory(const char *name)
{
	ck_assert_int_eq(mkdir(path_of(name), 0755), 0);
}

static void make_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(path_of(name), O_CREAT | O_WRONLY, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

/* One line, and it says something. */
static void assert_explained(void)
{
	ck_assert_str_ne(why, "unset");
	ck_assert_str_ne(why, "");
	ck_assert_ptr_null(strchr(why, '\n'));
}

static const char *const bad_names[] = {
	"",
	".",
	"..",
	"a/b",
	"/dev/dma_heap/system",
	"drm:",
	"drm:dri/card0",
	"a-name-of-a-heap-that-is-longer-than-any-name-of-a-heap-may-be-here",
};

START_TEST(refuses_bad_names)
{
	ck_assert_int_eq(heap_open(&heap, bad_names[_i], dev, why), -EINVAL);
	assert_explained();
	ck_assert_ptr_null(heap);
}
END_TEST

START_TEST(shmem_is_always_there)
{
	ck_assert_int_eq(heap_open(&heap, "shmem", dev, why), 0);
	ck_assert_str_eq(heap->name, "shmem");
	ck_assert_str_eq(heap->choice, "");
	ck_assert_int_eq(strncmp(heap->dmabuf, "no: ", 4), 0);
	ck_assert(heap->ops->in_tmpfs && !heap->ops->has_dmabufs);
}
END_TEST

START_TEST(auto_reports_missing_heaps)
{
	ck_assert_int_eq(heap_open(&heap, "auto", dev, why), 0);
	ck_assert_str_eq(heap->name, "shmem");
	ck_assert_str_eq(why, "");
	ck_assert_ptr_nonnull(strstr(heap->choice, "auto took shmem"));
	ck_assert_ptr_nonnull(strstr(heap->choice, "no system (No such file"));
	ck_assert_ptr_nonnull(strstr(heap->choice, "no udmabuf (No such file"));
}
END_TEST

/* A source that names no heap, and is not a label, is marked. */
START_TEST(sources_that_name_no_heap)
{
	static const struct {
		const char *source;
		bool replaced;
	} sources[] = {
		{"shmem", false}, {"auto", false},	 {"none", false},     {"dmaheapfs", false},
		{"system", true}, {"camera-heap", true}, {"linux,cma", true}, {"a/b", true},
	};

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		ck_assert_int_eq(heap_open_source(&heap, sources[i].source, dev, why), 0);
		ck_assert_str_eq(heap->name, "shmem");
		ck_assert_msg(heap->replaces_source == sources[i].replaced, "%s",
			      sources[i].source);
		heap_destroy(heap);
	}
	heap = NULL;
}
END_TEST

START_TEST(dmabuf_is_never_shared_memory)
{
	ck_assert_int_eq(heap_open(&heap, "dmabuf", dev, why), -ENODEV);
	assert_explained();
	ck_assert_ptr_nonnull(strstr(why, "no system (No such file"));
	ck_assert_ptr_nonnull(strstr(why, "no udmabuf (No such file"));
}
END_TEST

/* All names of the contiguous heap are known, and a broken one is reported. */
START_TEST(auto_knows_contiguous_heaps)
{
	static const char *const names[] = {"default_cma_region", "reserved", "linux,cma"};

	make_directory("dma_heap");
	for (int i = 0; i < 3; i++) {
		char file[64];

		snprintf(file, sizeof(file), "dma_heap/%s", names[i]);
		make_file(file, "", 0666);
		ck_assert_int_eq(heap_open(&heap, "dmabuf", dev, why), -ENODEV);
		ck_assert_msg(strstr(why, names[i]), "%s is not in: %s", names[i], why);
		ck_assert_int_eq(unlink(path_of(file)), 0);
	}
}
END_TEST

/* The object at a device's path: "" none, else a file or a link to a device. */
static const struct {
	const char *heap, *target;
	int result;
	const char *hint;
} refusals[] = {
	{"system", "", -ENOENT, "CONFIG_DMABUF_HEAPS"},
	{"udmabuf", "", -ENOENT, "modprobe udmabuf"},
	{"system", "file", -ENODEV, "may not be a dma-heap"},
	{"udmabuf", "file", -ENODEV, "makes no dma-buf"},
	{"system", "/dev/null", -ENODEV, "may not be a dma-heap"},
	{"udmabuf", "/dev/null", -ENODEV, "makes no dma-buf"},
#ifdef DMAHEAPFS_HAVE_LIBDRM
	{"drm:/nothing/here", "", -ENOENT, "ls /dev/dri"},
	{"drm:/dev/null", "", -ENODEV, "no dumb buffers"},
	{"drm:/", "", -EISDIR, "can't open"},
#else
	{"drm:/dev/dri/card0", "", -ENOTSUP, "libdrm-dev"},
#endif
};

static void make_device(const char *name, const char *target)
{
	char file[64];

	snprintf(file, sizeof(file), "%s%s", strcmp(name, "udmabuf") ? "dma_heap/" : "", name);
	if (!strcmp(target, "file"))
		make_file(file, "", 0666);
	else if (*target)
		ck_assert_int_eq(symlink(target, path_of(file)), 0);
}

START_TEST(refuses_with_a_hint)
{
	make_directory("dma_heap");
	make_device(refusals[_i].heap, refusals[_i].target);
	ck_assert_int_eq(heap_open(&heap, refusals[_i].heap, dev, why), refusals[_i].result);
	assert_explained();
	ck_assert_msg(strstr(why, refusals[_i].hint), "no \"%s\" in \"%s\"", refusals[_i].hint,
		      why);
}
END_TEST

static const char *const guarded[] = {"system", "udmabuf"};

/* Only root can drop root, and only root needs it. */
START_TEST(reports_permissions)
{
	make_directory("dma_heap");
	make_file("dma_heap/system", "", 0600);
	make_file("udmabuf", "", 0600);
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	else
		ck_assert_int_eq(
			chmod(path_of("dma_heap/system"), 0) + chmod(path_of("udmabuf"), 0), 0);
	ck_assert_int_eq(heap_open(&heap, guarded[_i], dev, why), -EACCES);
	ck_assert_ptr_nonnull(strstr(why, "udev rule"));
	ck_assert_int_eq(heap_open(&heap, "auto", dev, why), 0);
	ck_assert_ptr_nonnull(strstr(heap->choice, "no system (Permission denied)"));
	ck_assert_int_eq(seteuid(getuid()), 0);
}
END_TEST

static const struct {
	const char *text;
	uint64_t limit;
} limits[] = {
	{"64\n", 64u << 20},	   {"0\n", 0},
	{"65536", 65536ull << 20}, {"rubbish", UINT64_MAX},
	{"", UINT64_MAX},	   {"17592186044416", UINT64_MAX}, /* 2^44 MiB: an overflow */
};

START_TEST(reads_the_limit_of_udmabuf)
{
	make_file("size_limit_mb", limits[_i].text, 0644);
	ck_assert_uint_eq(heap_udmabuf_limit(dev), limits[_i].limit);
}
END_TEST

START_TEST(limit_of_udmabuf_unknown)
{
	ck_assert_uint_eq(heap_udmabuf_limit(dev), UINT64_MAX);
}
END_TEST

struct lines {
	int n;
	char text[8][600];
};

static void note_line(void *context, const char *name, bool usable, const char *text)
{
	struct lines *lines = context;

	ck_assert_int_lt(lines->n, 8);
	ck_assert_ptr_null(strchr(text, '\n'));
	snprintf(lines->text[lines->n++], sizeof(lines->text[0]), "%s %s %s", name,
		 usable ? "yes" : "no", text);
}

static void assert_line(const struct lines *lines, int i, const char *start, const char *part)
{
	ck_assert_int_gt(lines->n, i);
	ck_assert_msg(!strncmp(lines->text[i], start, strlen(start)), "\"%s\" is not \"%s\"",
		      lines->text[i], start);
	ck_assert_msg(strstr(lines->text[i], part), "no \"%s\" in \"%s\"", part, lines->text[i]);
}

START_TEST(lists_missing_heaps)
{
	struct lines lines = {0};

	heap_list(dev, note_line, &lines);
	ck_assert_int_eq(lines.n, 3);
	assert_line(&lines, 0, "system no ", "CONFIG_DMABUF_HEAPS");
	assert_line(&lines, 1, "udmabuf no ", "modprobe");
	assert_line(&lines, 2, "shmem yes no: ", "heap=auto takes this one");
}
END_TEST

START_TEST(lists_every_name)
{
	struct lines lines = {0};

	make_directory("dma_heap");
	make_file("dma_heap/system", "", 0666);
	make_file("dma_heap/reserved", "", 0666);
	make_file("dma_heap/.x", "", 0666);
	heap_list(dev, note_line, &lines);
	ck_assert_int_eq(lines.n, 4);
	assert_line(&lines, 0, "reserved no ", "may not be");
	assert_line(&lines, 1, "system no ", "may not be");
	assert_line(&lines, 2, "udmabuf no ", "");
	assert_line(&lines, 3, "shmem yes ", "");
}
END_TEST

START_TEST(destroys_nothing)
{
	heap_destroy(NULL);
	buffer_destroy(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("heap");
	TCase *tests = tcase_create("heap");

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, refuses_bad_names, 0, COUNT(bad_names));
	tcase_add_test(tests, shmem_is_always_there);
	tcase_add_test(tests, auto_reports_missing_heaps);
	tcase_add_test(tests, sources_that_name_no_heap);
	tcase_add_test(tests, dmabuf_is_never_shared_memory);
	tcase_add_test(tests, auto_knows_contiguous_heaps);
	tcase_add_loop_test(tests, refuses_with_a_hint, 0, COUNT(refusals));
	tcase_add_loop_test(tests, reports_permissions, 0, COUNT(guarded));
	tcase_add_loop_test(tests, reads_the_limit_of_udmabuf, 0, COUNT(limits));
	tcase_add_test(tests, limit_of_udmabuf_unknown);
	tcase_add_test(tests, lists_missing_heaps);
	tcase_add_test(tests, lists_every_name);
	tcase_add_test(tests, destroys_nothing);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
