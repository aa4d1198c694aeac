// SPDX-License-Identifier: GPL-2.0-or-later
#include "files.h"

#include "sample.h"
#include "util/scope.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

struct name {
	char text[32];
};

static struct name name_of(const char *prefix, unsigned number)
{
	struct name name;

	snprintf(name.text, sizeof(name.text), "%s%u", prefix, number);
	return name;
}

/* Adds what has passed since @since to @cost, and starts anew. */
static void lap(double *since, double *cost)
{
	const double time = now();

	*cost += time - *since;
	*since = time;
}

static int create_one(int dirfd, const char *name, struct file_costs *costs)
{
	static const char data[FILE_SIZE] = "data";
	double since = now();
	int file = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	lap(&since, &costs->create);
	if (file < 0)
		return -errno;
	ssize_t count = write(file, data, sizeof(data));

	lap(&since, &costs->write);
	int error = count == sizeof(data) ? 0 : -EIO;

	if (close(file))
		error = -errno;
	lap(&since, &costs->close);
	return error;
}

static int read_one(int dirfd, const char *name, struct file_costs *costs)
{
	char data[FILE_SIZE];
	double since = now();
	int file = openat(dirfd, name, O_RDONLY | O_CLOEXEC);

	lap(&since, &costs->open);
	if (file < 0)
		return -errno;
	ssize_t count = read(file, data, sizeof(data));

	lap(&since, &costs->read);
	int error = count == sizeof(data) ? 0 : -EIO;

	if (close(file))
		error = -errno;
	lap(&since, &costs->close);
	return error;
}

static int stat_one(int dirfd, const char *name, struct file_costs *costs)
{
	struct statx st;
	double since = now();
	int error = statx(dirfd, name, AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &st) ? -errno : 0;

	lap(&since, &costs->stat);
	return error;
}

int files_create(int dirfd, const char *prefix, unsigned count, struct file_costs *costs)
{
	const double before = cpu_used();
	int error = 0;

	for (unsigned i = 0; i < count && !error; i++)
		error = create_one(dirfd, name_of(prefix, i).text, costs);
	costs->cpu += cpu_used() - before;
	return error;
}

int files_remove(int dirfd, const char *prefix, unsigned count, struct file_costs *costs)
{
	const double before = cpu_used();
	double since = now();

	for (unsigned i = 0; i < count; i++)
		if (unlinkat(dirfd, name_of(prefix, i).text, 0))
			return -errno;
	lap(&since, &costs->unlink);
	costs->cpu += cpu_used() - before;
	return 0;
}

/* Visits far places, and the same ones in every run. */
static unsigned scatter(unsigned number, unsigned population)
{
	return (uint64_t)number * 2654435761u % population;
}

int files_stat(int dirfd, const char *prefix, unsigned population, unsigned count,
	       struct file_costs *costs)
{
	int error = 0;

	for (unsigned i = 0; i < count && !error; i++)
		error = stat_one(dirfd, name_of(prefix, scatter(i, population)).text, costs);
	return error;
}

int files_read(int dirfd, const char *prefix, unsigned population, unsigned count,
	       struct file_costs *costs)
{
	int error = 0;

	for (unsigned i = 0; i < count && !error; i++)
		error = read_one(dirfd, name_of(prefix, scatter(i, population)).text, costs);
	return error;
}
