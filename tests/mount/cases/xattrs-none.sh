# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon remembers that a file has no extended attributes; not for longer
# than that is so.
# tags: short
need_cmd getfattr setfattr getfacl setfacl

capability=0x0100000200200000000000000000000000000000

get() { getfattr --only-values -n "$2" "$1" | od -An -tx1 | tr -d ' \n'; }

mount_fs
echo data >mnt/file
mkdir mnt/dir
mkfifo mnt/pipe
for name in file dir pipe; do
	for try in 1 2; do
		assert_fails "No such attribute" getfattr -n security.capability "mnt/$name"
	done
	setfattr -n security.capability -v "$capability" "mnt/$name"
	assert_eq "0x$(get "mnt/$name" security.capability)" "$capability" "try $try: $name"
done

setfattr -x security.capability mnt/dir
assert_fails "No such attribute" getfattr -n security.capability mnt/dir

# attributes that the kernel removes are gone and can be set again
echo more >>mnt/file
assert_fails "No such attribute" getfattr -n security.capability mnt/file
setfattr -n security.capability -v "$capability" mnt/file
assert_eq "0x$(get mnt/file security.capability)" "$capability" "set again"

# a new file has inherited attributes from the start
setfacl -d -m u:1002:rwx mnt/dir
: >mnt/dir/heir
getfacl -nc mnt/dir/heir | grep -q '^user:1002:rwx' || fail "$(getfacl -n mnt/dir/heir)"
