// SPDX-License-Identifier: GPL-2.0-or-later
/* Groups one after the other; in a group, rows by turns. */
#include "bench.h"

#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A rival may fail, say at its limit of open files; what is measured may not. */
static void give_up(struct lane *lane, const char *what, int error)
{
	snprintf(lane->why, sizeof(lane->why), "%s: %s", what, strerror(-error));
	lane->failed = lane->row->place == MOUNT || lane->row->place == MOUNT_HUGE;
}

static void mount_lane(struct bench *bench, const struct group *group, struct lane *lane)
{
	char why[256];
	int error = place_mount(bench, lane->row->place, why);

	if (error) {
		snprintf(lane->why, sizeof(lane->why), "%s", why);
		return;
	}
	if (group->prepare && (error = group->prepare(bench, lane->row)))
		give_up(lane, "could not make its files", error);
}

static void unmount_lane(struct bench *bench, const struct lane *lane)
{
	place_unmount(&bench->places[lane->row->place]);
}

/* Run -1 warms up and is not kept. */
static void run_lane(struct bench *bench, const struct group *group, struct lane *lane, int run)
{
	double values[MAX_FIGURES] = {};

	if (group->fresh)
		mount_lane(bench, group, lane);
	if (*lane->why)
		return;
	int error = lane->row->run(bench, lane->row, values);

	if (error)
		give_up(lane, "could not do it", error);
	if (group->fresh)
		unmount_lane(bench, lane);
	for (unsigned i = 0; run >= 0 && i < MAX_FIGURES; i++)
		lane->values[i][run] = values[i];
}

/* Forth and back, so that a slow drift favours nobody. */
static void take_turns(struct bench *bench, const struct group *group, struct lanes *lanes)
{
	for (int run = group->fresh ? 0 : -1; run < (int)bench->settings.runs; run++)
		for (unsigned i = 0; i < lanes->count; i++)
			run_lane(bench, group,
				 &lanes->lane[run & 1 ? lanes->count - 1 - i : i], run);
}

static void choose_lanes(const struct settings *settings, const struct group *group,
			 struct lanes *lanes)
{
	lanes->count = 0;
	for (const struct row *row = group->rows; row->name; row++)
		if ((row->place != OTHER || settings->other) &&
		    (row->yardstick || is_wanted(settings, group, row)))
			lanes->lane[lanes->count++] = (struct lane){.row = row};
}

static int run_group(struct bench *bench, const struct group *group)
{
	static struct lanes lanes;
	bool failed = false;

	choose_lanes(&bench->settings, group, &lanes);
	for (unsigned i = 0; i < lanes.count && !group->fresh; i++)
		mount_lane(bench, group, &lanes.lane[i]);
	take_turns(bench, group, &lanes);
	for (unsigned i = 0; i < lanes.count; i++) {
		unmount_lane(bench, &lanes.lane[i]);
		failed |= lanes.lane[i].failed;
	}
	int error = report_group(&bench->settings, group, &lanes);

	return failed ? -EIO : error;
}

int run_all(struct bench *bench)
{
	int worst = 0;

	report_start(&bench->settings);
	for (const struct group *const *group = groups; *group; group++) {
		const char *reason = NULL;

		if (!is_wanted(&bench->settings, *group, NULL))
			continue;
		if ((*group)->unable)
			reason = (*group)->unable(bench);
		if (reason)
			report_skip(&bench->settings, *group, reason);
		else
			worst = run_group(bench, *group) ?: worst;
	}
	return worst;
}
