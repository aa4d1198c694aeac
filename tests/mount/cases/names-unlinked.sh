# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
# shellcheck source=/dev/null
. "$here/compare.sh"
mount_both

open_file_outlives_its_name() {
	head -c 100000 /dev/zero | tr '\0' x >file
	exec {fd}<>file
	run rm file
	run sys fstat "$fd"
	run sys pread "$fd" 99995 10
	run sys pwrite "$fd" 100000 tail
	run sys fstat "$fd"
	run sys ftruncate "$fd" 10
	run sys ftruncate "$fd" 50000
	run sys fallocate "$fd" 0 0 70000
	run sys fallocate "$fd" punch 0 4096
	! has_holes || run sys seek "$fd" data 0
	! has_holes || run sys seek "$fd" hole 4096
	run sys fstat "$fd"
	run chmod 600 "/proc/self/fd/$fd"
	run touch -d 2001-01-01 "/proc/self/fd/$fd"
	run chown 1000 "/proc/self/fd/$fd"
	run setfattr -n user.x -v 1 "/proc/self/fd/$fd"
	run getfattr --only-values -n user.x "/proc/self/fd/$fd"
	run sys fstat "$fd"
	# opened once more, though it has no name
	run sys pread 9 49995 10 9<"/proc/self/fd/$fd"
	run sys link-fd "$fd" again
	run ls -A
	echo new >file
	run sys fstat "$fd"
	run cat file
	run cmp -n 4 file "/proc/self/fd/$fd"
	exec {fd}>&-
}

one_of_two_names() {
	echo text >a
	ln a b
	exec {fd}<>a
	run rm a
	run sys fstat "$fd"
	run sys write "$fd" TEXT
	run cat b
	run rm b
	run sys fstat "$fd"
	exec {fd}>&-
	list
	echo empty
}

read_only_handle() {
	echo text >file
	exec {fd}<file
	rm file
	run sys pread "$fd" 0 10
	run sys pread 9 0 10 9<>"/proc/self/fd/$fd"
	run sys write 9 x 9<>"/proc/self/fd/$fd"
	run sys pread "$fd" 0 10
	exec {fd}>&-
}

other_kinds() {
	mkfifo pipe
	exec {fd}<>pipe
	rm pipe
	echo through >&"$fd"
	read -r line <&"$fd"
	echo "$line"
	run sys fstat "$fd"
	exec {fd}>&-
}

both open_file_outlives_its_name
both one_of_two_names
both read_only_handle
both other_kinds
