// SPDX-License-Identifier: GPL-2.0-or-later
/* Groups one after the other; in a group, rows by turns. */
#include "bench.h"
#include "pattern.h"
#include "report.h"
#include "table.h"
#include "tools.h"
#include "util/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int unable(struct bench *bench, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(bench->why, sizeof(bench->why), format, arguments);
	va_end(arguments);
	return UNABLE;
}

/*
 * A rival may fail, for example at its limit of open files. The program under test may
 * not, and wrong bytes are always an error.
 */
static void give_up(struct bench *bench, struct lane *lane, const char *what, int error)
{
	if (error == UNABLE)
		snprintf(lane->why, sizeof(lane->why), "%s", bench->why);
	else
		snprintf(lane->why, sizeof(lane->why), "%s: %s", what,
			 *bench->why ? bench->why : strerror(-error));
	*bench->why = '\0';
	lane->failed = error != UNABLE && (error == -EBADMSG || lane->row->place == NOWHERE ||
					   place_is_ours(lane->row->place));
}

static void mount_lane(struct bench *bench, const struct group *group, struct lane *lane)
{
	char why[256];
	int error = place_mount(bench, lane->row->place, why);

	if (error) {
		snprintf(lane->why, sizeof(lane->why), "%s", why);
		lane->failed = error != UNABLE && place_is_ours(lane->row->place);
		return;
	}
	if (group->prepare && (error = group->prepare(bench, lane->row)))
		give_up(bench, lane, "could not make its files", error);
}

/* Run -1 warms up and is not kept. */
static void run_lane(struct bench *bench, struct lane *lane, int run)
{
	double values[MAX_FIGURES] = {};

	if (*lane->why)
		return;
	int error = lane->row->run(bench, lane->row, values);

	if (error)
		give_up(bench, lane, "could not do it", error);
	for (unsigned i = 0; run >= 0 && i < MAX_FIGURES; i++)
		lane->values[i][run] = values[i];
}

static void shuffle(unsigned order[], unsigned count, uint64_t *state)
{
	for (unsigned i = count; i > 1; i--) {
		const unsigned j = draw(state) % i, kept = order[i - 1];

		order[i - 1] = order[j];
		order[j] = kept;
	}
}

/* Drawn, except for those whose turn is the first or the last. */
static void order_lanes(const struct lanes *lanes, uint64_t *state, unsigned order[])
{
	static const enum turn turns[] = {TURN_FIRST, TURN_ANY, TURN_LAST};
	unsigned count = 0;

	for (unsigned i = 0; i < 3; i++) {
		const unsigned start = count;

		for (unsigned j = 0; j < lanes->count; j++)
			if (lanes->lane[j].row->turn == turns[i])
				order[count++] = j;
		if (turns[i] == TURN_ANY)
			shuffle(order + start, count - start, state);
	}
}

/* A run of all rows can take hours. */
static void show_progress(const struct bench *bench, const struct group *group, int run)
{
	const bool terminal = isatty(STDERR_FILENO);

	fputs(terminal ? "\r\033[K" : "", stderr);
	if (run < 0)
		fprintf(stderr, "%s: warming up", group->name);
	else
		fprintf(stderr, "%s: run %d of %u", group->name, run + 1, bench->settings.runs);
	fputs(terminal ? "" : "\n", stderr);
}

static void take_turns(struct bench *bench, const struct group *group, struct lanes *lanes)
{
	unsigned order[MAX_ROWS];
	uint64_t state = bench->settings.seed;

	for (int run = -1; run < (int)bench->settings.runs; run++) {
		order_lanes(lanes, &state, order);
		show_progress(bench, group, run);
		for (unsigned i = 0; i < lanes->count; i++)
			run_lane(bench, &lanes->lane[order[i]], run);
	}
}

static void choose_lanes(const struct settings *settings, const struct group *group,
			 struct lanes *lanes)
{
	lanes->count = 0;
	for (const struct row *row = group->rows; row->name; row++)
		if (row->yardstick || is_wanted(settings, group, row))
			lanes->lane[lanes->count++] = (struct lane){.row = row};
}

static void empty_files(struct bench *bench)
{
	remove_tree(bench->files);
	mkdir(bench->files, 0755);
}

static int run_group(struct bench *bench, const struct group *group)
{
	static struct lanes lanes;
	bool failed = false;

	empty_files(bench);
	choose_lanes(&bench->settings, group, &lanes);
	for (unsigned i = 0; i < lanes.count; i++)
		mount_lane(bench, group, &lanes.lane[i]);
	take_turns(bench, group, &lanes);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	for (unsigned i = 0; i < lanes.count; i++) {
		place_unmount(&bench->places[lanes.lane[i].row->place]);
		failed |= lanes.lane[i].failed;
	}
	report_group(&bench->settings, group, &lanes);
	return failed ? -EIO : 0;
}

static int run_or_skip(struct bench *bench, const struct group *group)
{
	const struct settings asked = bench->settings;
	const char *reason = group->unable ? group->unable(bench) : NULL;
	int error = 0;

	bench->settings = settings_for(&asked, group);
	if (reason)
		report_skip(&bench->settings, group, reason);
	else
		error = run_group(bench, group);
	bench->settings = asked;
	return error;
}

static uint64_t memory_needed(const struct bench *bench)
{
	uint64_t most = 0;

	for (const struct group *const *group = groups; *group; group++) {
		const struct settings settings = settings_for(&bench->settings, *group);
		const uint64_t bytes = settings.size * settings.count;

		if (is_wanted(&settings, *group, NULL) && bytes > most)
			most = bytes;
	}
	return 2 * most;
}

#define CLOCK_NAME 32

static void read_clock_name(char name[static CLOCK_NAME])
{
	scope(fd) int file =
		open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		     O_RDONLY | O_CLOEXEC);
	const ssize_t length = file < 0 ? 0 : read(file, name, CLOCK_NAME - 1);

	name[length > 0 ? length : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

/* Figures timed by two clocks are void. */
static int check_clock(const char *before)
{
	char now[CLOCK_NAME];

	read_clock_name(now);
	if (!strcmp(now, before))
		return 0;
	fprintf(stderr,
		"dmaheap-bench: the kernel's clock was %s and is %s: these figures are void; boot "
		"it with clocksource=%s\n",
		before, now, now);
	return -EIO;
}

int run_all(struct bench *bench)
{
	char clock[CLOCK_NAME];
	int worst = touch_memory(memory_needed(bench));

	read_clock_name(clock);
	bench->cpu_copy = cpu_of_copy();
	report_start(bench);
	for (const struct group *const *group = groups; *group; group++)
		if (is_wanted(&bench->settings, *group, NULL))
			worst = run_or_skip(bench, *group) ?: worst;
	worst = check_clock(clock) ?: worst;
	return report_end(bench) ?: worst;
}
