// SPDX-License-Identifier: GPL-2.0-or-later
#include "report.h"

#include "tools.h"
#include "util/scope.h"

#include <errno.h>
#include <json.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static json_object *report, *reported_groups;

static void add_text(json_object *object, const char *key, const char *text)
{
	if (text)
		json_object_object_add(object, key, json_object_new_string(text));
}

static void add_number(json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static json_object *add_array(json_object *object, const char *key)
{
	json_object *array = json_object_new_array();

	json_object_object_add(object, key, array);
	return array;
}

void report_start(const struct bench *bench)
{
	const struct settings *settings = &bench->settings;
	double load = 0;

	getloadavg(&load, 1);
	report = json_object_new_object();
	add_number(report, "runs", settings->runs);
	add_number(report, "seed", settings->seed);
	add_number(report, "window", settings->window);
	add_text(report, "heap", settings->heap);
	add_text(report, "dir", settings->dir);
	json_object_object_add(report, "load", json_object_new_double(load));
	json_object_object_add(report, "copy_ns_per_byte",
			       json_object_new_double(bench->cpu_copy * 1e9));
	reported_groups = add_array(report, "groups");
}

static json_object *new_group(const struct settings *settings, const struct group *group)
{
	static const char *const styles[] = {[STYLE_LISTS] = "lists", [STYLE_TABLE] = "table"};
	json_object *object = json_object_new_object();
	scope(free) char *what = NULL;
	size_t size;
	FILE *out = open_memstream(&what, &size);

	if (out) {
		print_what(out, settings, group);
		fclose(out);
	}
	add_text(object, "name", group->name);
	add_text(object, "what", what);
	add_text(object, "style", styles[group->style]);
	add_number(object, "size", settings->size);
	add_number(object, "count", settings->count);
	json_object_array_add(reported_groups, object);
	return object;
}

void report_skip(const struct settings *settings, const struct group *group, const char *reason)
{
	add_text(new_group(settings, group), "skipped", reason);
}

static json_object *figure_object(const struct settings *settings, const struct figure *figure,
				  const double values[])
{
	json_object *object = json_object_new_object(), *all;

	add_text(object, "figure", figure->name);
	add_text(object, "unit", figure->unit);
	all = add_array(object, "values");
	for (unsigned i = 0; i < settings->runs; i++)
		json_object_array_add(all, json_object_new_double(values[i]));
	return object;
}

static json_object *row_object(const struct settings *settings, const struct group *group,
			       const struct lane *lane)
{
	json_object *object = json_object_new_object(), *figures;

	add_text(object, "row", lane->row->name);
	json_object_object_add(object, "yardstick", json_object_new_boolean(lane->row->yardstick));
	if (*lane->why)
		add_text(object, lane->failed ? "failed" : "skipped", lane->why);
	figures = add_array(object, "figures");
	for (unsigned i = 0; group->figures[i].name && !*lane->why; i++)
		json_object_array_add(figures,
				      figure_object(settings, &group->figures[i], lane->values[i]));
	return object;
}

static json_object *ratio_object(const struct ratio *ratio)
{
	static const char *const kinds[] = {[RATIO_SPEED] = "speed",
					    [RATIO_TOTAL] = "total",
					    [RATIO_CPU] = "cpu",
					    [RATIO_SAVED] = "saved"};
	json_object *object = json_object_new_object();

	add_text(object, "what", ratio->what);
	add_text(object, "kind", kinds[ratio->kind]);
	add_text(object, "row", ratio->row);
	add_text(object, "against", ratio->against);
	add_text(object, "claim", ratio->claim);
	return object;
}

void report_group(const struct settings *settings, const struct group *group,
		  const struct lanes *lanes)
{
	json_object *object = new_group(settings, group);
	json_object *rows = add_array(object, "rows"), *ratios = add_array(object, "ratios");

	for (unsigned i = 0; i < lanes->count; i++)
		json_object_array_add(rows, row_object(settings, group, &lanes->lane[i]));
	for (const struct ratio *ratio = group->ratios; ratio && ratio->what; ratio++)
		json_object_array_add(ratios, ratio_object(ratio));
}

static _Noreturn void become_script(const struct settings *settings, const char *json)
{
	execlp("python3", "python3", BENCH_SCRIPT, json, "--csv", settings->csv ?: "", "--svg",
	       settings->svg ?: "", NULL);
	fprintf(stderr, "dmaheap-bench: python3: %s\n", strerror(errno));
	_exit(127);
}

static int run_script(const struct settings *settings, const char *json)
{
	int status;

	fflush(NULL);
	const pid_t pid = fork();

	if (pid == 0)
		become_script(settings, json);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return status ? -EIO : 0;
}

int report_end(const struct bench *bench)
{
	const struct settings *settings = &bench->settings;
	char path[300];

	snprintf(path, sizeof(path), "%s/report.json", bench->work);
	const char *json = settings->json ?: path;
	const int status = json_object_to_file(json, report);
	const int error = errno;

	json_object_put(report);
	if (!status)
		return run_script(settings, json);
	fprintf(stderr, "dmaheap-bench: cannot write %s: %s\n", json, strerror(error));
	return -(error ?: EIO);
}
