# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: process source load
# timeout: 240
#A source on a FUSE filesystem that stops answering: copies from it wait, others do not,
#and when it answers again they are complete.
# waits, others do not, and when it answers again nothing is missing.
mkdir files fuse
for i in {1..6}; do
	make_file "files/hung$i" 12M
done
make_file files/good 5000001
gate=$work/gate
hanger "$work/files" "$gate" "$work/fuse" &
server=$!
wait_until 10 is_mounted "$work/fuse"

# good_copies_get_through NUMBER: that many, one after the other
good_copies_get_through() {
	local i
	for ((i = 1; i <= $1; i++)); do
		cp "$view/good" "$mnt/good$i"
		assert_same files/good "$mnt/good$i"
	done
	ls -l "$mnt" "$view" >/dev/null
}

# hang THREADS COPIES: that many hanging copies delay no other process
hang() {
	local i start copies=()

	rm -f "$gate" "$gate.waiting"
	mount_fs "source=$work/fuse,source_fuse,threads=$1"
	view=$mnt/.source
	for ((i = 1; i <= $2; i++)); do
		cp "$view/hung$i" "$mnt/hung$i" &
		copies+=($!)
	done
	wait_until 10 test -e "$gate.waiting"
	start=$SECONDS
	good_copies_get_through 3
	# by now all that can hang does
	sleep 1
	good_copies_get_through 3
	echo "threads=$1, $2 copies hang: $((SECONDS - start)) s"
	# hanger lets go after a minute
	[ $((SECONDS - start)) -lt 40 ] || fail "held up by $2 copies with threads=$1"

	touch "$gate"
	for i in "${!copies[@]}"; do
		wait "${copies[i]}" || fail "hung copy $((i + 1)) fails"
		assert_same "files/hung$((i + 1))" "$mnt/hung$((i + 1))"
	done
	umount_fs
}
# More than the threads that are there look for names in vain: the rest of the
# mount goes on.
look_in_vain() {
	local i start lookers=()

	rm -f "$gate" "$gate.waiting"
	mount_fs "source=$work/fuse,source_fuse"
	view=$mnt/.source
	for i in {1..40}; do
		stat "$view/lost$i" 2>/dev/null &
		lookers+=($!)
	done
	wait_until 10 test -e "$gate.waiting"
	sleep 1
	start=$SECONDS
	good_copies_get_through 3
	[ $((SECONDS - start)) -lt 20 ] || fail "delayed by hanging lookups"
	touch "$gate"
	for i in "${lookers[@]}"; do
		! wait "$i" || fail "a name that is not there is found"
	done
	umount_fs
}

hang 4 1
hang 4 6
hang 1 1
hang 1 6
look_in_vain

umount fuse
wait "$server"
