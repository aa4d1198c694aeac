/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line per message: to stderr until the daemon has let go of its
 * terminal, to syslog from then on. Safe from any thread.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

/* Something the user asked for does not happen. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* It happens, but less well than it could. */
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* To be called once, before threads exist. */
void log_to_syslog(const char *program);

#endif
