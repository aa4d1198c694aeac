// SPDX-License-Identifier: GPL-2.0-or-later
/* Drawings, by gnuplot: bars of a table's speeds, curves of what grows. */
#include "machine.h"
#include "report.h"
#include "sample.h"
#include "table.h"
#include "tools.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

/* Which figure the bars are of. */
static unsigned figure_of(const struct group *group)
{
	return group->style == STYLE_TABLE ? SPEED : 0;
}

static void write_head(FILE *plot, const struct settings *settings, const struct group *group,
		       unsigned figure)
{
	struct utsname system;

	uname(&system);
	fprintf(plot, "set terminal svg size 960,540 font 'sans,12' background '#ffffff'\n");
	fprintf(plot, "set output '%s/%s.svg'\n", settings->svg, group->name);
	fprintf(plot, "set title \"%s: ", group->name);
	print_what(plot, settings, group);
	fprintf(plot,
		"\\nLinux %s, medians of %u runs of one boot, whiskers from the least to the "
		"most\" noenhanced\n",
		system.release, settings->runs);
	fprintf(plot, "set ylabel '%s' noenhanced\nset yrange [0:*]\nset grid ytics\n",
		group->figures[figure].unit);
	fputs("set xtics noenhanced\nset border 3\nset tics nomirror\nset rmargin 12\n", plot);
}

static void write_lane(FILE *plot, const struct settings *settings, const struct lane *lane,
		       unsigned figure)
{
	const struct spread spread = spread_of(lane->values[figure], settings->runs);

	fprintf(plot, "\"%s\" %g %g %g\n", lane->row->name, spread.median, spread.min, spread.max);
}

static void draw_bars(FILE *plot, const struct settings *settings, const struct group *group,
		      const struct lanes *lanes)
{
	write_head(plot, settings, group, figure_of(group));
	fputs("$rows << end\n", plot);
	for (unsigned i = 0; i < lanes->count; i++)
		if (!*lanes->lane[i].why)
			write_lane(plot, settings, &lanes->lane[i], figure_of(group));
	fputs("end\nset xtics rotate by -50\nset boxwidth 0.7\nset style fill solid 0.6\nunset "
	      "key\n"
	      "plot $rows using 0:2:xtic(1) with boxes linecolor '#3465a4', "
	      "'' using 0:3:(0):($4-$3) with vectors nohead linewidth 2 linecolor '#000000'\n",
	      plot);
}

static void write_step(FILE *plot, const struct settings *settings, const struct figure *figure,
		       const double values[])
{
	const struct spread spread = spread_of(values, settings->runs);

	if (isnan(spread.median))
		fprintf(plot, "\"%s\" NaN NaN NaN\n", figure->name);
	else
		fprintf(plot, "\"%s\" %g %g %g\n", figure->name, spread.median, spread.min,
			spread.max);
}

static void draw_curves(FILE *plot, const struct settings *settings, const struct group *group,
			const struct lanes *lanes)
{
	const char *word = "plot";

	write_head(plot, settings, group, 0);
	for (unsigned i = 0; i < lanes->count; i++) {
		fprintf(plot, "$lane%u << end\n", i);
		for (unsigned j = 0; group->figures[j].name && !*lanes->lane[i].why; j++)
			write_step(plot, settings, &group->figures[j], lanes->lane[i].values[j]);
		fputs("end\n", plot);
	}
	fputs("set key outside below\nset xrange [-0.3:*]\n", plot);
	for (unsigned i = 0; i < lanes->count; i++) {
		if (*lanes->lane[i].why)
			continue;
		fprintf(plot,
			"%s $lane%u using 0:2:3:4:xtic(1) with yerrorlines linewidth 2 title '%s'",
			word, i, lanes->lane[i].row->name);
		word = ",";
	}
	fputc('\n', plot);
}

static bool is_empty(const struct lanes *lanes)
{
	for (unsigned i = 0; i < lanes->count; i++)
		if (!*lanes->lane[i].why)
			return false;
	return true;
}

int svg_group(const struct settings *settings, const struct group *group, const struct lanes *lanes)
{
	if (is_empty(lanes))
		return 0;
	if (!has_tool("gnuplot")) {
		fprintf(stderr,
			"dmaheap-bench: drawings need gnuplot: contrib/install-deps.sh bench\n");
		return -ENOENT;
	}
	if (mkdir(settings->svg, 0755) && errno != EEXIST)
		return -errno;
	FILE *plot = popen("gnuplot", "we");

	if (!plot)
		return -errno;
	(group->style == STYLE_GROWTH ? draw_curves : draw_bars)(plot, settings, group, lanes);
	return pclose(plot) ? -EIO : 0;
}
