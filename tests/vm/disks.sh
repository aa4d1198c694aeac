# shellcheck shell=bash
# The data disks: sparse files with a fresh filesystem each, made once and
# copied for every run. Sourced by run.sh.

disk_size=12G
disk_filesystems=(ext4 xfs btrfs)

_disk_tools() {
	local missing=() pair

	for pair in mkfs.ext4:e2fsprogs mkfs.xfs:xfsprogs mkfs.btrfs:btrfs-progs; do
		command -v "${pair%:*}" >/dev/null || missing+=("${pair#*:}")
	done
	[ ${#missing[@]} -eq 0 ] || DEBIAN_FRONTEND=noninteractive \
		apt-get install -qy --no-install-recommends "${missing[@]}" >&2
}

_make_disk() {
	truncate -s "$disk_size" "$2"
	case $1 in
	ext4) mkfs.ext4 -q -F -O quota "$2" ;;
	xfs) mkfs.xfs -q -f "$2" ;;
	btrfs) mkfs.btrfs -q -f "$2" >/dev/null ;;
	esac
}

# make_disks DIR: DIR/ext4.img and so on
make_disks() {
	local fs cache=${DMAHEAPFS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dmaheapfs}/disks-$disk_size

	mkdir -p "$cache"
	for fs in "${disk_filesystems[@]}"; do
		if [ ! -e "$cache/$fs.img" ]; then
			_disk_tools
			_make_disk "$fs" "$cache/$fs.$$"
			mv "$cache/$fs.$$" "$cache/$fs.img"
		fi
		cp --sparse=always "$cache/$fs.img" "$1/$fs.img"
	done
}
