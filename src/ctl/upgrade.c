// SPDX-License-Identifier: GPL-2.0-or-later
/* upgrade: the daemon of a mount goes on as the program that is installed now. */
#include "ctl/ctl.h"
#include "ctl/info.h"
#include "util/mount_size.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* The daemon may miss a signal, and takes milliseconds. */
enum { ATTEMPTS = 100, WAIT_US = 100000 };

struct state {
	int64_t pid, upgrades, refused;
};

static int64_t number(json_object *info, const char *key)
{
	json_object *value;

	return json_object_object_get_ex(info, key, &value) ? json_object_get_int64(value) : -1;
}

/* Returns false if the mount does not tell. */
static bool read_state(const char *mountpoint, struct state *state)
{
	json_object *info = info_read(mountpoint);

	if (!info)
		return false;
	*state = (struct state){
		.pid = number(info, "pid"),
		.upgrades = number(info, "upgrades"),
		.refused = number(info, "upgrades_refused"),
	};
	json_object_put(info);
	return state->pid > 0 && state->upgrades >= 0;
}

static enum ctl_exit ask(const char *mountpoint, const struct state *before)
{
	struct state now = *before;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (kill((pid_t)before->pid, SIGUSR2))
			return ctl_fail("%s: cannot signal the daemon, process %d: %s", mountpoint,
					(int)before->pid, strerror(errno));
		usleep(WAIT_US);
		if (!read_state(mountpoint, &now))
			return ctl_fail("%s: the mount is gone", mountpoint);
		if (now.refused > before->refused)
			return ctl_fail("%s: the daemon cannot be upgraded while it is mounted; "
					"its log says why",
					mountpoint);
		if (now.upgrades > before->upgrades)
			return CTL_DONE;
	}
	return ctl_fail("%s: the daemon does not react; see its log", mountpoint);
}

enum ctl_exit ctl_upgrade(int argc, char *argv[])
{
	struct state state;
	char why[256];

	if (argc != 2) {
		ctl_fail("upgrade needs MOUNT; see: dmaheapctl --help");
		return CTL_USAGE;
	}
	if (mount_check(argv[1], why))
		return ctl_fail("%s", why);
	if (!read_state(argv[1], &state))
		return ctl_fail("%s: its daemon is too old to be upgraded while it is mounted",
				argv[1]);
	return ask(argv[1], &state);
}
