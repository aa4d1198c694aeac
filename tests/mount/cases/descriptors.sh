# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A file that the kernel knows but that is not open costs the daemon no descriptor,
# nor does an open one past the daemon; through it, one.
# tags: short process

descriptors() {
	local all=(/proc/"$daemon"/fd/*)
	echo ${#all[@]}
}

# RELEASE comes when close() is long back, and FORGET after rmdir()
has_at_most() { [ "$(descriptors)" -le "$1" ]; }

mount_fs
has_holes || skip "a dma-buf costs a descriptor"
# the directories used last stay open, this one here
mkdir mnt/dir
[ ! -e mnt/dir/none ]
before=$(descriptors)
for i in {1..200}; do
	echo "$i" >"mnt/dir/$i"
done
wait_until 5 has_at_most "$before"
for i in {1..200}; do
	mkdir "mnt/dir/dir$i"
	: >"mnt/dir/dir$i/file"
done
wait_until 5 has_at_most $((before + 16))
rm -r mnt/dir/dir*
wait_until 5 has_at_most "$before"

before=$(descriptors)
exec 8<mnt/dir/8
cost=1
! passes_through || cost=0
wait_until 5 has_at_most $((before + cost))
truncate -s 100 mnt/dir/7
fallocate -l 100 mnt/dir/8
wait_until 5 has_at_most $((before + cost))
rm -r mnt/dir
read -r line <&8
assert_eq "$line" 8 "content after the removal of an open file"
exec 8<&-
wait_until 5 has_at_most "$before"
