/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of fds of this process. */
#ifndef UTIL_FD_LIST_H
#define UTIL_FD_LIST_H

#include <stdlib.h>

/* All zeroes: an empty list. */
struct fd_list {
	int *fds;
	size_t count, room;
};

/* 0 or -ENOMEM. */
int fd_list_add(struct fd_list *list, int fd);

/* Adds every open fd that is not in @known, which is sorted by this. 0 or -errno. */
int fd_list_others(struct fd_list *list, struct fd_list *known);

/* Closes all fds in the list. */
void fd_list_close(const struct fd_list *list);

static inline void scope_fd_list(struct fd_list *list)
{
	free(list->fds);
}

#endif
