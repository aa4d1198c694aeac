# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Other releases of Debian, in directories: sourced, never run. Needs root and mmdebstrap.
#
#   chroot_make RELEASE DIR [PACKAGE...]   make DIR with these packages, whole or not at all;
#                                          one that is there is good enough
#   chroot_run DIR COMMAND...              run COMMAND in it, as root
#   chroot_run_offline DIR COMMAND...      the same without network
#   chroot_copy_tree DIR                   copy the source tree to DIR/dmaheapfs

chroot_make() {
	local release=$1 dir=$2 list
	shift 2
	[ ! -d "$dir" ] || return 0
	list=$(IFS=,; echo "$*")
	rm -rf "$dir.new" &&
	mmdebstrap --variant=minbase ${list:+--include="$list"} "$release" "$dir.new" &&
	mv "$dir.new" "$dir"
}

chroot_run() { _chroot_run "" "$@"; }
chroot_run_offline() { _chroot_run --net "$@"; }

# _chroot_run OPTION DIR COMMAND...: not by chroot(1) alone, within which there are no user
# namespaces
_chroot_run() {
	local option=$1
	shift
	# shellcheck disable=SC2016,SC2086 # for the shell inside; it may be none
	unshare --mount $option bash -euc '
		root=$1
		shift
		mount --bind "$root" "$root"
		for dir in proc dev sys; do
			mount --rbind "/$dir" "$root/$dir"
		done
		[ ! -e "$root/sys/class/net/lo" ] || ip link set lo up
		cd "$root"
		pivot_root . .
		umount -l .
		exec env -i HOME=/root LC_ALL=C.UTF-8 \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
	' chroot_run "$@"
}

# shellcheck disable=SC2154 # contrib/common.sh sets top
chroot_copy_tree() {
	rm -rf "$1/dmaheapfs" &&
	mkdir "$1/dmaheapfs" &&
	git -C "$top" ls-files -z --cached --others --exclude-standard |
		tar -C "$top" --null --ignore-failed-read -cf - -T - | tar -C "$1/dmaheapfs" -xf -
}
