# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# A mount that was made read-only, and one that became so.
mount_fs ro
assert_fails "Read-only" touch "$mnt/file"
assert_fails "Read-only" mkdir "$mnt/dir"
assert_fails "Read-only" ln -s x "$mnt/link"
assert_fails "Read-only" mkfifo "$mnt/pipe"
assert_fails "Read-only" chmod 700 "$mnt"
assert_fails "Read-only" cp /etc/passwd "$mnt/"
assert_eq "$(ls -A "$mnt")" "" "listing"
umount_fs

mount_fs
echo text >"$mnt/file"
dmaheapfs x "$mnt" -o remount,ro
assert_eq "$(cat "$mnt/file")" text "content"
assert_fails "Read-only" touch "$mnt/new"
assert_fails "Read-only" rm -f "$mnt/file"
assert_fails "Read-only" mv "$mnt/file" "$mnt/moved"
assert_fails "Read-only" truncate -s 0 "$mnt/file"
assert_fails "Read-only" dd if=/etc/passwd of="$mnt/file" conv=notrunc
assert_fails "Read-only" chmod 600 "$mnt/file"
assert_fails "Read-only" setfattr -n user.x -v 1 "$mnt/file"
dmaheapfs x "$mnt" -o remount,rw
echo more >>"$mnt/file"
assert_eq "$(cat "$mnt/file")" $'text\nmore' "content"
