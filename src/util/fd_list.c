// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/fd_list.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

int fd_list_add(struct fd_list *list, int fd)
{
	if (list->count == list->room) {
		const size_t room = list->room ? list->room * 2 : 64;
		int *fds = realloc(list->fds, room * sizeof(*fds));

		if (!fds)
			return -ENOMEM;
		list->fds = fds;
		list->room = room;
	}
	list->fds[list->count++] = fd;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const int left = *(const int *)a, right = *(const int *)b;

	return left < right ? -1 : left > right;
}

static int add_unknown(struct fd_list *list, const struct fd_list *known, DIR *dir)
{
	const struct dirent *entry;
	int error = 0;

	while (!error && (entry = readdir(dir))) {
		const int fd = atoi(entry->d_name);

		if (*entry->d_name == '.' || fd == dirfd(dir) ||
		    (known->count && bsearch(&fd, known->fds, known->count, sizeof(fd), compare)))
			continue;
		error = fd_list_add(list, fd);
	}
	return error;
}

int fd_list_others(struct fd_list *list, struct fd_list *known)
{
	DIR *dir = opendir("/proc/self/fd");

	if (!dir)
		return -errno;
	if (known->count)
		qsort(known->fds, known->count, sizeof(int), compare);
	const int error = add_unknown(list, known, dir);

	closedir(dir);
	return error;
}

void fd_list_close(const struct fd_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		close(list->fds[i]);
}
