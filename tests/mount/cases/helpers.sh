# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# The mount helpers, as mount(8) and busybox call them.
need_cmd busybox toybox

no_daemons() { ! pgrep -x dmaheapfs >/dev/null; }

mkdir a
install_helpers

# mounted WITH COMMAND...: COMMAND mounts, WITH unmounts
mounted() {
	local with=$1
	shift
	"$@"
	is_mounted "$work/a" || fail "not mounted by $*"
	echo text >a/file
	assert_eq "$(cat a/file)" text "a file, mounted by $*"
	$with umount "$work/a"
	wait_until 5 no_daemons
}

for with in '' busybox; do
	mounted "$with" $with mount -t fuse.dmaheapfs -o size=64m shmem "$work/a"
	mounted "$with" $with mount -t dmaheapfs -o size=64m,silent,iversion,mand shmem "$work/a"
done

# a line of fstab, by mountpoint and with all others
if [ -e /etc/fstab ]; then
	echo "shmem $work/a fuse.dmaheapfs size=64m,nosuid,nofail 0 0" >table
	mount --bind table /etc/fstab
	for with in '' busybox; do
		mounted "$with" $with mount "$work/a"
		mounted "$with" $with mount -a
	done
fi

# toybox calls no helpers
mounted toybox dmaheapfs shmem "$work/a" -o size=64m

# what mount(8) asks of a helper
helper=/sbin/mount.fuse.dmaheapfs
mounted '' "$helper" shmem "$work/a" -o rw,size=64m -v -n -s -t fuse.dmaheapfs
"$helper" shmem "$work/a" -f -o size=64m
! is_mounted "$work/a" || fail "mounted with -f"
assert_fails "nonsense" "$helper" shmem "$work/a" -f -o nonsense
"$helper" shmem "$work/a" -s -f -o nonsense,size=1m
assert_fails "nsenter" "$helper" shmem "$work/a" -N /proc/1/ns/mnt

[ ! -e /etc/fstab ] || umount /etc/fstab
remove_helpers
