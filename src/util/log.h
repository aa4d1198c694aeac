/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line per message, to stderr at first and to syslog once the daemon is in
 * the background. Safe from any thread.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

/* A request of the user failed. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* It succeeded, but not as well as it could have. */
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A warning for syslog, too, even while messages go to stderr. */
void log_for_record(const char *format, ...) __attribute__((format(printf, 1, 2)));

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Call it once, before any thread exists. */
void log_to_syslog(const char *program);

/* Closes the fd of the log. The next line opens another. */
void log_close(void);

#endif
