# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# The daemon is killed. Its stale mount is recognised and replaced by a new start, and
# open files keep their memory.

# unlike attributes, this is in nobody's cache; and what is below a mount, seen
# between a dead one and the next, is not FUSE
alive() { [ "$(stat -f -c %t "$mnt" 2>/dev/null)" = 65735546 ]; }
dead() { ! alive; }

mount_fs
echo text >"$mnt/file"
exec {open}<>"$mnt/file"
direct=false
! passes_through || [ "${DMAHEAPFS_TEST_HEAP:-shmem}" != shmem ] || direct=true
mkfifo fifo
cat fifo 2>writer.said >"$mnt/written" &
writer=$!
exec {feed}>fifo
wait_until 5 test -e "$mnt/written"
# mkdir(1), below, asks for these attributes, and gets them from a cache
stat "$mnt" >/dev/null
expect_death
kill -KILL "$daemon" "$worker"
wait_until 5 dead

# who writes past the daemon hears that all is lost
echo more >&"$feed"
exec {feed}>&-
wait "$writer" && fail "a writer was not told"
grep -q "not connected" writer.said
assert_fails "not connected" ls "$mnt"
assert_fails "not connected" stat -f "$mnt/file"
assert_fails "not connected" touch "$mnt/new"

# an open file whose data never passed the daemon
if $direct; then
	assert_eq "$(sys pread "$open" 0 4)" "text 4" "read from a dead mount's file"
	assert_eq "$(sys pwrite "$open" 0 TEXT)" 4 "write to it"
	assert_eq "$(sys pread "$open" 0 4)" "TEXT 4" "read again"
fi

# a new start replaces the dead mount
pid=$daemon
unset "daemon_of[$mnt]"
wait "$pid" || true
mount_fs
wait_until 5 alive
assert_eq "$(findmnt -n -o TARGET --kernel | grep -c "^.*$mnt\$")" 1 "mounts on $mnt"
assert_eq "$(ls -A "$mnt")" "" "listing of the new mount"
echo new >"$mnt/file"
assert_eq "$(cat "$mnt/file")" new "file in the new mount"
if $direct; then
	assert_eq "$(sys pread "$open" 0 4)" "TEXT 4" "read from the old mount's file"
fi
exec {open}>&-
daemon_log | grep -q "stale mount" || fail "nothing is logged about the stale mount"

# a mapping goes on working as well
kill_daemon() {
	kill -KILL "$daemon" "$worker"
	wait_until 5 dead
	dmaheapfs label "$mnt" -o heap=shmem
	head -c 4M /dev/zero | tr '\0' x >"$mnt/other"
}
export -f kill_daemon wait_until alive dead
export daemon worker mnt
expect_death
! $direct || keeper "$mnt/mapped" bash -c kill_daemon
unset "daemon_of[$mnt]"

# so does mount(8), and umount takes one away
pkill -KILL dmaheapfs
wait_until 5 dead
mount -t fuse.dmaheapfs -o heap=shmem label "$mnt"
echo text >"$mnt/file"
pkill -KILL dmaheapfs
wait_until 5 dead
umount "$mnt"
assert_eq "$(ls -A "$mnt")" "" "listing below"
