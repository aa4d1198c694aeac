# SPDX-License-Identifier: GPL-2.0-or-later
#
# For cmake --toolchain: 64-bit ARM, by Debian's gcc-aarch64-linux-gnu.
#
# The libraries are those of Debian's packages for arm64, installed here
# (dpkg --add-architecture arm64; apt install libfuse3-dev:arm64 …), or in the directory
# -D DMAHEAPFS_SYSROOT=DIR.

set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(triplet aarch64-linux-gnu)
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
