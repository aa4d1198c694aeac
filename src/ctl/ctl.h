/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs of dmaheapctl, one file each; the table is in main.c. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

/* As usual for programs in a shell. */
enum ctl_exit {
	CTL_DONE = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	/* For the program of exec. */
	CTL_NOT_RUN = 126,
	CTL_NOT_FOUND = 127,
};

/* @argv[0] is the verb. Prints errors to stderr and returns the exit status. */
typedef enum ctl_exit ctl_verb(int argc, char *argv[]);

ctl_verb ctl_status;
ctl_verb ctl_ls;
ctl_verb ctl_heaps;
ctl_verb ctl_load;
ctl_verb ctl_save;
ctl_verb ctl_exec;
ctl_verb ctl_import;
ctl_verb ctl_resize;
ctl_verb ctl_upgrade;
ctl_verb ctl_salvage;

/* Prints one line to stderr, "dmaheapctl: …". Returns CTL_FAILED. */
enum ctl_exit ctl_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
