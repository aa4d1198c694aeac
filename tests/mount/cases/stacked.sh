# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Other filesystems on top of ours: an overlay, and a disk image.
mount_fs size=256m
mkdir low "$mnt/up" "$mnt/work" merged disk
echo low >low/low
echo gone >low/gone
if mount -t overlay -o "lowerdir=low,upperdir=$mnt/up,workdir=$mnt/work" overlay merged; then
	echo new >merged/new
	echo more >>merged/low
	rm merged/gone
	mv merged/new merged/moved
	mkdir merged/dir
	assert_eq "$(cat merged/low merged/moved)" $'low\nmore\nnew' "content of the overlay"
	assert_eq "$(ls merged)" $'dir\nlow\nmoved' "listing of the overlay"
	cp -a /etc/passwd merged/
	assert_same /etc/passwd "$mnt/up/passwd"
	umount merged
elif grep -qw overlay /proc/filesystems; then
	fail "no overlay on top"
fi
# as the lower layer of one
echo text >"$mnt/file"
mkdir up
if grep -qw overlay /proc/filesystems; then
	mount -t tmpfs upper up
	mkdir up/up up/work
	mount -t overlay -o "lowerdir=$mnt,upperdir=up/up,workdir=up/work" overlay merged
	echo more >>merged/file
	assert_eq "$(cat merged/file "$mnt/file")" $'text\nmore\ntext' "content above and below"
	umount merged up
fi

if [ -e /dev/loop-control ] && losetup -f >/dev/null 2>&1; then
	truncate -s 64M "$mnt/image"
	mkfs.ext4 -q "$mnt/image"
	mount -o loop "$mnt/image" disk
	cp -a /etc/. disk/etc
	diff -rq --no-dereference /etc disk/etc
	umount disk
	fsck.ext4 -fn "$mnt/image" >said 2>&1 || fail "the image is damaged: $(cat said)"
fi

# nor are there handles that an NFS server would keep, and find stale
passes_through || exit 0
/usr/bin/python3 - "$mnt/file" <<'PYTHON'
import ctypes, errno, os, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
handle, mount = ctypes.create_string_buffer(136), ctypes.c_int()
struct.pack_into("I", handle, 0, 128)
result = libc.name_to_handle_at(-100, os.fsencode(sys.argv[1]), handle, ctypes.byref(mount), 0)
assert result < 0 and ctypes.get_errno() == errno.EOPNOTSUPP, (result, ctypes.get_errno())
PYTHON
