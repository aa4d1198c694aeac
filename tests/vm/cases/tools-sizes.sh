#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Files of every length and shape arrive complete with every tool, in a buffer and back on
# the disk, and no byte of the old content is left.
#
# tags: long
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mounts.sh
. "$top/tests/vm/lib/mounts.sh"

disk=/data/ext4/sizes
mnt=$PWD/mnt
sizes=(0 1 511 4095 4096 4097 65537 1048575 $(((32 << 20) + 1)))
mebibyte=$((1 << 20))

by_cp() { cp "$1" "$2"; }
by_cat() { cat "$1" >"$2"; }
by_toybox_cp() { toybox cp "$1" "$2"; }
by_busybox_cp() { busybox cp "$1" "$2"; }
by_dd() { dd if="$1" of="$2" bs=70000 status=none; }

make_files() {
	local size
	mkdir -p "$disk"
	for size in "${sizes[@]}"; do
		head -c "$size" /dev/urandom >"$disk/$size"
	done
	head -c 5M /dev/urandom >"$disk/longer"
	for shape in all end middle; do
		truncate -s $((4 * mebibyte + 5)) "$disk/$shape"
	done
	dd if="$disk/longer" of="$disk/end" bs=1M count=1 conv=notrunc status=none
	dd if="$disk/longer" of="$disk/middle" bs=70001 count=9 seek=20 conv=notrunc status=none
}

# arrived FILE COPY: whole, and nothing behind it
arrived() {
	same "$1" "$2"
	[ "$(stat -c %s "$1")" = "$(stat -c %s "$2")" ] || fail "$2 has another size"
}

there_and_back() {
	local size
	for size in "${sizes[@]}"; do
		rm -f "$mnt/buf" "$disk/back"
		forget
		"by_$1" "$disk/$size" "$mnt/buf"
		arrived "$disk/$size" "$mnt/buf"
		"by_$1" "$mnt/buf" "$disk/back"
		arrived "$disk/$size" "$disk/back"
	done
}

# The bytes behind the end are zero, as extending the file shows.
zeros_behind() {
	local size
	size=$(stat -c %s "$1")
	truncate -s $((size + mebibyte)) "$1"
	tail -c "$mebibyte" "$1" | cmp - <(head -c "$mebibyte" /dev/zero)
}

over_longer_buffers() {
	local size
	for size in 0 1 4097 1048575; do
		cp "$disk/longer" "$mnt/buf"
		forget
		"by_$1" "$disk/$size" "$mnt/buf"
		arrived "$disk/$size" "$mnt/buf"
		zeros_behind "$mnt/buf"
	done
}

over_longer_files() {
	local size
	for size in 1 4097 1048575; do
		cp "$disk/$size" "$mnt/buf"
		cp "$disk/longer" "$disk/back"
		"by_$1" "$mnt/buf" "$disk/back"
		arrived "$disk/$size" "$disk/back"
		zeros_behind "$disk/back"
	done
}

# into_the_middle TO FROM, directories: the bytes around it stay
into_the_middle() {
	cp "$disk/longer" "$1/target"
	cp "$disk/longer" "$disk/model"
	cp "$disk/65537" "$2/source"
	dd if="$disk/65537" of="$disk/model" bs=4097 seek=100 conv=notrunc status=none
	dd if="$2/source" of="$1/target" bs=4097 seek=100 conv=notrunc status=none
	arrived "$disk/model" "$1/target"
	rm "$1/target" "$2/source"
}

holes() {
	local shape
	for shape in all end middle; do
		cp "$disk/longer" "$mnt/buf" # whose bytes must not show in the holes
		forget
		"by_$1" "$disk/$shape" "$mnt/buf"
		arrived "$disk/$shape" "$mnt/buf"
		"by_$1" "$mnt/buf" "$disk/back"
		arrived "$disk/$shape" "$disk/back"
	done
}

sparse_again() {
	cp "$disk/middle" "$mnt/buf"
	cp --sparse=always "$mnt/buf" "$disk/back"
	arrived "$disk/middle" "$disk/back"
	[ $(($(stat -c %b "$disk/back") * 512)) -lt $((2 * mebibyte)) ] ||
		fail "$(stat -c '%b blocks' "$disk/back")"
}

# The disk moves all but the ends of partial pages.
by_dma() {
	local size
	for size in "${sizes[@]}"; do
		[ "$size" -ge 4096 ] || continue
		rm -f "$mnt/buf"
		forget
		cp "$disk/$size" "$mnt/buf"
		by_disk "$mnt/buf" "$disk/$size"
	done
}

heap() {
	local tool
	mount_fs "$mnt" "$1"
	for tool in cp cat toybox_cp busybox_cp dd; do
		test_that "$1: any length arrives whole, and comes back, by $tool" \
			there_and_back "$tool"
		test_that "$1: nothing of a longer buffer is left by $tool" \
			over_longer_buffers "$tool"
		test_that "$1: nothing of a longer file is left by $tool" \
			over_longer_files "$tool"
		test_that "$1: holes are zeros over any old content, by $tool" holes "$tool"
	done
	test_that "$1: dd into a buffer keeps the bytes around it" \
		into_the_middle "$mnt" "$disk"
	test_that "$1: dd from a buffer keeps the bytes around it" \
		into_the_middle "$disk" "$mnt"
	test_that "$1: cp --sparse=always makes holes of a buffer's zeros" sparse_again
	if patched; then
		test_that "$1: cp goes by DMA at every length" by_dma
	else
		unable "$1: cp goes by DMA at every length" "a kernel without the series"
	fi
	umount "$mnt"
}

make_files
heap system
heap udmabuf
