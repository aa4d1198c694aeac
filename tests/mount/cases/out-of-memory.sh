# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: process short
# timeout: 300
#
# Every single allocation of the daemon fails once, from its start to its end.
# A start fails with a message, an operation with an error, and no more.

[ -z "$(sanitizers)" ] || skip "sanitizers have allocators of their own"
mkdir source mnt
make_file source/file 300K
mnt=$work/mnt
printf '\0\0\0\0' >countdown

# set_countdown N: the N-th allocation from now on fails; 0: none
set_countdown() {
	# shellcheck disable=SC2059 # the format is the bytes
	printf "$(printf '\\x%02x\\x%02x\\0\\0' $(($1 & 255)) $(($1 >> 8)))" |
		dd of=countdown conv=notrunc status=none
}
is_reached() { cmp -s countdown <(printf '\0\0\0\0'); }

start() {
	FAIL_ALLOC=$work/countdown LD_PRELOAD=/usr/local/sbin/mount-tests/fail_alloc.so \
		dmaheapfs dmaheapfs "$mnt" -o "heap=shmem,size=64m,source=$work/source" 2>said
}

# --- start: status 0 or an error, never a signal, and a message
failed=0
for ((n = 1; ; n++)); do
	set_countdown "$n"
	status=0
	start || status=$?
	[ "$status" -lt 126 ] || fail "allocation $n: the start ended with status $status"
	if [ "$status" -eq 0 ]; then
		# a background process may have failed behind it: the mount is alive or gone
		reached=true
		is_reached || reached=false
		umount "$mnt" 2>/dev/null || true
		wait_until 10 eval '! pgrep dmaheapfs >/dev/null'
		$reached || break
	else
		[ -s said ] || fail "allocation $n: no message"
		failed=$((failed + 1))
	fi
	is_mounted "$mnt" && fail "allocation $n: it is still mounted"
	[ "$n" -lt 2000 ] || fail "no end"
done
[ "$failed" -gt 10 ] || fail "only $failed of $n failed starts: the library is not at work"

# --- operations: an error or none, and the daemon goes on
set_countdown 0
start
daemon=$(pgrep -o -x dmaheapfs)
until worker=$(worker_of "$daemon"); do
	sleep 0.02
done
echo precious >mnt/other
chmod 666 mnt/other
mkdir mnt/many
for i in {1..300}; do : >"mnt/many/file-with-a-name-$i"; done

copy_out() { cp mnt/other out; }
copy_in() { cp source/file mnt/copied; }
copy_source() { cp mnt/.source/file mnt/from-source; }
copy_within() { cp mnt/other mnt/within; }
load() { dmaheapctl load source/file mnt/loaded; }
save() { dmaheapctl save mnt/other saved; }
export_it() { dmaheapctl exec --memory 5=mnt/other -- true; }
list() { ls -l mnt/many; }
list_source() { ls -l mnt/.source; }
names() { mkdir mnt/dir && ln -s x mnt/dir/link && mv mnt/dir mnt/moved && rm -r mnt/moved; }
attributes() { setfattr -n user.a -v b mnt/other && getfattr -d mnt/other; }
show() { dmaheapctl status mnt && dmaheapctl status mnt/other; }
truncate_it() { truncate -s 100K mnt/big && fallocate -l 200K mnt/big; }

for operation in copy_out copy_in copy_source copy_within load save export_it list \
	list_source names attributes show truncate_it; do
	for ((n = 1; n < 400; n++)); do
		set_countdown "$n"
		"$operation" >/dev/null 2>&1 || [ $? -lt 124 ] || fail "$operation, allocation $n: hangs"
		reached=true
		is_reached || reached=false
		set_countdown 0
		is_gone "$worker" && fail "$operation, allocation $n: the daemon is gone"
		rm -rf mnt/copied mnt/from-source mnt/within mnt/loaded mnt/dir mnt/moved mnt/big
		$reached || break
	done
	assert_eq "$(timeout 10 cat mnt/other)" precious "after $operation"
done

# nothing is left of what failed
# also temporary names, whose removal failed
find mnt -mindepth 1 -delete
no_fds() { [ "$(find "/proc/$daemon/fd" | wc -l)" -le 12 ]; }
wait_until 5 no_fds
assert_eq "$(status inodes_used) $(status memory_used)" "1 0" "inodes and memory"
umount "$mnt"
wait_until 10 is_gone "$daemon"
