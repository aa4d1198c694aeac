// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/private_tmpfs.h"

#include "util/compat.h"
#include "util/explain.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The kernel's reason for a refused option is in the context's log, one line each. */
static int explain_refusal(char why[static 256], int context, const char *what, int error)
{
	char text[200];
	ssize_t length = read(context, text, sizeof(text) - 1);

	if (length <= 2)
		return explain(why, -error, "%s: %s", what, strerror(error));
	text[strcspn(text, "\n")] = '\0';
	text[length] = '\0';
	return explain(why, -error, "%s (the kernel says: %s)", what, text + 2);
}

static int set(int context, const struct tmpfs_option *option, char why[static 256])
{
	const enum fsconfig_command command =
		option->flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
	char what[128];

	if (!option->value && !option->flag)
		return 0;
	if (!fsconfig(context, command, option->key, option->value, 0) || option->optional)
		return 0;
	const int error = errno;

	snprintf(what, sizeof(what), "the option %s%s%s is not possible here", option->key,
		 option->value ? "=" : "", option->value ?: "");
	return explain_refusal(why, context, what, error);
}

int private_tmpfs(const struct tmpfs_option *options, unsigned int attributes, char why[static 256])
{
	scope(fd) int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int error = 0;

	if (context < 0)
		return explain(why, -errno, "cannot make a private tmpfs: %s%s", strerror(errno),
			       errno == EPERM ? "; run as root" : "");
	for (; options->key && !error; options++)
		error = set(context, options, why);
	if (error)
		return error;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return explain_refusal(why, context, "cannot make a private tmpfs", errno);
	const int mount =
		fsmount(context, FSMOUNT_CLOEXEC,
			MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | attributes);

	return mount < 0 ? explain(why, -errno, "cannot mount a private tmpfs: %s", strerror(errno))
			 : mount;
}

struct tmpfs_option private_tmpfs_huge(const char *huge)
{
	return (struct tmpfs_option){.key = "huge", .value = huge ?: "advise", .optional = !huge};
}

int private_tmpfs_root(int mount)
{
	const int root = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return root < 0 ? -errno : root;
}

int private_tmpfs_resize(int root, uint64_t bytes)
{
	scope(fd) int context = fspick(root, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, bytes);
	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "size", text, 0))
		return -errno;
	if (!fsconfig(context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0))
		return 0;
	/* The kernel's error for a size that is too small for what is there. */
	return errno == EINVAL ? -EBUSY : -errno;
}
