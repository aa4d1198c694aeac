# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: process short
#
# Copies that are killed, a daemon out of descriptors, a daemon told to end.
mount_fs size=512m

descriptors() { find "/proc/$daemon/fd" -mindepth 1 | wc -l; }
# the root stays open from its first use on
: >"$mnt/first"
rm "$mnt/first"
before=$(descriptors)

# a copy killed half-way has as many bytes as have arrived, and no others
slow_source() { head -c 30M source && sleep 60; }
make_file source 40M
for tool in cat dd; do
	if [ $tool = cat ]; then
		cat <(slow_source) >"$mnt/part" &
	else
		dd of="$mnt/part" bs=64K status=none < <(slow_source) &
	fi
	copy=$!
	has_30m() { [ "$(stat -c %s "$mnt/part" 2>/dev/null || echo 0)" -eq $((30 << 20)) ]; }
	wait_until 60 has_30m
	kill -KILL "$copy"
	wait "$copy" || true
	pkill -KILL -x sleep || true
	assert_eq "$(stat -c %s "$mnt/part")" $((30 << 20)) "size of the file that $tool left"
	cmp -n $((30 << 20)) source "$mnt/part"
	rm "$mnt/part"
	assert_eq "$(status memory_used)" 0 "memory in use after rm"
done
for _ in {1..10}; do
	cp source "$mnt/part" &
	copy=$!
	sleep "0.0$RANDOM"
	kill -KILL "$copy" 2>/dev/null || true
	wait "$copy" || true
	size=$(stat -c %s "$mnt/part" 2>/dev/null || echo 0)
	[ "$size" -eq 0 ] || cmp -n "$size" source "$mnt/part"
	rm -f "$mnt/part"
done
freed() { [ "$(status memory_used)" -eq 0 ]; }
wait_until 5 freed
has_before() { [ "$(descriptors)" -eq "$before" ]; }
wait_until 5 has_before

# the daemon has no descriptors left: a clear error, nothing lost, and it recovers
out_of_descriptors() {
	for i in {1..20}; do
		echo "$i" >"$mnt/$i"
		mkdir "$mnt/dir$i"
	done
	limit=$(($(descriptors) + 6))
	prlimit --pid "$worker" --nofile="$limit:$limit"
	held=()
	for i in {1..20}; do
		# a file that is open past the daemon costs none
		if { exec {fd}<"$mnt/dir$i"; } 2>complaint; then
			held+=("$fd")
		else
			grep -qE 'Too many open files in system' complaint || fail "it says: $(cat complaint)"
		fi
	done
	case ${#held[@]} in
	0 | 1 | 20) fail "${#held[@]} of 20 could be opened" ;;
	esac
	for fd in "${held[@]}"; do
		exec {fd}<&-
	done
	wait_until 5 has_before
	for i in {1..20}; do
		assert_eq "$(cat "$mnt/$i")" "$i" "file $i"
	done
	echo new >"$mnt/new"
	assert_eq "$(cat "$mnt/new")" new "a file written afterwards"
	rm -r "${mnt:?}"/*
}
# a dma-buf has one all the time
! has_holes || out_of_descriptors
umount_fs

# a daemon told to end unmounts (a shell's background ignores SIGINT)
for signal in TERM HUP; do
	mount_fs
	echo text >"$mnt/file"
	kill "-$signal" "$daemon"
	wait_until 5 is_gone "$daemon"
	! is_mounted "$mnt" || fail "still mounted after SIG$signal"
	wait "$daemon" || fail "status $? after SIG$signal"
	unset "daemon_of[$mnt]"
done

# unmounting one in use
mount_fs
exec {fd}>"$mnt/file"
assert_fails "busy" umount "$mnt"
echo text >&"$fd"
assert_eq "$(cat "$mnt/file")" text "content of a busy mount"
umount -l "$mnt"
echo more >&"$fd"
assert_eq "$(sys pwrite "$fd" 0 TEXT)" 4 "write after a lazy umount"
exec {fd}>&-
wait_until 5 is_gone "$daemon"
wait "$daemon" || fail "status $? after a lazy umount"
unset "daemon_of[$mnt]"
