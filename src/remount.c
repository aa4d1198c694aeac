// SPDX-License-Identifier: GPL-2.0-or-later
#include "remount.h"

#include "util/compat.h"
#include "util/explain.h"
#include "util/mount_size.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* The flags in a list like "rw,nosuid", of which the last counts, and the access times. */
static struct mount_attr attributes_of(const struct options *options)
{
	static const struct {
		const char *on, *off;
		uint64_t flag;
	} flags[] = {
		{"ro", "rw", MOUNT_ATTR_RDONLY},
		{"nosuid", "suid", MOUNT_ATTR_NOSUID},
		{"nodev", "dev", MOUNT_ATTR_NODEV},
		{"noexec", "exec", MOUNT_ATTR_NOEXEC},
	};
	struct mount_attr attributes = {};
	char list[256], *rest = list, *word;

	snprintf(list, sizeof(list), "%s", options->mount_flags ?: "");
	while ((word = strsep(&rest, ",")))
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
			if (strcmp(word, flags[i].on) && strcmp(word, flags[i].off))
				continue;
			attributes.attr_set &= ~flags[i].flag;
			attributes.attr_clr |= flags[i].flag;
			if (!strcmp(word, flags[i].on))
				attributes.attr_set |= flags[i].flag;
		}
	if (options->nosymfollow)
		attributes.attr_set |= MOUNT_ATTR_NOSYMFOLLOW;
	if (options->noatime || options->strictatime) {
		attributes.attr_clr |= MOUNT_ATTR__ATIME;
		attributes.attr_set |=
			options->noatime ? MOUNT_ATTR_NOATIME : MOUNT_ATTR_STRICTATIME;
	}
	return attributes;
}

int remount(const struct options *options, char why[static 256])
{
	struct mount_attr attributes = attributes_of(options);
	const char *const mountpoint = options->mountpoint;
	int error = mount_check(mountpoint, why);

	if (!error && options->size)
		error = mount_resize(mountpoint, options->size, why);
	if (error || (!attributes.attr_set && !attributes.attr_clr))
		return error;
	if (mount_setattr(AT_FDCWD, mountpoint, 0, &attributes, sizeof(attributes)))
		return explain(why, -errno, "the flags of %s cannot be changed: %s", mountpoint,
			       strerror(errno));
	return 0;
}
