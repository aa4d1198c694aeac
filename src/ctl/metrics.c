// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/metrics.h"

#include "ctl/info.h"

#include <stdio.h>

/* Names have the units that Prometheus recommends; counters end in _total. */
static const struct metric {
	const char *key, *name, *type, *help;
} metrics[] = {
	{"memory_used", "memory_used_bytes", "gauge", "Memory of all buffers."},
	{"memory_limit", "memory_limit_bytes", "gauge", "The limit of memory_used_bytes."},
	{"memory_left_behind", "memory_orphaned_bytes", "gauge",
	 "Memory of removed files in dma-bufs that are still held."},
	{"inodes_used", "inodes_used", "gauge", "Files and directories."},
	{"inodes_limit", "inodes_limit", "gauge", "The limit of inodes_used."},
	{"open_files", "open_files", "gauge", "Open files and directories."},
	{"uptime", "uptime_seconds", "gauge", "Time since the mount."},
	{"restarts", "restarts_total", "counter", "Restarts of the serving process."},
	{"upgrades", "upgrades_total", "counter", "Upgrades of the daemon."},
	{"opens_passthrough", "opens_passthrough_total", "counter", "Opens for passthrough."},
	{"opens_daemon", "opens_daemon_total", "counter", "Opens for I/O through the daemon."},
	{"opens_cached", "opens_cached_total", "counter", "Opens for the page cache."},
	{"reads", "reads_total", "counter", "Reads that the daemon served."},
	{"read_bytes", "read_bytes_total", "counter", "Bytes of reads_total."},
	{"writes", "writes_total", "counter", "Writes that the daemon served."},
	{"written_bytes", "written_bytes_total", "counter", "Bytes of writes_total."},
	{"copies", "copies_total", "counter", "Copies between files of the mount."},
	{"copied_bytes", "copied_bytes_total", "counter", "Bytes of copies_total."},
	{"loads", "loads_total", "counter", "Copies between buffers and other files."},
	{"loads_direct", "loads_direct_total", "counter", "Those of loads_total by direct I/O."},
	{"loaded_bytes", "loaded_bytes_total", "counter", "Bytes of loads_total."},
};

/* In the value of a label, backslash, quote and newline are escaped. */
static void print_label(const char *name, const char *value)
{
	printf("%s=\"", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			putchar('\\');
		putchar(*value);
	}
	putchar('"');
}

static void print_sample(const struct metric *metric, json_object *info)
{
	printf("dmaheapfs_%s{", metric->name);
	print_label("mount", info_text(info, "mount"));
	putchar(',');
	print_label("heap", info_text(info, "heap"));
	printf("} %s\n", info_text(info, metric->key));
}

static void print_metric(const struct metric *metric, json_object *all)
{
	printf("# HELP dmaheapfs_%s %s\n# TYPE dmaheapfs_%s %s\n", metric->name, metric->help,
	       metric->name, metric->type);
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		json_object *info = json_object_array_get_idx(all, i);

		/* a daemon of an earlier version may have fewer */
		if (json_object_object_get_ex(info, metric->key, NULL))
			print_sample(metric, info);
	}
}

void metrics_print(json_object *all)
{
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		print_metric(&metrics[i], all);
}
