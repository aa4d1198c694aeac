# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: process short source load
#
# Signals are the first thread's, which waits for them: one that another
# thread took would not wake it, and the daemon would stay.

mkdir src
make_file src/file 5M
mount_fs source="$work/src"
cp "$mnt/.source/file" "$mnt/file"
assert_same src/file "$mnt/file"

# SIGHUP, SIGINT and SIGTERM as /proc has them
ending=$((1 << 0 | 1 << 1 | 1 << 14))
# those of them that a thread of the daemon has blocked
blocked() {
	echo $((0x$(sed -n 's/^SigBlk:\t*//p' "/proc/$worker/task/$1/status") & ending))
}

assert_eq "$(blocked "$worker")" 0 "blocked in the first thread"
others=0
for task in "/proc/$worker/task/"*; do
	thread=${task##*/}
	[ "$thread" != "$worker" ] || continue
	assert_eq "$(blocked "$thread")" "$ending" "blocked in the thread $(cat "$task/comm")"
	others=$((others + 1))
done
# libfuse's, the copies', the one that shares, the one that looks after pins
[ "$others" -ge 4 ] || fail "only $others threads besides the first"
