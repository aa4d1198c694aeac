# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
# shellcheck disable=SC2094 # a file may well be open twice
# shellcheck source=/dev/null
. "$here/compare.sh"
mount_both

owners_and_modes() {
	run touch file
	run mkdir dir
	run as_user 1000 touch theirs
	run as_user 1000 mkdir their-dir
	run as_user 1000 ln -s theirs their-link
	run as_user 1000 mkfifo their-pipe
	list
	run chmod 4755 file
	run chmod 2755 file
	run chmod 6711 theirs
	run as_user 1000 chmod 600 file
	run as_user 1000 chmod 6755 theirs
	run as_user 1000 chmod 1777 their-dir
	list
	run chown 1000:1001 file
	run chown -h 1001:1001 their-link
	run as_user 1000 chown 1001 file
	run as_user 1000 chgrp 1001 theirs
	run as_user 1000 chgrp 1000 file
	run chmod 0 file
	run as_user 1000 cat file
	run as_user 1001 sys open their-pipe rdwr 0
	run as_user 1001 touch their-dir/new
	run as_user 1001 rm -f theirs
	list
}

umasks() {
	local mask
	for mask in 000 002 022 027 077 0777; do
		umask "$mask"
		run touch "file$mask"
		run mkdir "dir$mask"
		run mkfifo "pipe$mask"
		passes_through && run sys with 3 . tmpfile+rdwr 666 sys link-fd 3 "tmp$mask"
		run as_user 1000 touch "their$mask"
		run sys mknod "special$mask" char 666
	done
	umask 022
	# a mode with set-id bits keeps to the umask as well
	run sys open setuid rdwr+creat+excl 6777
	run sys mknod setuid-pipe fifo 6777
	run sys mkdir setuid-dir 6777
	run as_user 1000 sys open their-setuid rdwr+creat+excl 6777
	passes_through && run as_user 1000 sys with 3 . rdwr+tmpfile 6777 sys link-fd 3 their-tmp
	run as_user 1000 sys mknod their-setuid-pipe fifo 6777
	run as_user 1000 sys mkdir their-setuid-dir 6777
	list
}

setgid_directories() {
	run mkdir shared
	run chgrp 2000 shared
	run chmod 2777 shared
	run touch shared/file
	run mkdir shared/dir
	run ln -s target shared/link
	run as_user 1000 touch shared/theirs
	run as_user 1000 mkdir shared/their-dir
	run as_user 1000 mkfifo shared/their-pipe
	run as_user 1000 sys open shared/their-setgid rdwr+creat 2777
	run setpriv --reuid 1000 --regid 1000 --groups 2000 sys open shared/member rdwr+creat 2777
	run setpriv --reuid 1000 --regid 1000 --groups 2000 sys mkdir shared/member-dir 2777
	run sys open shared/root rdwr+creat 2777
	passes_through && run as_user 1000 sys with 3 shared rdwr+tmpfile 2777 sys link-fd 3 shared/tmp
	list
	# a user outside the group loses the bit
	run touch member
	run chown 1000:2000 member
	run as_user 1000 chmod 2755 member
	show member
	run setpriv --reuid 1000 --regid 1000 --groups 2000 chmod 2755 member
	show member
}

set_id_bits_go_when_others_write() {
	local command
	for command in 'sys write 3 x' 'sys pwrite 3 100 x' 'sys ftruncate 3 1' 'sys ftruncate 3 100' \
		'sys fallocate 3 0 0 8192' 'sys fallocate 3 punch 0 4096' 'sys copy 4 0 3 0 5' \
		'sys sendfile 4 0 3 5' 'sys write 5 appended'; do
		rm -f target
		echo content >source
		echo text >target
		chown 1000:1000 target
		chmod 6777 target
		# shellcheck disable=SC2086 # words are wanted
		run as_user 1001 $command 3<>target 4<source 5>>target
		show target
	done
	chmod 6777 target
	run as_user 1001 sys truncate target 1
	show target
	chmod 6777 target
	run as_user 1001 sys open target rdwr+trunc 0
	show target
	# FUSE of 6.12 leaves a set-group-ID bit without the execute bit
	if printf '%s\n' 6.18 "$(uname -r)" | sort -CV; then
		chmod 2767 target
		run as_user 1001 sys write 3 x 3<>target
		show target
	fi
	chmod 6777 target
	run chown 1000 target
	show target
	chmod 6777 target
	run as_user 1000 chgrp 1000 target
	show target
}

capabilities_go_when_others_write() {
	local command
	for command in 'sys write 3 x' 'sys ftruncate 3 1' 'sys fallocate 3 0 0 8192'; do
		echo text >target
		chmod 777 target
		setfattr -n security.capability -v 0x0100000220040000000000000000000000000000 target
		run getfattr -e hex -n security.capability target
		# shellcheck disable=SC2086 # words are wanted
		run as_user 1001 $command 3<>target
		run getfattr -e hex -n security.capability target
	done
}

sticky() {
	mkdir -m 1777 sticky
	touch sticky/root
	as_user 1000 touch sticky/theirs
	as_user 1000 mkdir sticky/their-dir
	run as_user 1001 rm -f sticky/theirs
	run as_user 1001 rm -f sticky/root
	run as_user 1001 rmdir sticky/their-dir
	run as_user 1001 mv sticky/theirs sticky/mine
	run as_user 1001 touch sticky/new
	run as_user 1001 mv -f sticky/new sticky/theirs
	run as_user 1001 sys rename sticky/new sticky/theirs exchange
	run as_user 1001 ln sticky/theirs sticky/hard
	run as_user 1001 rm sticky/new
	run as_user 1000 rm sticky/theirs
	run rm sticky/root
	list
}

both owners_and_modes
both umasks
both setgid_directories
both set_id_bits_go_when_others_write
both capabilities_go_when_others_write
both sticky
