# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: load
#
# dmaheapctl load and save, cut short: soon, and with nothing half done.

make_file large 400M
mount_fs size=2g
echo old >"$mnt/replaced"
echo old >saved

# interrupt SIGNAL SECONDS COMMAND...: ends it, within a second, by that signal
interrupt() {
	local signal=$1 seconds=$2 status=0 pid begin
	shift 2
	# in the background a shell lets its children ignore SIGINT
	env --default-signal=INT,TERM,HUP "$@" &
	pid=$!
	sleep "$seconds"
	begin=${EPOCHREALTIME/[.,]/}
	kill -"$signal" "$pid" 2>/dev/null || true
	wait "$pid" || status=$?
	took=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
	[ "$status" -eq 0 ] || [ "$status" -eq $((128 + $(kill -l "$signal"))) ] ||
		fail "status $status: $*"
	# sanitized builds on a busy machine need longer to do nothing
	[ "$took" -lt 3000 ] || fail "took $took ms to end: $*"
	ended=$status
}

# names DIR: of all its files, in one line
names() { find "$1" -mindepth 1 -maxdepth 1 -printf '%P\n' | sort | xargs; }

unhurt() {
	assert_eq "$(cat "$mnt/replaced")" old "old content"
	assert_eq "$(names "$mnt")" "$1" names
	assert_eq "$(cat saved)" old "old content"
	assert_eq "$(names .)" "$names" names
}
names=$(names .)

# a source that has fallen silent
for signal in INT TERM HUP; do
	mkfifo ../silent
	exec 4<>../silent
	head -c 60000 /dev/zero >&4
	interrupt $signal 0.3 dmaheapctl load ../silent "$mnt/replaced"
	[ "$ended" -ne 0 ] || fail "there was no end to load"
	unhurt replaced
	interrupt $signal 0.3 dmaheapctl load ../silent "$mnt/new"
	unhurt replaced
	exec 4>&-
	rm ../silent
done

# a disk at work; it may be done before
for seconds in 0.02 0.05 0.1 0.2; do
	interrupt INT $seconds dmaheapctl load large "$mnt/new"
	if [ "$ended" -eq 0 ]; then
		assert_same large "$mnt/new"
		rm "$mnt/new"
	fi
	unhurt replaced
done
# the kernel lets go of files that were given up when the programs have ended
given_back() { [ "$(stat -f -c '%f' "$mnt")" = "$(($(stat -f -c '%b' "$mnt") - 1))" ]; }
wait_until 10 given_back

# in the middle of a checksum
sum=$(sha256sum large | cut -d ' ' -f 1)
interrupt INT 0.4 dmaheapctl load --checksum "sha256:$sum" large "$mnt/new"
rm -f "$mnt/new"
unhurt replaced

dmaheapctl load large "$mnt/large"
for seconds in 0.02 0.1; do
	interrupt INT $seconds dmaheapctl save "$mnt/large" saved
	if [ "$ended" -eq 0 ]; then
		assert_same large saved
		echo old >saved
	fi
	unhurt "large replaced"
done
# a reader that has fallen silent
mkfifo ../silent
exec 4<>../silent
interrupt INT 0.3 dmaheapctl save "$mnt/large" ../silent
[ "$ended" -ne 0 ] || fail "there was no end to save"
unhurt "large replaced"
exec 4>&-

# a signal that comes with a system call: before there is a name, nothing has
# changed; after it, all is done
# interrupt_at CALL,…[:WHAT-STRACE-INJECTS-TOO…] COMMAND...
interrupt_at() {
	local calls=${1%%:*} inject=$1:signal=INT status=0
	shift
	# whoever runs all this in the background lets it ignore SIGINT; and nobody
	# can be traced and look for leaks
	env --default-signal=INT ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" \
		strace -qq -o ../calls -e "trace=$calls" -e "inject=$inject" "$@" || status=$?
	grep -q SIGINT ../calls || fail "there was no $calls: $*"
	ended=$status
}
head -c 300K large >small
names=$(names .)
for target in replaced small; do
	interrupt_at linkat,renameat dmaheapctl load small "$mnt/$target"
	assert_eq "$ended" 0 "status of load with an existing name"
	assert_same small "$mnt/$target"
done
echo old >"$mnt/replaced"
# ThreadSanitizer keeps signals back until a thread waits
if [ "$(sanitizers)" != thread ]; then
	interrupt_at fsync dmaheapctl save "$mnt/small" saved
	assert_eq "$ended" 130 "status of save, interrupted in its sync"
	unhurt "large replaced small"
fi
interrupt_at linkat,renameat dmaheapctl save "$mnt/small" saved
assert_eq "$ended" 0 "status of save with an existing name"
assert_same small saved
echo old >saved
interrupt_at fsync:error=EINTR:when=2 dmaheapctl save "$mnt/small" saved
assert_eq "$ended" 0 "status of save, interrupted in the directory's sync"
assert_same small saved
rm "$mnt/small"

# a process that ignores SIGINT continues
(
	trap '' HUP
	dmaheapctl load large "$mnt/new" &
	kill -HUP $!
	wait $!
)
assert_same large "$mnt/new"
# killed, it leaves nothing either
dmaheapctl load large "$mnt/replaced" &
sleep 0.05
kill -KILL $! 2>/dev/null || true
wait $! || true
assert_eq "$(names "$mnt")" "large new replaced" names
