# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# size= and the mount's flags change while files are in use, and no byte is lost.
need_cmd busybox findmnt

megabytes() { df -m --output=size mnt | tail -n 1 | tr -d ' '; }

mkdir mnt
mnt=$work/mnt
mount_fs size=32m
make_file mnt/file 20M
cp mnt/file same
exec 5<>mnt/file

# a larger one, during a copy that needs it
make_file big 60M
assert_fails 'No space left' cp big mnt/big
dmaheapctl resize mnt 200m
assert_eq "$(megabytes)" 200 "the size"
cp big mnt/big
cmp big mnt/big

# a smaller one, but for what is there
assert_fails 'more than 40m is in use' dmaheapctl resize mnt 40m
assert_eq "$(megabytes)" 200 "the size after a refusal"
rm mnt/big
dmaheapctl resize mnt 40m
assert_eq "$(megabytes)" 40 "the smaller size"
assert_fails 'No space left' cp big mnt/big
rm -f mnt/big

# whom it is not for, and what it is not of
assert_fails 'only root and the mounting user' as_user 4001 dmaheapctl resize mnt 100m
mkdir mnt/dir
assert_fails 'only of the mountpoint' dmaheapctl resize mnt/dir 100m
assert_fails 'not a dmaheapfs mount' dmaheapctl resize "$work" 100m
for size in 0 -1 4x '' 9999999999999t; do
	assert_fails 'is not a size' dmaheapctl resize mnt "$size"
done

# mount(8)'s remount, as the helper and as typed
option() { findmnt -n -o OPTIONS --mountpoint "$mnt" | tr , '\n' | grep -qx "$1"; }
install_helpers
mount -o remount,size=64m "$mnt"
assert_eq "$(megabytes)" 64 "the size by remount"
assert_fails 'busy' mount -o remount,ro "$mnt"
cmp same /proc/self/fd/5
exec 5>&-
mount -o remount,ro,noatime "$mnt"
for flag in ro noatime; do
	option "$flag" || fail "flags: $(findmnt -n -o OPTIONS --mountpoint "$mnt")"
done
assert_fails 'Read-only' touch mnt/new
mount -o remount,rw "$mnt"
touch mnt/new
if busybox true 2>/dev/null; then
	busybox mount -o remount,ro "$mnt"
	assert_fails 'Read-only' touch mnt/new
	busybox mount -o remount,rw "$mnt"
	touch mnt/new
fi
dmaheapfs label mnt -o remount,size=65m,nosuid,strictatime
option nosuid || fail "nosuid is not set"
assert_eq "$(megabytes)" 65 "the size by the command"
assert_fails 'is in use' dmaheapfs label mnt -o remount,size=10m
assert_fails 'not a dmaheapfs mount' dmaheapfs label "$work" -o remount,size=10m
remove_helpers

cmp same mnt/file
