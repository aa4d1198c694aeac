# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: source load
# timeout: 240
#
# Copies side by side: long ones starve neither ls nor short copies, signals
# end them, and two into one file leave one of the two there.

mkdir src
for i in {1..10}; do
	make_file "src/long$i" 48M
done
make_file src/short 300001
mount_fs source="$work/src"
view=$mnt/.source
free_memory() { stat -f -c %f "$mnt"; }

# ten long ones, again and again, and the mount answers meanwhile
long() {
	for _ in 1 2 3; do
		cp "$view/long$1" "$mnt/long$1" && cmp -s "src/long$1" "$mnt/long$1" || return
	done
	touch "$work/done$1"
}
watch() {
	local start worst=0 took n=0
	until [ "$(find "$work" -maxdepth 1 -name 'done*' | wc -l)" -eq 10 ]; do
		start=${EPOCHREALTIME/[.,]/}
		ls -l "$mnt" "$view" >/dev/null
		cp "$view/short" "$mnt/short"
		took=$((${EPOCHREALTIME/[.,]/} - start))
		[ "$took" -le "$worst" ] || worst=$took
		n=$((n + 1))
		sleep 0.02
	done
	echo "ls and a short copy, $n times: the slowest took $((worst / 1000)) ms"
	[ "$worst" -lt 3000000 ]
}
one() { if [ "$1" -le 10 ]; then long "$1"; else watch; fi; }
in_parallel 11 one
assert_same src/short "$mnt/short"

# two into one file: whole calls follow each other
same() {
	for _ in {1..10}; do
		dd if="$view/long$1" of="$mnt/same" bs=64M conv=notrunc status=none
	done
}
in_parallel 2 same
: >"$mnt/both"
copies() { cp "$view/long$1" "$mnt/both"; }
in_parallel 2 copies
cmp -s src/long1 "$mnt/both" || cmp -s src/long2 "$mnt/both" || fail "neither of the two"

# ended by a signal: the copy is a prefix, and the next copy works
for pause in 0 0.005 0.01 0.02 0.04 0.08; do
	rm -f "$mnt/killed"
	cp "$view/long1" "$mnt/killed" &
	pid=$!
	sleep "$pause"
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" || true
	[ ! -e "$mnt/killed" ] ||
		cmp -n "$(stat -c %s "$mnt/killed")" src/long1 "$mnt/killed" || fail "other bytes"
	cp "$view/long2" "$mnt/killed"
	assert_same src/long2 "$mnt/killed"
done

# room for less than one
rm "$mnt"/*
umount_fs
mount_fs size=40m,source="$work/src"
before=$(free_memory)
assert_fails "No space left on device" cp "$mnt/.source/long1" "$mnt/no-room"
cmp -n "$(stat -c %s "$mnt/no-room")" src/long1 "$mnt/no-room"
rm "$mnt/no-room"
assert_eq "$(free_memory)" "$before" "memory given back"
cp "$mnt/.source/short" "$mnt/short"
assert_same src/short "$mnt/short"

# the daemon is told to end in the midst of it
umount_fs
mount_fs source="$work/src"
for i in {1..10}; do
	cp "$mnt/.source/long$i" "$mnt/long$i" 2>/dev/null &
done
sleep 0.05
umount -l "$mnt"
kill "$daemon"
wait || true
