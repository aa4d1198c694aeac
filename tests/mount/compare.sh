# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.sh and run.sh set them
#
# For cases whose answer a tmpfs knows: the same commands are run on a tmpfs
# and on a mount of ours, and what they print, errors included, must be the
# same.
#
#   mount_both [OPTIONS]  a tmpfs and ours, both with OPTIONS
#   both FUNCTION         run FUNCTION in an empty directory of each, which is
#                         everybody's, with umask 022, and compare
#
# In a FUNCTION every command may fail; it has:
#
#   run COMMAND...    print the command, its output and its status
#   show PATH...      their stat(2) without times and inode numbers
#   list              show all there is below the current directory
#   times PATH...     modification and access time
#   moved PATH COMMAND...  which of PATH's times COMMAND has changed

mount_both() {
	mkdir -p model
	mount -t tmpfs -o "size=2g,mode=1777${1:+,$1}" model "$work/model"
	# it goes with the namespace
	_mounts_before=$(_mounts)
	mount_fs "size=2g${1:+,$1}"
}

run() {
	local status=0
	printf '$ %s\n' "$*"
	"$@" || status=$?
	[ "$status" -eq 0 ] || printf '(status %s)\n' "$status"
}

show() { stat -c '%n: %F %A %u:%g links %h size %s blocks %b device %t,%T' -- "$@"; }

list() { find . -mindepth 1 -printf '%p\n' | sort | while read -r path; do show "$path"; done; }

times() { stat -c '%n: %y %x' -- "$@"; }

moved() {
	local path=$1 before after
	shift
	touch -h -d '2001-02-03 04:05:06.789' -- "$path"
	mapfile -t before < <(stat -c $'%x\n%y\n%z' -- "$path")
	# the clock of files ticks slowly
	sleep 0.02
	run "$@"
	mapfile -t after < <(stat -c $'%x\n%y\n%z' -- "$path")
	printf 'moved of %s:' "$path"
	[ "${before[0]}" = "${after[0]}" ] || printf ' atime'
	[ "${before[1]}" = "${after[1]}" ] || printf ' mtime'
	[ "${before[2]}" = "${after[2]}" ] || printf ' ctime'
	echo
}

_in() {
	local dir=$1
	shift
	(
		trap - ERR EXIT
		set +eEu +o pipefail
		mkdir -m 1777 "$dir"
		cd "$dir" || exit
		umask 022
		"$@"
	)
}

both() {
	local name=$1
	_in "$work/model/$name" "$@" >"$work/$name.model" 2>&1
	_in "$mnt/$name" "$@" >"$work/$name.ours" 2>&1
	sed -i "s#$work/model#ROOT#g" "$work/$name.model"
	sed -i "s#$mnt#ROOT#g" "$work/$name.ours"
	has_holes || sed -i 's/blocks [0-9]*/blocks -/' "$work/$name".{model,ours}
	[ -s "$work/$name.model" ] || fail "$name says nothing"
	diff -U 12 "$work/$name.model" "$work/$name.ours" || fail "$name: not as on a tmpfs"
}
