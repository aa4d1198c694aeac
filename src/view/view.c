// SPDX-License-Identifier: GPL-2.0-or-later
/* A view as a whole. */
#include "util/scope.h"
#include "view/inside.h"

#include <string.h>

int view_create(struct view **created, const struct view_options *options, char why[static 256])
{
	struct view *view = calloc(1, sizeof(*view));

	if (!view) {
		snprintf(why, 256, "out of memory");
		return -ENOMEM;
	}
	view->origin = view->root = -1;
	pthread_mutex_init(&view->lock, NULL);
	pins_init(&view->pins);
	int error = origin_open(view, options, why);

	if (!error) {
		error = nodes_begin(view);
		if (error)
			snprintf(why, 256, "cannot look at source=%.128s: %s", options->directory,
				 strerror(-error));
	}
	if (error)
		view_destroy(view, NULL);
	else
		*created = view;
	return error;
}

int view_start(struct view *view)
{
	return pins_start(&view->pins);
}

void view_destroy(struct view *view, void (*end)(struct view_node *node))
{
	if (!view)
		return;
	pins_finish(&view->pins);
	nodes_end(view, end);
	pthread_mutex_destroy(&view->lock);
	close_fd(view->root);
	close_fd(view->origin);
	free(view);
}

void view_show_acls(struct view *view, bool show)
{
	view->show_acls = show;
}

int view_statfs(struct view *view, struct statvfs *st)
{
	return fstatvfs(view->root, st) ? -errno : 0;
}
