# SPDX-License-Identifier: GPL-2.0-or-later
#
# For cmake --toolchain: 32-bit ARM, by Debian's gcc-arm-linux-gnueabihf.
#
# The libraries are those of Debian's packages for armhf, installed here
# (dpkg --add-architecture armhf; apt install libfuse3-dev:armhf …), or in the directory
# -D DMAHEAPFS_SYSROOT=DIR.

set(CMAKE_SYSTEM_PROCESSOR arm)
set(triplet arm-linux-gnueabihf)
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
