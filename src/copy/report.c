// SPDX-License-Identifier: GPL-2.0-or-later
#include "copy/copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void copy_report_print(const struct copy_report *report, char line[static COPY_LINE_BYTES])
{
	const char *error = report->error ? strerrordesc_np(-report->error) : NULL;

	snprintf(line, COPY_LINE_BYTES,
		 "engine=%s direct=%s bytes=%" PRIu64 " seconds=%.6f reason=%s%s%s", report->engine,
		 report->direct ? "yes" : "no", report->bytes, report->seconds, report->reason,
		 error ? "; ended by: " : "", error ?: "");
}
