# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The data disks: sparse files with a fresh filesystem each, made once and
# copied for every run. Sourced by run.sh.

disk_size=12G
disk_filesystems=(ext4 xfs btrfs)

_make_disk() {
	local PATH=$PATH:/usr/sbin:/sbin # not every user has them
	truncate -s "$disk_size" "$2"
	case $1 in
	ext4) mkfs.ext4 -q -F -O quota "$2" ;;
	xfs) mkfs.xfs -q -f "$2" ;;
	btrfs) mkfs.btrfs -q -f "$2" >/dev/null ;;
	esac
}

# make_disks DIR: DIR/ext4.img and so on
make_disks() {
	# shellcheck disable=SC2154 # contrib/common.sh sets it
	local fs kept=$cache/disks-$disk_size

	mkdir -p "$kept"
	for fs in "${disk_filesystems[@]}"; do
		if [ ! -e "$kept/$fs.img" ]; then
			_make_disk "$fs" "$kept/$fs.$$"
			mv "$kept/$fs.$$" "$kept/$fs.img"
		fi
		cp --sparse=always "$kept/$fs.img" "$1/$fs.img"
	done
}
