/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The type of a table's nodes. The table allocates objects of @size, each with its
 * own node structure at the start. The rest belongs to the user of the table.
 */
#ifndef UTIL_NODE_TYPE_H
#define UTIL_NODE_TYPE_H

#include <stdlib.h>

struct node_type {
	size_t size;
	/* Called on a zeroed node before any other thread sees it. NULL: not needed. */
	void (*init)(void *node);
	/* Called before the node is freed. It must not call the table. NULL: not needed. */
	void (*finish)(void *node);
};

/* NULL: out of memory. */
static inline void *node_type_create(const struct node_type *type)
{
	void *node = calloc(1, type->size);

	if (node && type->init)
		type->init(node);
	return node;
}

static inline void node_type_destroy(const struct node_type *type, void *node)
{
	if (type->finish)
		type->finish(node);
	free(node);
}

#endif
