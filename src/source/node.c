// SPDX-License-Identifier: GPL-2.0-or-later
/* The source and its nodes: tables by identity and by id, names, lookups. */
#include "source/internal.h"
#include "state/request.h"
#include "util/explain.h"
#include "util/fd_path.h"
#include "util/scope.h"

#include <fcntl.h>
#include <search.h>
#include <string.h>

/* --- tables; source->lock is held ------------------------------------------------ */

static int order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_ids(const void *a, const void *b)
{
	const struct source_node *left = a, *right = b;

	return order(left->id, right->id);
}

static int compare_identities(const void *a, const void *b)
{
	const struct source_identity *left = &((const struct source_node *)a)->identity;
	const struct source_identity *right = &((const struct source_node *)b)->identity;

	return order(left->ino, right->ino)
		       ?: order(left->dev, right->dev)
		       ?: order((uint64_t)left->born.tv_sec, (uint64_t)right->born.tv_sec)
		       ?: order((uint64_t)left->born.tv_nsec, (uint64_t)right->born.tv_nsec);
}

static bool same_identity(const struct source_identity *a, const struct source_identity *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->born.tv_sec == b->born.tv_sec &&
	       a->born.tv_nsec == b->born.tv_nsec;
}

static struct source_node *find_identity(struct source *source,
					 const struct source_identity *identity)
{
	const struct source_node key = {.identity = *identity};
	struct source_node **found = tfind(&key, &source->by_identity, compare_identities);

	return found ? *found : NULL;
}

static struct source_node *find_id(struct source *source, uint64_t id)
{
	const struct source_node key = {.id = id};
	struct source_node **found = tfind(&key, &source->by_id, compare_ids);

	return found ? *found : NULL;
}

static void destroy(struct source *source, struct source_node *node)
{
	free(node->name);
	node_type_destroy(&source->node_type, node);
}

static void remove_node(struct source *source, struct source_node *node)
{
	struct source_record *record = node->record;

	tdelete(node, &source->by_id, compare_ids);
	tdelete(node, &source->by_identity, compare_identities);
	fd_cache_remove(&source->fds, node);
	destroy(source, node);
	table_remove(source->records, record);
}

static bool enter_node(struct source *source, struct source_node *node)
{
	if (!tsearch(node, &source->by_id, compare_ids))
		return false;
	if (tsearch(node, &source->by_identity, compare_identities))
		return true;
	tdelete(node, &source->by_id, compare_ids);
	return false;
}

static void record_node(struct source *source, struct source_node *node)
{
	if (!node->record)
		return;
	node->record->id = node->id;
	node->record->identity = node->identity;
	if (source->root_record)
		source->root_record->last_id = node->id;
}

static struct source_node *add_node(struct source *source, const struct source_identity *identity)
{
	struct source_node *node = node_type_create(&source->node_type);

	if (!node)
		return NULL;
	node->id = source->last_id + 1;
	node->identity = *identity;
	node->record = table_add(source->records);
	if ((source->records && !node->record) || !enter_node(source, node)) {
		table_remove(source->records, node->record);
		destroy(source, node);
		return NULL;
	}
	source->last_id = node->id;
	record_node(source, node);
	return node;
}

/* Of a new node, which becomes live when it has a name. */
static void place_record(struct source_node *node)
{
	struct source_record *record = node->record;

	if (!record)
		return;
	const uint32_t other = !record->name;

	snprintf(record->names[other], sizeof(record->names[other]), "%s", node->name);
	record->parent = node->parent->id;
	record->name = other;
	record_publish(record);
}

static void put_locked(struct source *source, struct source_node *node)
{
	/* The last node found in a directory gives up its reference to the directory. */
	while (node) {
		struct source_node *parent = node->parent;

		if (--node->uses)
			return;
		remove_node(source, node);
		node = parent;
	}
}

/* A change of the kernel's references. */
static void count_lookups(struct source_node *node, int64_t delta)
{
	if (node->record)
		request_count(&node->record->lookups, delta);
	node->uses += (uint64_t)delta;
}

static void forget_locked(struct source *source, struct source_node *node, uint64_t lookups)
{
	/* One reference is given up by put_locked(). */
	node->uses++;
	count_lookups(node, -(int64_t)lookups);
	put_locked(source, node);
}

/* --- names and parents; source->lock is held ------------------------------------------------ */

static bool is_at_or_above(const struct source_node *node, const struct source_node *below)
{
	while (below && below != node)
		below = below->parent;
	return below != NULL;
}

static int move_node(struct source *source, struct source_node *node, struct source_node *parent,
		     const char *name)
{
	struct source_node *before = node->parent;

	/* During a rename a directory can seem to be below itself. */
	if (is_at_or_above(node, parent))
		return -ESTALE;
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	free(node->name);
	node->name = copy;
	node->parent = parent;
	parent->uses++;
	place_record(node);
	put_locked(source, before);
	return 0;
}

static int place_node(struct source *source, struct source_node *node, struct source_node *parent,
		      const char *name)
{
	if (node->parent == parent && !strcmp(node->name, name))
		return 0;
	return move_node(source, node, parent, name);
}

static size_t path_length(const struct source_node *node)
{
	size_t length = 0;

	for (; node->parent; node = node->parent)
		length += strlen(node->name) + 1;
	return length;
}

/* Returns "a/b/c" below the root, or "." for the root itself; NULL: out of memory. */
static char *path_of(struct source *source, const struct source_node *node)
{
	guard(mutex)(&source->lock);
	if (!node->parent)
		return strdup(".");
	size_t at = path_length(node);
	char *path = malloc(at);

	if (!path)
		return NULL;
	for (char end = '\0'; node->parent; node = node->parent, end = '/') {
		const size_t length = strlen(node->name);

		path[--at] = end;
		at -= length;
		memcpy(path + at, node->name, length);
	}
	return path;
}

/* --- finding and opening inodes ----------------------------------------------- */

struct source_node *source_find(struct source *source, uint64_t id)
{
	guard(mutex)(&source->lock);
	return find_id(source, id);
}

/* These errors mean that the inode is no longer under its name. */
static int to_estale(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -ELOOP:
	case -EXDEV:
		return -ESTALE;
	default:
		return error;
	}
}

static int open_by_path(struct source *source, struct source_node *node)
{
	scope(free) char *path = path_of(source, node);
	scope(fd) int fd = path ? source_walk(source->root, path) : -ENOMEM;
	struct source_identity identity;
	struct stat st;

	if (fd < 0)
		return to_estale(fd);
	int error = source_identify(source, fd, &identity, &st);

	if (error)
		return error;
	return same_identity(&identity, &node->identity) ? steal_fd(&fd) : -ESTALE;
}

int source_open(struct source *source, struct source_node *node)
{
	int fd = fd_cache_open(&source->fds, node);

	return fd == -ENOENT ? open_by_path(source, node) : fd;
}

int source_open_directory(struct source *source, struct source_node *node)
{
	scope(fd) int fd = open_by_path(source, node);

	if (fd < 0)
		return fd;
	int directory = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return directory < 0 ? -errno : directory;
}

static int look_up(struct source *source, struct source_node *parent, const char *name, int fd,
		   struct source_node **found, struct stat *st)
{
	struct source_identity identity;
	int error = fd < 0 ? fd : source_identify(source, fd, &identity, st);

	if (error)
		return error;
	guard(mutex)(&source->lock);
	struct source_node *node = find_identity(source, &identity) ?: add_node(source, &identity);

	if (!node)
		return -ENOMEM;
	count_lookups(node, 1);
	error = place_node(source, node, parent, name);
	if (error)
		forget_locked(source, node, 1);
	else
		*found = node;
	return error;
}

int source_look_up_at(struct source *source, struct source_node *parent, int dirfd,
		      const char *name, struct source_node **node, struct stat *st)
{
	scope(fd) int fd = source_walk(dirfd, name);

	return look_up(source, parent, name, fd, node, st);
}

int source_look_up(struct source *source, struct source_node *parent, const char *name,
		   struct source_node **node, struct stat *st)
{
	scope(fd) int dirfd = open_by_path(source, parent);
	scope(fd) int fd = dirfd < 0 ? dirfd : source_walk(dirfd, name);
	int error = look_up(source, parent, name, fd, node, st);

	/* A directory may be moved meanwhile, and must be walked to from the root. */
	if (!error && !S_ISDIR(st->st_mode))
		fd_cache_insert(&source->fds, *node, steal_fd(&fd));
	return error;
}

void source_get(struct source *source, struct source_node *node)
{
	guard(mutex)(&source->lock);
	node->uses++;
}

void source_put(struct source *source, struct source_node *node)
{
	guard(mutex)(&source->lock);
	put_locked(source, node);
}

void source_forget(struct source *source, struct source_node *node, uint64_t lookups)
{
	guard(mutex)(&source->lock);
	forget_locked(source, node, lookups);
}

/* --- nodes of an earlier process --------------------------------------------------- */

static struct source_node *restore_node(struct source *source, struct source_record *record)
{
	struct source_node *node = node_type_create(&source->node_type);

	if (!node)
		return NULL;
	node->id = record->id;
	node->identity = record->identity;
	node->record = record;
	node->uses = record->lookups + 1;
	node->name = strdup(record->names[record->name]);
	if (node->name && enter_node(source, node))
		return node;
	destroy(source, node);
	return NULL;
}

/* A directory has its reference until the last node in it has gone, so it is there. */
static void link_to_parent(struct source *source, struct source_node *node)
{
	node->parent = find_id(source, node->record->parent) ?: find_id(source, SOURCE_ROOT_ID);
	node->parent->uses++;
}

int source_restore(struct source *source)
{
	struct source_record *record = NULL;
	guard(mutex)(&source->lock);

	while ((record = table_next(source->records, record)))
		if (record != source->root_record && !restore_node(source, record))
			return -ENOMEM;
	while ((record = table_next(source->records, record)))
		if (record != source->root_record)
			link_to_parent(source, find_id(source, record->id));
	source->last_id = source->root_record->last_id;
	return 0;
}

void source_restore_end(struct source *source)
{
	struct source_record *record = NULL;
	guard(mutex)(&source->lock);

	while ((record = table_next(source->records, record)))
		if (record != source->root_record)
			put_locked(source, find_id(source, record->id));
}

/* Only regular files are opened: opening others can block, or have effects. */
int source_open_file(struct source *source, struct source_node *node)
{
	scope(fd) int fd = source_open(source, node);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return reopen_fd(fd, O_RDONLY);
}

/* --- the source as a whole -------------------------------------------------------- */

static int add_root(struct source *source)
{
	struct source_identity identity;
	struct stat st;

	source->last_id = SOURCE_ROOT_ID - 1;
	const int error = source_identify(source, source->root, &identity, &st);

	if (error)
		return error;
	source->dev = identity.dev;
	struct source_node *root = add_node(source, &identity);

	if (!root)
		return -ENOMEM;
	/* Never forgotten. */
	root->uses = UINT64_MAX / 2;
	source->root_record = root->record;
	record_node(source, root);
	record_publish(root->record);
	return 0;
}

int source_create(struct source **created, const struct source_options *options,
		  char why[static 256])
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return explain(why, -ENOMEM, "out of memory");
	source->origin = source->root = -1;
	source->node_type = options->node_type;
	source->records = options->records;
	pthread_mutex_init(&source->lock, NULL);
	fd_cache_init(&source->fds);
	int error = source_mount(source, options, why);

	if (!error) {
		error = add_root(source);
		if (error)
			explain(why, error, "cannot use source=%.128s: %s", options->directory,
				strerror(-error));
	}
	if (error)
		source_destroy(source);
	else
		*created = source;
	return error;
}

struct source_handover source_hand_over(const struct source *source)
{
	return (struct source_handover){source->origin, source->root};
}

static int restore_root(struct source *source)
{
	struct source_record *record = NULL;

	while ((record = table_next(source->records, record)) && record->id != SOURCE_ROOT_ID)
		;
	struct source_node *root = record ? restore_node(source, record) : NULL;

	if (!root)
		return record ? -ENOMEM : -EINVAL;
	root->uses = UINT64_MAX / 2;
	source->root_record = record;
	source->dev = root->identity.dev;
	return 0;
}

int source_take_over(struct source **created, const struct source_options *options,
		     const struct source_handover *handover)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	source->origin = handover->origin;
	source->root = handover->root;
	source->node_type = options->node_type;
	source->records = options->records;
	pthread_mutex_init(&source->lock, NULL);
	fd_cache_init(&source->fds);
	const int error = restore_root(source);

	if (error)
		source_destroy(source);
	else
		*created = source;
	return error;
}

int source_start(struct source *source)
{
	return fd_cache_start(&source->fds);
}

static void destroy_nodes(struct source *source)
{
	while (source->by_id) {
		struct source_node *node = *(struct source_node **)source->by_id;

		tdelete(node, &source->by_identity, compare_identities);
		tdelete(node, &source->by_id, compare_ids);
		destroy(source, node);
	}
}

void source_destroy(struct source *source)
{
	if (!source)
		return;
	fd_cache_finish(&source->fds);
	destroy_nodes(source);
	pthread_mutex_destroy(&source->lock);
	close_fd(source->root);
	close_fd(source->origin);
	free(source);
}

void source_show_acls(struct source *source, bool show)
{
	source->show_acls = show;
}
