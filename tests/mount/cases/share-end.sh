# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short process
#
# A mount ends while clients request its memory.

# linger: a client that connects with a ticket and then stops
linger() {
	rm -f said
	share linger "$mnt/file" >said &
	client=$!
	wait_until 5 grep -q ok said
}

begin() {
	mount_fs heap=shmem
	printf text >"$mnt/file"
}

# the client dies, and all its resources are released
begin
linger
assert_fails busy umount "$mnt"
kill -KILL "$client"
wait "$client" || true
wait_until 2 umount "$mnt"
wait "$daemon"
unset "daemon_of[$mnt]"

# a lazy umount detaches the mount, and the mount ends with the client
begin
linger
umount -l "$mnt"
sleep 0.2
kill -0 "$daemon"
kill -KILL "$client"
wait "$client" || true
# the ticket's time need not be over
wait_until 3 is_gone "$daemon"
wait "$daemon"
unset "daemon_of[$mnt]"

# the daemon is told to end
begin
linger
kill -TERM "$daemon"
wait_until 5 is_gone "$daemon"
wait "$daemon"
unset "daemon_of[$mnt]"
kill "$client"
wait "$client" || true
is_mounted "$mnt" && fail "it is still mounted"

# or while many ask for the first ticket
ask_for_ever() {
	while [ "$(share memory-of "$mnt/file" 2>&1)" = fd ]; do :; done
}
for _ in 1 2 3 4 5; do
	begin
	for _ in 1 2 3 4; do
		ask_for_ever &
	done
	sleep 0.3
	kill -TERM "$daemon"
	wait_until 5 is_gone "$daemon"
	wait
	unset "daemon_of[$mnt]"
done
