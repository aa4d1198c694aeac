# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
# shellcheck disable=SC2094 # a file may well be open twice
# shellcheck source=/dev/null
. "$here/compare.sh"
mount_both size=16g

truncating() {
	head -c 10000 /dev/zero | tr '\0' x >file
	run truncate -s 5000 file
	run truncate -s 20000 file
	show file
	od -c file
	run truncate -s +1M file
	run truncate -s -100K file
	run truncate -s %4096 file
	show file
	run truncate -s 0 file
	run truncate -s 1 file
	show file
	od -c file
	run sys truncate file -1
	run sys ftruncate 3 5 3<file
	run sys ftruncate 3 5 3>>file
	mkdir dir
	run sys truncate dir 0
	run as_user 1000 sys truncate file 0
}

shrunk_and_grown_is_zero() {
	head -c 300000 /dev/zero | tr '\0' x >file
	exec {fd}<>file
	run sys ftruncate "$fd" 4097
	run sys ftruncate "$fd" 300000
	od -c file
	run sys ftruncate "$fd" 100
	run sys pwrite "$fd" 5000 end
	od -c file
	# a shorter copy over a longer file, and the longer one's size again
	head -c 300000 /dev/zero | tr '\0' x >file
	echo short >short
	run cp short file
	run truncate -s 300000 file
	od -c file
	exec {fd}>&-
}

reserving() {
	run fallocate -l 100000 file
	show file
	od -c file
	run fallocate -n -o 100000 -l 100000 file
	show file
	run fallocate -o 200000 -l 1 file
	show file
	echo text >small
	run fallocate -l 3 small
	show small
	run fallocate -n -l 1M small
	show small
	run truncate -s 5 small
	show small
	run sys fallocate 3 0 0 0 3<>small
	run sys fallocate 3 0 -1 10 3<>small
	run sys fallocate 3 0 0 -1 3<>small
	run sys fallocate 3 0 0 10 3<small
	run sys fallocate 3 collapse 0 4096 3<>file
	run sys fallocate 3 insert 0 4096 3<>file
	cat small
}

punching() {
	head -c 100000 /dev/zero | tr '\0' x >file
	run fallocate -p -o 4096 -l 8192 file
	show file
	od -c file
	run fallocate -p -o 100 -l 200 file
	run fallocate -p -o 90000 -l 100000 file
	run fallocate -p -o 200000 -l 4096 file
	show file
	od -c file
	run fallocate -d file
	show file
}

holes() {
	exec {fd}<>file
	run sys pwrite "$fd" 100000 far
	run sys pwrite "$fd" 20000 near
	for at in 0 1 4095 16384 20000 24576 98304 100000 100002 100003 200000 -1; do
		run sys seek "$fd" data "$at"
		run sys seek "$fd" hole "$at"
	done
	run sys seek "$fd" end 0
	run sys seek "$fd" end -5
	run sys seek "$fd" end -200000
	run sys fallocate "$fd" 0 50000 10000
	run sys seek "$fd" hole 20000
	run sys seek "$fd" data 30000
	show file
	run cp --sparse=always file sparse
	run cp --sparse=never file full
	run cp --sparse=auto file copy
	show sparse full copy
	run cmp file sparse
	run cmp file full
	run cmp file copy
	exec {fd}>&-
}

beyond_4_gib() {
	local fd
	exec {fd}<>file
	for at in 2147483647 4294967295 4294967296 6442450944; do
		run sys pwrite "$fd" "$at" "at $at"
		run sys pread "$fd" "$at" 20
		run sys fstat "$fd"
	done
	run sys seek "$fd" data 4294967307
	run sys seek "$fd" hole 4294967296
	run sys seek "$fd" data 0
	run sys ftruncate "$fd" 4294967298
	run sys pread "$fd" 4294967290 20
	run sys ftruncate "$fd" 5000000000
	run sys pread "$fd" 4294967290 20
	run sys fallocate "$fd" 0 5368709120 4096
	run sys fallocate "$fd" punch 4294967290 10
	run sys fstat "$fd"
	run truncate -s 0 file
	run truncate -s 5G file
	show file
	run dd if=/etc/os-release of=file bs=1M seek=5000 conv=notrunc count=1 status=none
	show file
	tail -c +5242880001 file | cmp - /etc/os-release && echo "the same"
	run cp --sparse=auto file copy
	show copy
	run cmp -i 5000000000 file copy
	exec {fd}>&-
}

max_offset() {
	local end=9223372036854775807 at
	echo text >file
	exec {fd}<>file
	for at in $end $((end - 1)) $((end - 4095)) $((end - 4096)) $((end - 8192)); do
		run sys pread "$fd" "$at" 10
		run sys seek "$fd" set "$at"
		run sys seek "$fd" data "$at"
		run sys fallocate "$fd" 0 "$at" 10
		run sys fallocate "$fd" punch "$at" 10
		run sys fallocate "$fd" 0 0 "$at"
		run sys map "$fd" "$((at & ~4095))" rw
		run sys copy "$fd" 0 "$fd" "$at" 4
		run sys copy "$fd" "$at" "$fd" 100 4
	done
	run sys pwrite "$fd" $end x
	run sys pwrite "$fd" $((end - 1)) xx
	run sys pwrite "$fd" -5 x
	run sys pread "$fd" -5 5
	run sys fstat "$fd"
	run sys pread "$fd" 0 10
	run sys pread "$fd" $((end - 5)) 10
	exec {fd}>&-
}

file_size_limit() {
	# SIGXFSZ is ignored, so that EFBIG is seen
	trap '' XFSZ
	ulimit -f 8
	run sys pwrite 3 8190 texts 3<>file
	run sys pwrite 3 8192 x 3<>file
	run sys truncate file 8193
	run sys fallocate 3 0 0 9000 3<>file
	run dd if=/dev/zero of=big bs=3000 count=5 status=none
	show file big
}

both truncating
both shrunk_and_grown_is_zero
both reserving
both punching
! has_holes || both holes
! has_holes || both beyond_4_gib
! has_holes || both max_offset
both file_size_limit

# tmpfs has no FALLOC_FL_ZERO_RANGE to compare with
head -c 100000 /dev/zero | tr '\0' x >"$mnt/file"
fallocate -z -o 4096 -l 8192 "$mnt/file"
assert_eq "$(stat -c %s "$mnt/file")" 100000 "size after zeroing inside"
assert_eq "$(tr -d 'x\n' <"$mnt/file" | wc -c)" 8192 "number of zeros"
fallocate -z -o 10 -l 20 "$mnt/file"
assert_eq "$(head -c 4096 "$mnt/file" | tr -d x | wc -c)" 20 "number of zeros in the first page"
fallocate -z -o 99000 -l 10000 "$mnt/file"
assert_eq "$(stat -c %s "$mnt/file")" 109000 "size after zeroing over the end"
assert_eq "$(tail -c 10000 "$mnt/file" | tr -d '\0' | wc -c)" 0 "nonzero bytes at the end"
fallocate -z -n -o 109000 -l 100000 "$mnt/file"
assert_eq "$(stat -c %s "$mnt/file")" 109000 "size after zeroing beyond, keeping it"
[ "$(stat -c %b "$mnt/file")" -ge $((200000 / 512)) ] || fail "nothing was reserved"
truncate -s 200000 "$mnt/file"
assert_eq "$(tail -c 91000 "$mnt/file" | tr -d '\0' | wc -c)" 0 "nonzero bytes in the reserved and zeroed part"
