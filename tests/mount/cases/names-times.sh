# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
# shellcheck disable=SC2094 # a file may well be open twice
# shellcheck source=/dev/null
. "$here/compare.sh"
mount_both

nanoseconds() {
	run touch -d '2020-01-02 03:04:05.123456789' file
	times file
	run mkdir dir
	run touch -d '2030-01-02 03:04:05.000000001' dir
	run ln -s file link
	run touch -h -d '2010-01-02 03:04:05.999999999' link
	run mkfifo pipe
	run touch -d '2011-01-02 03:04:05.5' pipe
	times file dir link pipe
	run touch -r link file
	run touch -a -d '2012-01-02 03:04:05.25' file
	run touch -m -d '2013-01-02 03:04:05.75' file
	times file
	run cp -p file copy
	run cp -a link dir
	times copy
	run stat -c %y dir/link
	run touch -d '1960-01-02 03:04:05.123456789' file
	run touch -d '2500-01-02 03:04:05.123456789' copy
	times file copy
	run touch -d '1970-01-01 00:00:00.000000000 UTC' file
	times file
}

set_partly() {
	touch -d '2001-01-01 00:00:00.000000001' file
	run sys utimens file omit 1234567890.5
	times file
	run sys utimens file 1234567890.999999999 omit
	times file
	run sys utimens file omit omit
	times file
	run sys utimens file 1.1 2.2
	times file
	run moved file sys utimens file now omit
	run moved file sys utimens file omit now
	run sys utimens file 1.1000000000 1.1
	run sys utimens missing now now
}

not_by_others() {
	touch -d 2001-01-01 file open
	chmod 666 open
	run as_user 1000 sys utimens file now now
	run as_user 1000 sys utimens open now now
	run as_user 1000 sys utimens open 1.1 2.2
	run as_user 1000 sys utimens open now omit
	run as_user 1000 touch open
	chmod 0 file
	chown 1000 file
	run as_user 1000 sys utimens file 5.5 6.6
	times file
}

calls_that_move_times() {
	echo text >file
	echo 'ten bytes' >source
	mkdir dir other
	run moved file cat file
	run moved source cp source copied
	run moved file dd if=/dev/zero of=file bs=10 count=1 conv=notrunc status=none
	run moved file sys truncate file 100
	run moved file sys ftruncate 3 50 3<>file
	run moved file sys fallocate 3 0 0 100 3<>file
	run moved file sys fallocate 3 keep 0 100000 3<>file
	run moved file sys fallocate 3 punch 0 10 3<>file
	run moved file sys open file rdonly 0
	run moved file sys open file rdwr+trunc 0
	run moved file sys write 3 x 3>>file
	run moved file sys pread 3 0 1 3<file
	run moved file sys copy 4 0 3 0 10 3<>file 4<source
	run moved file chmod 600 file
	run moved file chown 1000 file
	run moved file setfattr -n user.x -v 1 file
	run moved file ln file hard
	run moved file rm hard
	run moved file mv file moved
	run moved moved mv moved file
	! passes_through || run moved file sys map 3 0 rw 3<>file
	run moved file mv -T other dir/other
	run moved dir touch dir/new
	run moved dir chmod 600 dir/new
	run moved dir ln dir/new dir/hard
	run moved dir mv dir/new dir/newer
	run moved dir rm dir/newer
	run moved dir mkdir dir/sub
	run moved dir touch dir/sub/below
	run moved dir ls dir
	run moved dir mv dir/hard .
	ln -s file link
	run moved link cat link
	run moved link readlink link
	# relatime: the second reading leaves no mark
	touch -m file
	run cat file
	sleep 0.02
	before=$(stat -c %x file)
	run cat file
	[ "$before" = "$(stat -c %x file)" ] && echo "no second mark"
	run sys with 3 file rdonly+noatime 0 sys pread 3 0 5
}

both nanoseconds
both set_partly
both not_by_others
# reading a dma-buf leaves no mark
! has_holes || both calls_that_move_times
