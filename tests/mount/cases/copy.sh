# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short load

make_file source 8M
mount_fs
cp source "$mnt/buf0"
assert_same source "$mnt/buf0"
assert_eq "$(stat -c %s "$mnt/buf0")" $((8 << 20)) "st_size"
rm "$mnt/buf0"
umount_fs
