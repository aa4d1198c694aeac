# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# uid_size= limits the files of each owner but root, by every way of writing.

[ "${DMAHEAPFS_TEST_HEAP:-shmem}" = shmem ] || skip "uid_size= is for shmem"
mkdir -p source mnt
make_file source/big 6M
if ! mount -t tmpfs -o usrquota,usrquota_block_hardlimit=4m tmpfs source 2>/dev/null; then
	assert_fails 'CONFIG_TMPFS_QUOTA' dmaheapfs x mnt -o heap=shmem,uid_size=4m
	is_mounted mnt && fail "it is mounted"
	skip "this kernel has no quotas of tmpfs"
fi
umount source
chmod -R a+rX source
mount_fs "size=64m,uid_size=4m,source=$work/source"
chmod 1777 mnt

limited() { # limited COMMAND...: as user 4001; fails, and leaves at most 4 MiB
	as_user 4001 "$@" 2>said && fail "more than 4 MiB: $*"
	grep -q 'quota exceeded' said || fail "said $(cat said): $*"
	# in blocks of 512 bytes
	[ "$(find mnt -user 4001 -printf '%b\n' | awk '{ s += $1 } END { print s + 0 }')" -le 8192 ] ||
		fail "more than 4 MiB are held: $*"
	find mnt -user 4001 -delete
}

limited cp source/big mnt/a
limited dd if=/dev/zero of=mnt/a bs=1M count=6
limited dd if=/dev/zero of=mnt/a bs=1M count=6 oflag=direct
limited cp mnt/.source/big mnt/a
limited fallocate -l 6M mnt/a
limited dmaheapctl load source/big mnt/a
limited sh -c 'head -c 3M /dev/zero >mnt/a1 && head -c 3M /dev/zero >mnt/a2'

# what is removed comes back, others and root have their own
as_user 4001 sh -c 'head -c 3M /dev/zero >mnt/a && rm mnt/a && head -c 3M /dev/zero >mnt/a'
as_user 4002 sh -c 'head -c 3M /dev/zero >mnt/b'
cp source/big mnt/roots
chown 4001 mnt/b 2>said && fail "4001 owns 6 MiB"
grep -q 'quota exceeded' said
