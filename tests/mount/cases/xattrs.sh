# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
# shellcheck source=/dev/null
. "$here/compare.sh"
need_cmd getfattr setfattr
mount_both

attributes() {
	touch file
	mkdir dir
	ln -s nowhere link
	mkfifo pipe
	for path in file dir link pipe; do
		run setfattr -h -n user.one -v 1 "$path"
		run setfattr -h -n trusted.two -v 22 "$path"
		run setfattr -h -n security.three -v 333 "$path"
		run setfattr -h -n other.four -v 4444 "$path"
		run getfattr -h -d -m - "$path"
	done
	run getfattr -n user.none file
	run setfattr -n user.one -v '' file
	run getfattr -n user.one file
	run setfattr -n user.binary -v 0x000102ff file
	run getfattr -e hex -n user.binary file
	run setfattr -x user.one file
	run setfattr -x user.one file
	run getfattr -d -m - file
	run as_user 1000 getfattr -d -m - file
	run as_user 1000 getfattr -n trusted.two file
	run as_user 1000 setfattr -n user.x -v 1 file
	chmod 666 file
	run as_user 1000 setfattr -n user.x -v 1 file
	run as_user 1000 setfattr -n trusted.x -v 1 file
	chmod 600 file
	run as_user 1000 getfattr -n user.x file
	run setfattr -n "user.$(printf '%0250d' 0)" -v long file
	run setfattr -n "user.$(printf '%0251d' 0)" -v longer file
	run setfattr -n user.big -v "$(printf '%060000d' 0)" file
	run getfattr -n user.big file
	run mv file moved
	run getfattr -n user.x moved
	run cp -a moved copy
	run getfattr -d -m - copy
	run ln copy hard
	run setfattr -n user.hard -v 1 hard
	run getfattr -n user.hard copy
}
both attributes

# the mount's attributes
echo text >"$mnt/file"
for path in "$mnt" "$mnt/file"; do
	assert_eq "$(getfattr --absolute-names --only-values -n user.dmaheap.heap "$path")" \
		"${DMAHEAPFS_TEST_HEAP:-shmem}" "heap"
	case $(getfattr --absolute-names --only-values -n user.dmaheap.dmabuf "$path") in
	no:\ ?* | yes*) ;;
	*) fail "dmabuf says neither yes nor no, and why" ;;
	esac
	assert_eq "$(getfattr --absolute-names -d -m - "$path")" "" "list of attributes"
done
assert_eq "$(getfattr --absolute-names --only-values -n user.dmaheap.capacity "$mnt/file")" \
	"$(getconf PAGESIZE)" "capacity of a small file"
fallocate -n -l 1M "$mnt/file"
assert_eq "$(getfattr --absolute-names --only-values -n user.dmaheap.capacity "$mnt/file")" \
	1048576 "capacity after the reservation"
assert_eq "$(as_user 1000 getfattr --absolute-names --only-values -n user.dmaheap.heap "$mnt")" \
	"${DMAHEAPFS_TEST_HEAP:-shmem}" "heap, as another user is told"
assert_fails "No such attribute" getfattr -n user.dmaheap.capacity "$mnt"
assert_fails "No such attribute" getfattr -n user.dmaheap.status "$mnt/file"
assert_fails "No such attribute" getfattr -n user.dmaheap.nonsense "$mnt/file"
assert_fails "not permitted" setfattr -n user.dmaheap.heap -v x "$mnt/file"
assert_fails "not permitted" setfattr -n user.dmaheap.new -v x "$mnt/file"
assert_fails "not permitted" setfattr -x user.dmaheap.heap "$mnt/file"

# cp -a and tar carry everything out and bring it back without a complaint
setfattr -n user.mine -v kept "$mnt/file"
mkdir -p out
{
	cp -a "$mnt/file" out/
	cp -a out/file "$mnt/back"
	rsync -aX "$mnt/file" "$mnt/synced"
	tar --xattrs -C "$mnt" -cf out.tar file
	mkdir "$mnt/untarred"
	tar --xattrs -C "$mnt/untarred" -xf out.tar
} 2>complaints
assert_eq "$(cat complaints)" "" "complaints"
for copy in back synced untarred/file; do
	assert_eq "$(getfattr --absolute-names --only-values -n user.mine "$mnt/$copy")" kept "user.mine of $copy"
done
