/* SPDX-License-Identifier: GPL-2.0-or-later */
/* strerrorname_np(3), which glibc has since 2.32, for the errors that tests meet. */
#ifndef ERROR_NAME_H
#define ERROR_NAME_H

#include <errno.h>
#include <stddef.h>

static inline const char *error_name(int error)
{
#define NAME(error)           \
	{                     \
		error, #error \
	}
	static const struct {
		int error;
		const char *name;
	} names[] = {
		NAME(E2BIG),	NAME(EACCES),	    NAME(EAGAIN),    NAME(EBADF),      NAME(EBUSY),
		NAME(EDQUOT),	NAME(EEXIST),	    NAME(EFAULT),    NAME(EFBIG),      NAME(EINTR),
		NAME(EINVAL),	NAME(EIO),	    NAME(EISDIR),    NAME(ELOOP),      NAME(EMFILE),
		NAME(EMLINK),	NAME(ENAMETOOLONG), NAME(ENFILE),    NAME(ENODATA),    NAME(ENODEV),
		NAME(ENOENT),	NAME(ENOEXEC),	    NAME(ENOMEM),    NAME(ENOSPC),     NAME(ENOSYS),
		NAME(ENOTCONN), NAME(ENOTDIR),	    NAME(ENOTEMPTY), NAME(EOPNOTSUPP), NAME(ENOTTY),
		NAME(ENXIO),	NAME(EPERM),	    NAME(EPIPE),     NAME(ERANGE),     NAME(EROFS),
		NAME(ESTALE),	NAME(ETIMEDOUT),    NAME(ETXTBSY),   NAME(EXDEV),
	};
#undef NAME

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].error == error)
			return names[i].name;
	return "another error";
}

#endif
