// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One object: machine, settings, groups. Each value of each run is in it, and
 * null where a step was not taken.
 */
#include "machine.h"
#include "ratio.h"
#include "report.h"
#include "sample.h"

#include <errno.h>
#include <json.h>
#include <math.h>
#include <stdio.h>

static json_object *report, *reported_groups;

static void add_text(json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_number(json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static json_object *value_of(double value)
{
	return isfinite(value) ? json_object_new_double(value) : NULL;
}

static json_object *spread_object(struct spread spread)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "median", value_of(spread.median));
	json_object_object_add(object, "min", value_of(spread.min));
	json_object_object_add(object, "max", value_of(spread.max));
	return object;
}

static json_object *machine_object(const struct bench *bench)
{
	json_object *object = json_object_new_object();
	struct machine machine;

	machine_find(bench, &machine);
	add_text(object, "kernel", machine.kernel);
	add_text(object, "boot", machine.boot);
	add_text(object, "kind", machine.kind);
	add_text(object, "device", machine.device);
	add_text(object, "heaps", machine.heaps);
	add_text(object, "load", machine.load);
	add_text(object, "clock", machine.clock);
	add_number(object, "processors", machine.processors);
	add_number(object, "memory", machine.memory);
	json_object_object_add(object, "copy_ns_per_byte", value_of(bench->cpu_copy * 1e9));
	return object;
}

static json_object *settings_object(const struct settings *settings)
{
	json_object *object = json_object_new_object();

	add_number(object, "runs", settings->runs);
	add_number(object, "seed", settings->seed);
	add_number(object, "window", settings->window);
	add_text(object, "heap", settings->heap);
	add_text(object, "dir", settings->dir);
	return object;
}

void json_start(const struct bench *bench)
{
	report = json_object_new_object();
	reported_groups = json_object_new_array();
	json_object_object_add(report, "machine", machine_object(bench));
	json_object_object_add(report, "settings", settings_object(&bench->settings));
	json_object_object_add(report, "groups", reported_groups);
}

static json_object *new_group(const struct group *group)
{
	json_object *object = json_object_new_object();

	add_text(object, "name", group->name);
	json_object_array_add(reported_groups, object);
	return object;
}

void json_skip(const struct group *group, const char *reason)
{
	add_text(new_group(group), "skipped", reason);
}

static json_object *figure_object(const struct settings *settings, const struct figure *figure,
				  const double values[])
{
	json_object *object = spread_object(spread_of(values, settings->runs));
	json_object *all = json_object_new_array();

	for (unsigned i = 0; i < settings->runs; i++)
		json_object_array_add(all, value_of(values[i]));
	add_text(object, "figure", figure->name);
	add_text(object, "unit", figure->unit);
	json_object_object_add(object, "values", all);
	return object;
}

static json_object *row_object(const struct settings *settings, const struct group *group,
			       const struct lane *lane)
{
	json_object *object = json_object_new_object(), *figures = json_object_new_array();

	add_text(object, "row", lane->row->name);
	if (*lane->why)
		add_text(object, lane->failed ? "failed" : "skipped", lane->why);
	for (unsigned i = 0; group->figures[i].name && !*lane->why; i++)
		json_object_array_add(figures,
				      figure_object(settings, &group->figures[i], lane->values[i]));
	json_object_object_add(object, "figures", figures);
	return object;
}

static json_object *ratio_object(const struct ratio *ratio, struct spread spread)
{
	json_object *object = spread_object(spread);

	add_text(object, "what", ratio->what);
	add_text(object, "row", ratio->row);
	add_text(object, "against", ratio->against);
	add_text(object, "unit", ratio_is_speed(ratio) ? "times as fast" : "%");
	if (ratio->claim)
		add_text(object, "claim", ratio->claim);
	return object;
}

void json_group(const struct settings *settings, const struct group *group,
		const struct lanes *lanes)
{
	json_object *object = new_group(group);
	json_object *rows = json_object_new_array(), *ratios = json_object_new_array();
	struct spread spread;

	add_number(object, "size", settings->size);
	add_number(object, "count", settings->count);
	for (unsigned i = 0; i < lanes->count; i++)
		json_object_array_add(rows, row_object(settings, group, &lanes->lane[i]));
	for (const struct ratio *ratio = group->ratios; ratio && ratio->what; ratio++)
		if (ratio_find(settings, lanes, ratio, &spread))
			json_object_array_add(ratios, ratio_object(ratio, spread));
	json_object_object_add(object, "rows", rows);
	json_object_object_add(object, "ratios", ratios);
}

int json_end(const struct settings *settings)
{
	const int status = json_object_to_file_ext(settings->json, report, JSON_C_TO_STRING_PRETTY);
	const int error = errno;

	json_object_put(report);
	if (status)
		fprintf(stderr, "dmaheap-bench: can't write %s\n", settings->json);
	return status ? -(error ?: EIO) : 0;
}
