# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
# shellcheck source=/dev/null
. "$here/compare.sh"
mount_both

flags() {
	echo content >file
	mkdir dir
	ln -s file link
	ln -s missing dangling
	run sys open file rdwr+creat+excl 644
	run sys open link rdwr+creat+excl 644
	run sys open dangling rdwr+creat+excl 644
	run sys open dangling rdwr+creat 600
	run sys open new rdonly+creat+excl 444
	run sys open dir rdwr 0
	run sys open dir rdonly+creat 0
	run sys open file rdonly+directory 0
	run sys open link rdonly+nofollow 0
	run sys open link path+nofollow 0
	run sys open file wronly+append 0
	run sys open file rdwr+direct 0
	run sys open missing rdwr 0
	run sys open file/ rdwr 0
	run sys open new/ rdwr+creat 644
	list
	run sys open file rdonly+trunc 0
	show file
	echo content >file
	run as_user 1000 sys open file rdwr 0
	run as_user 1000 sys open file rdonly+trunc 0
	run as_user 1000 sys open file rdonly+noatime 0
	run as_user 1000 sys open dir/new rdwr+creat 0
	run sys open no-rights rdwr+creat 0
	run as_user 1000 sys open their rdwr+creat 0
	run as_user 1000 sys open their rdwr 0
	list
	run sys with 3 file rdonly 0 sys write 3 x
	run sys with 3 file wronly 0 sys pread 3 0 5
	run sys with 3 file path 0 sys pread 3 0 5
	run sys with 3 file path 0 sys fstat 3
}

read_only_handle_made_writable() {
	# a new mode does not affect open files
	run sys with 3 file rdwr+creat+excl 400 sys write 3 text
	run as_user 1000 sys with 3 theirs rdwr+creat+excl 0 sys write 3 text
	list
	run cat file theirs
}

truncating() {
	head -c 100000 /dev/zero >file
	show file
	exec {fd}<>file
	run sys open file wronly+trunc 0
	run sys fstat "$fd"
	run sys write "$fd" text
	run cat file
	: >file
	run sys pread "$fd" 0 4
	show file
	exec {fd}>&-
}

direct() {
	run dd if=/dev/zero of=file bs=64K count=4 oflag=direct status=none
	run dd if=file of=/dev/null bs=64K iflag=direct status=none
	show file
	run dd if=/dev/zero of=file bs=1000 count=3 oflag=direct status=none
	show file
}

unnamed_files() {
	mkdir dir
	run sys with 3 dir tmpfile+rdwr 644 sys fstat 3
	run sys with 3 dir tmpfile+rdwr 640 sys link-fd 3 dir/named
	run sys with 3 dir tmpfile+wronly+excl 640 sys link-fd 3 dir/never
	run sys with 3 dir tmpfile+rdwr 640 sys link-fd 3 dir/named
	run sys with 3 dir tmpfile+rdonly 640 true
	run sys with 3 missing tmpfile+rdwr 640 true
	run sys with 3 dir tmpfile+rdwr 600 bash -c '
		sys write 3 text; sys ftruncate 3 8192; sys fstat 3; sys link-fd 3 linked; sys fstat 3
		sys pwrite 3 8192 end; ln linked again; rm linked; sys fstat 3'
	run tail -c 10 again
	chmod 700 dir
	run as_user 1000 sys with 3 dir tmpfile+rdwr 640 true
	run as_user 1000 sys with 3 . tmpfile+rdwr 640 sys link-fd 3 theirs
	list
}

locks() {
	touch file
	run flock -n file flock -n file echo never
	run flock -n file echo free
	run flock -sn file flock -sn file echo shared
}

both flags
both read_only_handle_made_writable
both truncating
both direct
! passes_through || both unnamed_files
both locks

# two that append at once: every line is there, and whole
append() { for ((i = 0; i < 500; i++)); do echo "$1 $i" >>"$mnt/log"; done; }
in_parallel 2 append
assert_eq "$(sort -u "$mnt/log" | wc -l)" 1000 "number of different lines"
assert_eq "$(wc -l <"$mnt/log")" 1000 "number of lines"

# one of several wins
exclusive() { ! mkdir "$mnt/lock" 2>/dev/null || echo "$1" >>won; }
in_parallel 8 exclusive
assert_eq "$(wc -l <won)" 1 "winners of mkdir"
create() { [ "$(sys open "$mnt/excl" rdwr+creat+excl 644)" != 0 ] || echo "$1" >>created; }
in_parallel 8 create
assert_eq "$(wc -l <created)" 1 "winners of O_EXCL"
