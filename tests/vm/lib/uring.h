/* SPDX-License-Identifier: GPL-2.0-or-later */
/* I/O by way of io_uring, without a library: one request, one answer. */
#ifndef URING_H
#define URING_H

#include <linux/io_uring.h>
#include <stddef.h>
#include <sys/types.h>

/* The bytes moved, or -errno, of the request; an earlier failure ends the test. */
ssize_t uring_do(int fd, enum io_uring_op op, void *buf, size_t len, off_t pos);

#endif
