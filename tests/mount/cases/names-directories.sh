# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
# shellcheck source=/dev/null
. "$here/compare.sh"
mount_both

links_of_directories() {
	show .
	run mkdir -p a/b/c d
	list
	run rmdir a
	run rmdir a/b/c
	run mv a/b d
	list
	run sys rename a d exchange
	list
	run rmdir missing
	run touch file
	run rmdir file
	run sys unlink d
	run sys rmdir d/.
	run sys rmdir d/..
	run mkdir a
	run mkdir a/x/y
	run mkdir file/x
	list
	run rm -r a d
	show .
}

renames_of_directories() {
	run mkdir -p a/b empty full/x
	run sys rename a a/b/inside 0
	run sys rename a a/b 0
	run sys rename a full 0
	run sys rename a empty 0
	list
	run sys rename empty . 0
	run sys rename empty/. x 0
	run touch file
	run sys rename empty file 0
	run sys rename file empty 0
	run sys rename file empty exchange
	list
	run sys rename full full/x exchange
}

removed_while_in_it() {
	run mkdir -p a/b
	cd a/b || return
	run rmdir ../b
	run rmdir ../../a
	run stat -c '%F %h %A' .
	run sys open new creat+rdwr 644
	run sys mkdir new 755
	! passes_through || run sys open . tmpfile+rdwr 644
	run sys open . rdonly 0
	run ls -A .
	run ls -A ..
	run sys open .. rdonly 0
	run /bin/pwd
	cd ../.. && run /bin/pwd -P
}

replaced_while_in_it() {
	run mkdir old new
	run touch new/file
	cd old || return
	run sys rename ../new ../old 0
	run ls -A .
	run ls -A ../old
	run sys open x creat+rdwr 644
	run stat -c '%F %h %A' .
	run chmod 700 .
	run touch -d 2001-01-01 .
	times .
}

open_directory_outlives_its_name() {
	run mkdir dir
	run touch dir/file
	exec {fd}<dir
	run mv dir moved
	run ls "/proc/self/fd/$fd/"
	run rm -r moved
	run ls -A "/proc/self/fd/$fd/"
	run sys fstat "$fd"
	run sys open "/proc/self/fd/$fd/new" creat+rdwr 644
	exec {fd}<&-
}

dots() {
	run mkdir -p a/b
	run stat -c '%n %h' a/b/.. a/b/. .
	run ls -a a
	[ "$(stat -c %i a/b/..)" = "$(stat -c %i a)" ] && echo "the parent's number"
	[ "$(stat -c %i a)" = "$(find . -name a -printf '%i')" ] && echo "the same number in the listing"
	run ls a/b/../../a/./b
	run mv a/b/.. x
}

both links_of_directories
both renames_of_directories
both removed_while_in_it
both replaced_while_in_it
both open_directory_outlives_its_name
both dots
