# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# mount(8), an fstab, and the daemon in the background.
need_cmd mount.fuse3 findmnt

daemons() { pgrep -c -x dmaheapfs || true; }
no_daemons() { [ "$(daemons)" -eq 0 ]; }

mkdir a b "with space"
cat >table <<END
shmem    $work/a                  fuse.dmaheapfs  defaults,size=64m                    0 0
buffers  $work/b                  fuse.dmaheapfs  heap=shmem,mode=0750,gid=1000,nofail,noatime,nosuid,x-systemd.requires=x  0 0
label    $work/with\\040space     fuse.dmaheapfs  heap=shmem,noauto,user,ro            0 0
END

mount -T table "$work/a"
assert_eq "$(findmnt -n -o SOURCE,FSTYPE --mountpoint "$work/a" | tr -s ' ')" "shmem fuse.dmaheapfs" "findmnt"
assert_eq "$(df --output=size -k a | tail -n 1 | tr -d ' ')" 65536 "size"
assert_eq "$(getfattr --absolute-names --only-values -n user.dmaheap.heap a)" shmem "heap"
echo text >a/file
assert_eq "$(daemons)" 1 "daemons"

# the caller does not wait for the daemon, and the daemon keeps none of its files open
pid=$(pgrep -o -x dmaheapfs)
assert_eq "$(readlink "/proc/$pid/cwd")" / "the daemon's directory"
for fd in 0 1 2; do
	assert_eq "$(readlink "/proc/$pid/fd/$fd")" /dev/null "the daemon's fd $fd"
done

# mount -a mounts the other one, and never stacks
for _ in 1 2; do
	mount -T table -a
	assert_eq "$(_mounts | grep "^$work/")" "$work/a"$'\n'"$work/b" "mounts"
	assert_eq "$(daemons)" 2 "daemons"
done
assert_eq "$(stat -c '%a %g' b)" "750 1000" "the root of b"
findmnt -n -o OPTIONS --mountpoint "$work/b" | grep -q nosuid || fail "nosuid is lost"
assert_eq "$(cat a/file)" text "file in a"

mount -T table "$work/with space"
assert_fails "Read-only" touch "with space/file"
umount "$work/with space"
umount a
umount b
wait_until 5 no_daemons

# by its type alone, as root types it
mount -t fuse.dmaheapfs -o heap=shmem label a
echo text >a/file
assert_eq "$(findmnt -n -o SOURCE --mountpoint "$work/a")" label "source"
umount a
wait_until 5 no_daemons

# failure reaches mount(8), though the daemon goes to the background
fails_with() {
	local want=$1 status=0
	shift
	"$@" >stdout 2>stderr || status=$?
	assert_eq "$status" "$want" "status of $*"
	[ -s stderr ] || fail "nothing is said by $*"
	! is_mounted "$work/a" || fail "mounted by $*"
	no_daemons || fail "a daemon is left by $*"
}
fails_with 1 mount -t fuse.dmaheapfs -o heap=shmem,nonsense label a
fails_with 32 mount -t fuse.dmaheapfs -o heap=nothing label a
fails_with 32 mount -t fuse.dmaheapfs -o heap=shmem label missing
echo "label $work/a fuse.dmaheapfs heap=shmem,size=nonsense 0 0" >bad
fails_with 1 mount -T bad "$work/a"

# a daemon in the background that is asked to end unmounts
dmaheapfs label a -o heap=shmem
is_mounted "$work/a" || fail "it came back before it was mounted"
echo text >a/file
kill "$(pgrep -x dmaheapfs)"
wait_until 5 no_daemons
! is_mounted "$work/a" || fail "still mounted after SIGTERM"
