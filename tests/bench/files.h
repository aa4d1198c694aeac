/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many small files of one directory, by the system calls that programs make. */
#ifndef BENCH_FILES_H
#define BENCH_FILES_H

/* Seconds that each kind of call has taken, of all files together. */
struct file_costs {
	double create; /* open(O_CREAT | O_EXCL) */
	double write;
	double close;
	double stat; /* which the filesystem has to answer */
	double open;
	double read;
	double unlink;
	double cpu; /* of this process, in all calls */
};

/*
 * All work on @count files named PREFIX0, PREFIX1, … in the open directory
 * @dirfd, add to @costs and return 0 or -errno.
 */
int files_create(int dirfd, const char *prefix, unsigned count, struct file_costs *costs);
int files_remove(int dirfd, const char *prefix, unsigned count, struct file_costs *costs);

/* On @count of them taken at random from @population. */
int files_stat(int dirfd, const char *prefix, unsigned population, unsigned count,
	       struct file_costs *costs);
int files_read(int dirfd, const char *prefix, unsigned population, unsigned count,
	       struct file_costs *costs);

#define FILE_SIZE 4096

#endif
