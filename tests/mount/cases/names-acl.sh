# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source=/dev/null
. "$here/compare.sh"
need_cmd getfacl setfacl
mount_both

access_lists() {
	echo secret >file
	chmod 600 file
	run as_user 1000 cat file
	run setfacl -m u:1000:r file
	run as_user 1000 cat file
	run as_user 1001 cat file
	run getfacl -cn file
	show file
	run chmod 0 file
	run getfacl -cn file
	run as_user 1000 cat file
	run chmod 640 file
	run as_user 1000 cat file
	run setfacl -b file
	run getfacl -cn file
	run as_user 1000 cat file
	run as_user 1000 setfacl -m u:1000:r file
}

default_lists() {
	mkdir dir
	run setfacl -d -m u:1000:rwx,g:2000:r,m::rwx dir
	for mask in 022 077 000; do
		umask "$mask"
		run touch "dir/file$mask"
		run mkdir "dir/dir$mask"
		run mkfifo "dir/pipe$mask"
		run sys open "dir/600-$mask" rdwr+creat 600
		run sys open "dir/6777-$mask" rdwr+creat 6777
		passes_through && run sys with 3 dir rdwr+tmpfile 666 sys link-fd 3 "dir/tmp$mask"
	done
	chmod 777 dir
	run as_user 1001 touch dir/theirs
	run as_user 1001 mkdir dir/their-dir
	run as_user 1001 sys open dir/their-6777 rdwr+creat 6777
	run getfacl -Rn dir
	list
	run setfacl -k dir
	run touch dir/plain
	run getfacl -n dir/plain
}

set_gid_stays_for_members() {
	mkdir dir
	chown 1000:2000 dir
	chmod 2775 dir
	run setfacl -m u:1001:rwx dir
	show dir
	run setpriv --reuid 1000 --regid 1000 --groups 2000 setfacl -m u:1002:rx dir
	show dir
	run as_user 1000 setfacl -m u:1003:rx dir
	show dir
	run as_user 1001 setfacl -m u:1003:rx dir
	run getfacl -cn dir
}

both access_lists
both default_lists
both set_gid_stays_for_members
