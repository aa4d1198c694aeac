# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: process short
#
# The daemon runs in a control group with less memory than size=. A caller, who
# is in another group, gets ENOSPC; the daemon is not killed.

[ "${DMAHEAPFS_TEST_HEAP:-shmem}" = shmem ] || skip "the memory is not charged to the daemon"
[ -z "$(sanitizers)" ] || skip "sanitizers have allocators of their own"
# version 1, else version 2
base=/sys/fs/cgroup/memory file=memory.limit_in_bytes
[ -d "$base" ] || base=/sys/fs/cgroup file=memory.max
group=$base/dmaheapfs-test.$$
# of a run that failed
rmdir "$base"/dmaheapfs-test.* 2>/dev/null || true
mkdir "$group" 2>/dev/null || skip "no control group can be made here"
(echo 64M >"$group/$file") 2>/dev/null || skip "no control group can be made here"
before=$base$(sed -nE 's/^([0-9]+:memory|0:):(.*)$/\2/p' /proc/self/cgroup | head -n 1)
[ -d "$before" ] || before=$base

# mount_in_group OPTIONS: the daemon is in the group, the test is not
mount_in_group() {
	echo $$ >"$group/cgroup.procs"
	mount_fs "$1"
	echo $$ >"$before/cgroup.procs"
	echo precious >mnt/other
}

survives() {
	assert_eq "$(cat mnt/other)" precious "after $1"
	is_gone "$worker" && fail "the daemon is gone after $1"
	rm -rf mnt/new mnt/files
}

mkdir source
make_file source/big 36M
mount_in_group "size=1g,nr_inodes=1m,source=$work/source"
grep -q 'control group may use 64.0 MiB' <<<"$(daemon_log)"
assert_fails 'No space left' fallocate -l 200M mnt/new
survives fallocate
mkdir mnt/new
cp mnt/.source/big mnt/new/1
assert_fails 'No space left' cp mnt/.source/big mnt/new/2
assert_same mnt/.source/big mnt/new/1
survives "copies from .source"
mkdir mnt/new
for i in 1 2 3; do
	# past the daemon it is charged to the caller
	cp source/big "mnt/new/$i" 2>/dev/null || ! passes_through
	cp "mnt/new/$i" "mnt/new/copy$i" 2>/dev/null || true
done
survives "copies within the mount"

# inodes, xattrs, many callers at once
fill() {
	local i
	mkdir -p mnt/files
	for i in {1..20000}; do
		: >"mnt/files/$1.$i" || return 0
	done
} 2>/dev/null
in_parallel 4 fill
survives "many empty files"
attributes() {
	local i
	mkdir -p mnt/files
	for i in {1..2000}; do
		: >"mnt/files/$1.$i" || return 0
		setfattr -n user.long -v "$(printf '%03000d' 0)" "mnt/files/$1.$i" || return 0
	done
} 2>/dev/null
in_parallel 4 attributes
survives "many attributes"
reserve() { fallocate -l 20M "mnt/new/$1" 2>/dev/null || true; }
mkdir mnt/new
in_parallel 40 reserve
survives "forty at once"
umount_fs
rmdir "$group"
