# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short source
#
# Sources that can't be shown, and options that go together with none.

# refused WHY OPTIONS: no mount, status 32 (or $status), and one line that says why
status=32
refused() {
	local said got=0
	mkdir -p "$work/there"
	said=$(dmaheapfs "$work/there" -f -o "heap=shmem,$2" 2>&1) || got=$?
	assert_eq "$got" "$status" "status with $2"
	[[ $said == *"$1"* ]] || fail "said '$said', not '$1'"
	assert_eq "$(wc -l <<<"$said")" 1 "lines said"
	! is_mounted "$work/there" || fail "mounted with $2"
}

mkdir -p src there/below
touch file
refused "No such file or directory" source="$work/none"
refused "Not a directory" source="$work/file"
refused "is on the mountpoint" source="$work/there"
refused "is on the mountpoint" source="$work/there/below"
refused "is on the mountpoint" source="$work/src/../there"
ln -s there/below alias
refused "is on the mountpoint" source="$work/alias"
refused "whose files are not plain data" source=/proc
refused "whose files are not plain data" source=/sys

# another mount of ours is FUSE as any other, and a dead one no source at all
mount_fs '' "$work/other"
mkdir "$work/other/deep"
refused "source_fuse" source="$work/other"
refused "source_fuse" source="$work/other/deep"
echo text >"$work/other/deep/file"
mount_fs source="$work/other/deep",source_fuse "$work/mnt"
assert_same "$work/other/deep/file" "$mnt/.source/file"
cp "$mnt/.source/file" "$mnt/copy"
assert_same "$work/other/deep/file" "$mnt/copy"
# its own mount is seen by no view, as mounts below are not
umount_fs
umount_fs "$work/other"

status=1
refused "source_fuse needs source=DIR" source_fuse
refused "needs a value" source=
refused "needs a value" source

# a view from above the mountpoint is fine, and does not show the mount
mount_fs source="$work"
echo seen >"$mnt/buffer"
assert_eq "$(ls -A "$mnt/.source/mnt")" '' "the mountpoint in the view"
assert_fails "No such file" cat "$mnt/.source/mnt/.source"

# a read-only mount still shows its source
umount_fs
echo x >src/file
mount_fs ro,source="$work/src"
assert_same src/file "$mnt/.source/file"

# the filesystem of the source is busy while it is shown
umount_fs
mkdir disk
mount -t tmpfs none disk
mount_fs source="$work/disk"
assert_fails "busy" umount disk
umount_fs
umount disk
