# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
# shellcheck source=/dev/null
. "$here/compare.sh"
mount_both

symlinks() {
	run ln -s target link
	run ln -s missing/away dangling
	echo text >target
	run cat link dangling
	run readlink link dangling
	show link
	run ln -sfn other link
	run readlink link
	run ln -s loop loop
	run cat loop
	long=$(printf '%04094d' 0)
	run sys symlink "$long" long
	show long
	[ "$(readlink long)" = "$long" ] && echo "all of it"
	run sys symlink "${long}0" longer
	run sys symlink "${long}00" too-long
	run sys symlink '' empty
	run sys symlink target link
	run chmod 600 link
	run sys open link rdonly+nofollow 0
	run chown -h 1000:1000 link
	show link
	mkdir dir
	run ln -s ../target dir/up
	run cat dir/up
	run ln -s dir dirlink
	run ls dirlink
	run rmdir dirlink
	run rm dirlink
	run ln -s "$PWD/target" absolute
	run cat absolute
	run as_user 1000 sys symlink x theirs
	show theirs
}

hard_links() {
	echo text >a
	run ln a b
	mkdir dir
	run ln a dir/c
	list
	[ "$(stat -c %i a)" = "$(stat -c %i dir/c)" ] && echo "one number"
	echo more >>dir/c
	run cat a b
	show a b dir/c
	run rm a
	show b
	run chmod 600 b
	show dir/c
	run ln dir dir2
	run ln missing x
	run ln b dir/c
	run ln -s b link
	run ln -P link hardlink
	run ln -L link followed
	list
	mkfifo pipe
	run ln pipe pipe2
	sys mknod device char 600
	run ln device device2
	list
	run as_user 1000 ln b theirs
	rm -r ./*
	list
	echo nothing left
}

many_links() {
	touch a
	for i in $(seq 200); do
		ln a "a$i"
	done
	show a
	rm a?*
	show a
}

special_files() {
	run mkfifo pipe
	cat pipe &
	echo through >pipe
	wait $!
	run sys mknod char char 640
	run sys mknod block block 640
	run sys mknod socket socket 640
	run sys mknod file file 640
	run sys mknod file file 640
	list
	run as_user 1000 sys mknod theirs char 640
	run as_user 1000 sys mknod theirs fifo 640
	run sys socket talk
	show talk
	run sys socket talk
	run rm talk
	run sys open pipe wronly+nonblock 0
	run sys open socket rdonly 0
	run sys truncate pipe 5
	run rm pipe char block
	list
}

both symlinks
both hard_links
both many_links
both special_files
