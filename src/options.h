/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line, `dmaheapfs [SOURCE] MOUNTPOINT [-o OPTION,…]`, typed by hand or passed by
 * mount(8). One table feeds the parser and --help, and tests compare the man page and the
 * completion with it.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "copy/copy.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct options {
	char *device; /* SOURCE; NULL: not given */
	char *mountpoint;
	char *heap; /* NULL: SOURCE if it is a heap, else auto */
	char *size; /* as written: bytes, k, m, g or % of the memory */
	char *nr_inodes;
	char *uid_size;
	char *uid_opens;
	char *uid_files;
	char *huge;
	char *mode;
	char *uid;
	char *gid;
	char *direct;
	char *threads;
	char *fsname;
	char *source; /* source=, the directory to show; NULL: none */
	bool source_fuse;
	bool allow_other;
	bool no_allow_other;
	bool remount;
	bool noatime;
	bool strictatime;
	bool nosymfollow;
	char *mount_flags; /* for the kernel, such as "ro,nosuid" */

	uint64_t size_bytes;	 /* of size=; default: half the memory, as for tmpfs */
	uint64_t inodes_limit;	 /* of nr_inodes= */
	uint64_t uid_size_bytes; /* of uid_size=; 0: none */
	uint64_t opens_limit;	 /* of uid_opens=; 0: not given */
	uint64_t names_limit;	 /* of uid_files= */
	mode_t mode_bits;
	uid_t uid_number;
	gid_t gid_number;
	enum copy_direct copy_direct;
	unsigned int copy_threads;

	bool fake;   /* -f of a mount helper: check the options, mount nothing */
	bool sloppy; /* -s of a mount helper: ignore unknown options that follow */
	bool foreground;
	bool debug;
	bool help;
	bool version;
};

/*
 * Parses the command line. 0, or -EINVAL or -ENOMEM with one line in @why. Call options_finish() in
 * either case.
 */
int options_parse(struct options *options, int argc, char *const argv[], char why[static 256]);
void options_finish(struct options *options);

void options_help(FILE *out);

#endif
