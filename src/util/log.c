// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/log.h"

#include "util/escape.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

static bool use_syslog;

static void emit(int priority, const char *format, va_list args)
{
	char text[1024], line[2048];

	vsnprintf(text, sizeof(text), format, args);
	escape(line, sizeof(line), text);
	if (use_syslog)
		syslog(priority, "%s", line);
	else
		fprintf(stderr, "dmaheapfs: %s\n", line);
}

#define DEFINE_LOG(name, priority)            \
	void name(const char *format, ...)    \
	{                                     \
		va_list args;                 \
                                              \
		va_start(args, format);       \
		emit(priority, format, args); \
		va_end(args);                 \
	}

DEFINE_LOG(log_error, LOG_ERR)
DEFINE_LOG(log_warning, LOG_WARNING)
DEFINE_LOG(log_info, LOG_INFO)

void log_to_syslog(const char *program)
{
	openlog(program, LOG_PID, LOG_DAEMON);
	use_syslog = true;
}
