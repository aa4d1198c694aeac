/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file whose reads wait until they are told not to: on a FUSE mount of one
 * file, served on the raw device. Copies from it go through the page cache,
 * one request for each page or more of them.
 */
#ifndef SLOW_H
#define SLOW_H

#include <stddef.h>

struct slow_file {
	int fd; /* the file, open for reading */
	struct slow_shared *shared;
};

struct slow_file slow_create(const void *content, size_t len);
/* Only reads behind the first @at_once bytes wait. */
struct slow_file slow_create_behind(const void *content, size_t len, size_t at_once);
/* Wait until a read has reached the server. */
void slow_await_reader(struct slow_file *slow);
/* Answer that read and all that follow. */
void slow_answer(struct slow_file *slow);

#endif
