// SPDX-License-Identifier: GPL-2.0-or-later
#include "places.h"

#include "bench.h"
#include "sample.h"
#include "util/scope.h"

#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

#define FUSE_MAGIC    0x65735546
#define START_SECONDS 10
#define PAUSE	      (&(struct timespec){.tv_nsec = 5000000})

struct kind {
	const char *name;
	int (*mount)(struct bench *bench, struct place *place, const char *options, char *why);
	const char *options;
	bool view;					 /* of the group's files */
	bool on_dma_heap;				 /* the one that the settings name */
	const char *(*lacks)(const struct bench *bench); /* a reason why there is none, or NULL */
};

static int mount_tmpfs(struct bench *bench, struct place *place, const char *options, char *why)
{
	(void)bench;
	if (!mount("tmpfs", place->dir, "tmpfs", 0, options))
		return 0;
	int error = -errno;

	snprintf(why, 256, "no tmpfs with %s: %s", options, strerror(-error));
	return error;
}

/* The daemon's words are kept, for the case that it fails. */
static void log_path(const struct place *place, char path[static PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.*s.log", PATH_MAX - 8, place->dir);
}

static _Noreturn void become_daemon(const char *const argv[], const char *log)
{
	int file = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(file, STDOUT_FILENO);
	dup2(file, STDERR_FILENO);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static bool is_fuse(const char *dir)
{
	struct statfs st;

	return !statfs(dir, &st) && st.f_type == FUSE_MAGIC;
}

/* The last line that the daemon has said, or that it said nothing. */
static void explain(const struct place *place, const char *program, char *why)
{
	char path[PATH_MAX], line[256];
	log_path(place, path);
	FILE *log = fopen(path, "re");

	snprintf(why, 256, "%.200s did not mount", program);
	while (log && fgets(line, sizeof(line), log))
		snprintf(why, 256, "%.*s", (int)strcspn(line, "\n"), line);
	if (log)
		fclose(log);
}

static int start(struct place *place, const char *const argv[], char *why)
{
	char log[PATH_MAX];
	const double start = now();

	log_path(place, log);
	place->daemon = fork();
	if (place->daemon < 0)
		return -errno;
	if (place->daemon == 0)
		become_daemon(argv, log);
	while (!is_fuse(place->dir)) {
		const bool late = now() > start + START_SECONDS;

		if (late)
			kill(place->daemon, SIGKILL);
		if (waitpid(place->daemon, NULL, late ? 0 : WNOHANG)) {
			place->daemon = 0;
			explain(place, argv[0], why);
			return -EIO;
		}
		nanosleep(PAUSE, NULL);
	}
	return 0;
}

static int mount_dmaheapfs(struct place *place, const char *program, const char *options, char *why)
{
	const char *const argv[] = {program, "dmaheap-bench", place->dir, "-f",
				    "-o",    options,	      NULL};

	if (access(program, X_OK)) {
		snprintf(why, 256, "there is no %.200s", program);
		return -errno;
	}
	return start(place, argv, why);
}

/* It lies beside this program. */
static int mount_built(struct bench *bench, struct place *place, const char *options, char *why)
{
	char self[PATH_MAX], program[PATH_MAX + 16];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)bench;
	if (length < 0)
		return -errno;
	self[length] = '\0';
	snprintf(program, sizeof(program), "%s/dmaheapfs", dirname(self));
	return mount_dmaheapfs(place, program, options, why);
}

static int mount_plain(struct bench *bench, struct place *place, const char *options, char *why)
{
	if (bench->settings.plain)
		return mount_dmaheapfs(place, bench->settings.plain, options, why);
	snprintf(why, 256, "no dmaheapfs without passthrough: --plain names one");
	return -ENOENT;
}

/* The newest in the cache of contrib/libfuse.sh, or NULL. */
static char *find_passthrough_hp(void)
{
	const char *cache = getenv("DMAHEAPFS_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
	char pattern[PATH_MAX];
	char *found = NULL;
	glob_t paths;

	if (cache)
		snprintf(pattern, sizeof(pattern), "%s", cache);
	else if (xdg)
		snprintf(pattern, sizeof(pattern), "%s/dmaheapfs", xdg);
	else
		snprintf(pattern, sizeof(pattern), "%s/.cache/dmaheapfs", getenv("HOME") ?: "");
	strncat(pattern, "/libfuse/*/bin/passthrough_hp", PATH_MAX - strlen(pattern) - 1);
	if (!glob(pattern, 0, NULL, &paths) && paths.gl_pathc)
		found = strdup(paths.gl_pathv[paths.gl_pathc - 1]);
	globfree(&paths);
	return found;
}

static int mount_passthrough_hp(struct bench *bench, struct place *place, const char *options,
				char *why)
{
	scope(free) char *program = find_passthrough_hp();
	const char *const argv[] = {program, "--foreground", place->below, place->dir, NULL};

	(void)bench;
	if (!program) {
		snprintf(why, 256, "no passthrough_hp; contrib/libfuse.sh --examples makes it");
		return -ENOENT;
	}
	snprintf(place->below, sizeof(place->below), "%.*s.below", PATH_MAX - 8, place->dir);
	mkdir(place->below, 0755);
	if (mount("tmpfs", place->below, "tmpfs", 0, options))
		return -errno;
	return start(place, argv, why);
}

#define TMPFS_OPTIONS "size=100%,nr_inodes=1m"

#define SHMEM	TMPFS_OPTIONS ",heap=shmem"
#define UDMABUF TMPFS_OPTIONS ",heap=udmabuf"

static const struct kind kinds[PLACES] = {
	[TMPFS] = {"tmpfs", mount_tmpfs, TMPFS_OPTIONS},
	[PASSTHROUGH_HP] = {"passthrough_hp", mount_passthrough_hp, TMPFS_OPTIONS},
	[ON_DMA_HEAP] = {"on-dma-heap", mount_built, TMPFS_OPTIONS, true, true, needs_dma_heap},
	[ON_UDMABUF] = {"on-udmabuf", mount_built, UDMABUF, true, false, needs_udmabuf},
	[ON_SHMEM] = {"on-shmem", mount_built, SHMEM, true},
	[PLAIN_ON_DMA_HEAP] = {"plain-dma-heap", mount_plain, TMPFS_OPTIONS, true, true,
			       needs_dma_heap},
	[PLAIN_ON_UDMABUF] = {"plain-udmabuf", mount_plain, UDMABUF, true, false, needs_udmabuf},
	[PLAIN_ON_SHMEM] = {"plain-shmem", mount_plain, SHMEM, true},
};

const char *needs_dma_heap(const struct bench *bench)
{
	char path[300];

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", bench->settings.heap);
	return access(path, R_OK) ? "this machine has no dma-heap of that name: see --heap" : NULL;
}

const char *needs_udmabuf(const struct bench *bench)
{
	(void)bench;
	return access("/dev/udmabuf", R_OK) ? "this machine has no /dev/udmabuf" : NULL;
}

bool place_is_ours(enum place_id id)
{
	return kinds[id].mount == mount_built;
}

static void options_of(const struct bench *bench, const struct kind *kind, char options[static 512])
{
	snprintf(options, 512, "%s%s%s%s%s", kind->options, kind->on_dma_heap ? ",heap=" : "",
		 kind->on_dma_heap ? bench->settings.heap : "", kind->view ? ",source=" : "",
		 kind->view ? bench->files : "");
}

int place_mount(struct bench *bench, enum place_id id, char why[static 256])
{
	struct place *place = &bench->places[id];
	char options[512];

	if (id == NOWHERE || *place->dir)
		return 0;
	snprintf(why, 256, "cannot mount %s", kinds[id].name);
	snprintf(place->dir, sizeof(place->dir), "%s/%s", bench->work, kinds[id].name);
	if (mkdir(place->dir, 0755) && errno != EEXIST)
		return -errno;
	options_of(bench, &kinds[id], options);
	const char *reason = kinds[id].lacks ? kinds[id].lacks(bench) : NULL;
	int error = reason ? UNABLE : kinds[id].mount(bench, place, options, why);

	if (reason)
		snprintf(why, 256, "%s", reason);
	if (error)
		place_unmount(place);
	return error;
}

void place_unmount(struct place *place)
{
	if (!*place->dir)
		return;
	umount2(place->dir, MNT_DETACH);
	if (place->daemon)
		waitpid(place->daemon, NULL, 0);
	if (*place->below)
		umount2(place->below, MNT_DETACH);
	*place = (struct place){};
}

void place_view(const struct place *place, char path[static 512])
{
	snprintf(path, 512, "%.500s/.source", place->dir);
}

double place_cpu(const struct place *place)
{
	struct timespec time;
	clockid_t clock;

	if (!place->daemon || clock_getcpuclockid(place->daemon, &clock) ||
	    clock_gettime(clock, &time))
		return 0;
	return time.tv_sec + time.tv_nsec / 1e9;
}
