// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/log.h"

#include "util/escape.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

static bool use_syslog;
static const char *ident;

/* @record: to syslog, too, if it is for stderr. */
static void emit(int priority, bool record, const char *format, va_list args)
{
	char text[1024], line[2048];

	vsnprintf(text, sizeof(text), format, args);
	escape(line, sizeof(line), text);
	if (!use_syslog)
		fprintf(stderr, "dmaheapfs: %s\n", line);
	if (use_syslog || record)
		syslog(LOG_DAEMON | priority, "%s", line);
}

#define DEFINE_LOG(name, priority, record)            \
	void name(const char *format, ...)            \
	{                                             \
		va_list args;                         \
                                                      \
		va_start(args, format);               \
		emit(priority, record, format, args); \
		va_end(args);                         \
	}

DEFINE_LOG(log_error, LOG_ERR, false)
DEFINE_LOG(log_warning, LOG_WARNING, false)
DEFINE_LOG(log_for_record, LOG_WARNING, true)
DEFINE_LOG(log_info, LOG_INFO, false)

void log_to_syslog(const char *program)
{
	ident = program;
	openlog(program, LOG_PID, LOG_DAEMON);
	use_syslog = true;
}

void log_close(void)
{
	closelog();
	if (use_syslog)
		openlog(ident, LOG_PID, LOG_DAEMON);
}
