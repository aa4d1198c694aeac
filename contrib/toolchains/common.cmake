# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the toolchain files of Debian's cross compilers share. They set triplet.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)

# CMake reads these files again when it tries a compiler, without the command line.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES DMAHEAPFS_SYSROOT)

set(ENV{PKG_CONFIG_LIBDIR}
  "${DMAHEAPFS_SYSROOT}/usr/lib/${triplet}/pkgconfig:${DMAHEAPFS_SYSROOT}/usr/share/pkgconfig")
if(DMAHEAPFS_SYSROOT)
  set(CMAKE_SYSROOT ${DMAHEAPFS_SYSROOT})
  set(ENV{PKG_CONFIG_SYSROOT_DIR} ${DMAHEAPFS_SYSROOT})
endif()
