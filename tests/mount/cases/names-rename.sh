# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
# shellcheck source=/dev/null
. "$here/compare.sh"
mount_both

flags() {
	echo one >one
	echo two >two
	run sys rename one two noreplace
	run sys rename one three noreplace
	run cat two three
	run sys rename two three exchange
	run cat two three
	run sys rename two missing exchange
	run sys rename missing two 0
	run sys rename missing two noreplace
	run sys rename two three exchange+noreplace
	mkdir dir
	echo in >dir/in
	run sys rename dir two exchange
	list
	run cat dir two/in
	run sys rename three gone whiteout
	run as_user 1000 sys rename gone three whiteout
	list
	run mv -n dir gone
	run cat gone
}

over_an_open_file() {
	echo old >target
	echo new >source
	exec {fd}<>target
	run mv source target
	run cat target
	run sys pread "$fd" 0 10
	run sys fstat "$fd"
	run sys pwrite "$fd" 4 more
	run sys ftruncate "$fd" 6
	run sys pread "$fd" 0 10
	run cat target
	list
	exec {fd}>&-
	list
}

over_a_hard_link_of_itself() {
	echo text >a
	run ln a b
	run sys rename a b 0
	run mv a b
	list
	run sys rename b b 0
	list
}

of_an_open_file() {
	echo text >a
	exec {fd}<>a
	run mv a b
	run sys write "$fd" TEXT
	run cat b
	run sys fstat "$fd"
	mkdir dir
	run mv b dir/c
	run sys write "$fd" more
	run cat dir/c
	exec {fd}>&-
}

kinds() {
	mkfifo pipe
	ln -s nowhere link
	sys mknod device char 600
	sys mknod socket socket 600
	touch file
	run sys rename pipe link 0
	run sys rename link device 0
	run sys rename socket file 0
	list
}

both flags
both over_an_open_file
both over_a_hard_link_of_itself
both of_an_open_file
both kinds
