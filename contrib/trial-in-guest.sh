#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: contrib/trial-in-guest.sh FILE
#
# The part of contrib/try.sh --patched that runs in the guest of tests/vm/run.sh:
# from one of the guest's disks into a dma-buf, and back.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"
# shellcheck source=contrib/trial.sh
. "$top/contrib/trial.sh"

disk=/data/ext4
heap=/run/heap tmpfs=/run/tmpfs dir=/run file=$disk/file
cold=drop_caches

drop_caches() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}

prepare() {
	cp "$1" "$file"
	mkdir "$heap" "$tmpfs"
	"$top/build/dmaheapfs" dmaheapfs "$heap" -o heap=system 2>/run/said || die "$(</run/said)"
	mount -t tmpfs -o size=100% tmpfs "$tmpfs"
}

# cached FILE: how much of it the page cache has, in bytes
cached() { fincore --bytes --noheadings --output RES "$1" | tr -d ' '; }

show_way_back() {
	local kept
	printf 'cp %s/buf0 %s/back\n' "$heap" "$disk"
	drop_caches
	cp "$heap/buf0" "$disk/back"
	kept=$(cached "$disk/back")
	cmp "$file" "$disk/back" || die "what came back is not what went in"
	printf 'bytes: the same again, %d of them left in the page cache\n' "$kept"
	rm "$disk/back"
}

# how the copy went, by user.dmaheap.copy
copied() { getfattr --absolute-names --only-values -n user.dmaheap.copy "$heap/buf0"; }

# verdict LINE: LINE is the output of copied() after the copy in
verdict() {
	if [[ $1 != *' direct=yes '* ]]; then
		printf 'verdict: here the CPU has copied: %s\n' "${1#*reason=}"
		return
	fi
	printf 'verdict: with the patched kernel cp fills a dma-buf without a copy by the CPU,\n'
	printf '  at %s times the speed of cp to a tmpfs (this was the kernel as a process of this\n' \
		"$ratio"
	printf '  machine). How to patch that of a device is in kernel/README.md.\n'
}

main() {
	local line
	prepare "$1"
	show_copy
	line=$(copied)
	show_consumer
	show_way_back
	rm "$heap/buf0"
	show_speed
	verdict "$line"
	umount "$heap"
}

main "$@"
