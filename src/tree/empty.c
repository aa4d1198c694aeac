// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All names of the tree: whether there are any, and their removal at the end. A process that
 * holds one file keeps the whole tmpfs, and with it the memory of every file that has a name.
 */
#include "tree/tree.h"
#include "util/compat.h"
#include "util/scope.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct emptying {
	int root;
	unsigned long moved; /* names given in the root so far */
	unsigned long names; /* removed in this round, or seen */
};

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Moves a directory's entry to the root, so that no path gets long. */
static void move_up(struct emptying *emptying, int directory, const char *name)
{
	char moved[32];

	do
		snprintf(moved, sizeof(moved), "%lu", emptying->moved++);
	while (renameat2(directory, name, emptying->root, moved, RENAME_NOREPLACE) &&
	       errno == EEXIST);
}

/* Calls @remove for each entry of @directory, an fd that is taken over. */
static void for_each(struct emptying *emptying, int directory,
		     void (*remove)(struct emptying *emptying, int directory, const char *name))
{
	DIR *dir = directory < 0 ? NULL : fdopendir(directory);
	const struct dirent *entry;

	if (!dir) {
		close_fd(directory);
		return;
	}
	while ((entry = readdir(dir)))
		if (!is_dots(entry->d_name))
			remove(emptying, dirfd(dir), entry->d_name);
	closedir(dir);
}

static int open_directory(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void remove_entry(struct emptying *emptying, int directory, const char *name)
{
	int error = unlinkat(directory, name, 0) ? errno : 0;

	if (error == EISDIR) {
		for_each(emptying, open_directory(directory, name), move_up);
		error = unlinkat(directory, name, AT_REMOVEDIR) ? errno : 0;
	}
	emptying->names += !error;
}

void tree_empty(struct tree *tree)
{
	struct emptying emptying = {.root = tree->mount};

	do {
		emptying.names = 0;
		for_each(&emptying, open_directory(tree->mount, "."), remove_entry);
	} while (emptying.names);
}

static void count(struct emptying *emptying, int directory, const char *name)
{
	(void)directory;
	(void)name;
	emptying->names++;
}

bool tree_is_empty(struct tree *tree)
{
	struct emptying emptying = {.root = tree->mount};

	for_each(&emptying, open_directory(tree->mount, "."), count);
	return !emptying.names;
}
