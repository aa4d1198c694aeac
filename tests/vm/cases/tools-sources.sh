#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cp from sources of every kind: the bytes are right and took the best path for that
# source, as the file's copy line says.
#
# tags: long
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mounts.sh
. "$top/tests/vm/lib/mounts.sh"

size=$(((8 << 20) + 77))
mnt=$PWD/mnt other=$PWD/other
buf=$mnt/buf
model=$PWD/model # on a tmpfs

# told PATTERN: matches the file's copy line, on a kernel with the series
told() {
	# shellcheck disable=SC2053 # a pattern
	! patched || [[ $(copied "$buf") == $1 ]] || fail "the file says: $(copied "$buf")"
}

# The same for a copy by the kernel, which counts those of dma-bufs.
told_copy() {
	if [ "$(getfattr --absolute-names --only-values -n user.dmaheap.heap "$mnt")" = system ]; then
		told "engine=copy_file_range $1"
	else
		told "engine=passthrough direct=unknown bytes=$size *"
	fi
}

from_disk() {
	cp "$model" "/data/$1/file"
	forget
	cp "/data/$1/file" "$buf"
	same "$model" "$buf"
	told_copy "direct=yes bytes=$size *"
	cp "$buf" "/data/$1/back"
	# btrfs has checksums, and the memory may change meanwhile
	! patched || [ "$1" = btrfs ] || [ "$(in_cache "/data/$1/back")" -le 65536 ] ||
		fail "the way back is cached"
	same "$model" "/data/$1/back"
}

# dmaheapctl says how the kernel copied, also where the kernel does not count
by_load() {
	cp "$model" /data/ext4/file
	sync
	forget
	dmaheapctl load /data/ext4/file "$buf"
	same "$model" "$buf"
	told "engine=copy_file_range direct=yes bytes=$size *"
	[ "$1" != system ] || ! patched ||
		[ "$(getfattr --absolute-names --only-values -n user.dmaheap.map "$buf")" = dmabuf ]
}

from_warm_file() {
	cp "$model" /data/ext4/file
	cat /data/ext4/file >/dev/null
	cp /data/ext4/file "$buf"
	same "$model" "$buf"
	told_copy "direct=no bytes=$size *page cache*"
}

from_tmpfs() {
	cp "$model" "$buf"
	same "$model" "$buf"
	told_copy "direct=no bytes=$size *page cache*"
}

from_overlay() {
	local lower=/data/ext4/lower
	mkdir -p "$lower" upper/{up,work} over
	mount -t tmpfs upper upper
	mkdir upper/{up,work}
	cp "$model" "$lower/file"
	mount -t overlay -o "lowerdir=$lower,upperdir=upper/up,workdir=upper/work" over over
	forget
	cp over/file "$buf"
	same "$model" "$buf"
	told_copy "direct=no bytes=$size *"
	cp "$buf" over/back
	same "$model" over/back
	umount over upper
}

within() {
	local before
	cp "$model" "$mnt/first"
	before=$(counter "$mnt" copies)
	cp "$mnt/first" "$buf"
	same "$model" "$buf"
	[ "$(counter "$mnt" copies)" -eq $((before + 1)) ] || fail "it was not one request"
	told "engine=daemon * reason=copied from another file of the mount"
	rm "$mnt/first"
}

# from another mount of ours, whose heap is $1
from_other() {
	mount_fs "$other" "$1"
	cp "$model" "$other/file"
	cp "$other/file" "$buf"
	same "$model" "$buf"
	cp "$buf" "$other/back"
	same "$model" "$other/back"
	umount "$other"
}

from_view() {
	mkdir -p view
	cp "$model" view/file
	mount_fs "$other" shmem "source=$PWD/view"
	cp "$other/.source/file" "$buf"
	same "$model" "$buf"
	umount "$other"
}

# of unknown length
from_proc() {
	cp /proc/cpuinfo "$buf"
	same /proc/cpuinfo "$buf"
	cat /proc/filesystems >"$buf"
	same /proc/filesystems "$buf"
}

from_pipe() {
	# shellcheck disable=SC2002 # a pipe is wanted
	cat "$model" | cat >"$buf"
	same "$model" "$buf"
	rm "$buf"
	[ -p fifo ] || mkfifo fifo
	cat "$model" >fifo &
	cat fifo >"$buf"
	same "$model" "$buf"
	told "engine=passthrough direct=unknown *"
}

from_device() {
	head -c "$size" /dev/zero >"$buf"
	cmp -n "$size" "$buf" /dev/zero
	[ "$(stat -c %s "$buf")" -eq "$size" ] || fail "$(stat -c %s "$buf") bytes"
	dd if=/dev/zero of="$buf" bs=4096 count=100 status=none
	cmp -n $((4096 * 100)) "$buf" /dev/zero
}

to_null() {
	cp "$model" "$buf"
	cat "$buf" >/dev/null
	# shellcheck disable=SC2002
	cat "$buf" | cmp - "$model"
}

# one TEXT FUNCTION [ARGUMENT...]: with no buffer there
one() {
	rm -f "$mnt"/*
	test_that "$@"
}

heap() {
	local fs
	mount_fs "$mnt" "$1"
	for fs in ext4 xfs btrfs; do
		one "$1: a cold file on $fs goes by DMA" from_disk "$fs"
	done
	one "$1: dmaheapctl load goes by DMA" by_load "$1"
	one "$1: a warm file is taken from the page cache" from_warm_file
	one "$1: a file on a tmpfs arrives" from_tmpfs
	one "$1: a file on an overlay arrives, and goes back" from_overlay
	one "$1: a copy within the mount is one request" within
	one "$1: files go to a mount of the other heap, and back" from_other "$2"
	one "$1: files go to a mount of the same heap, and back" from_other "$1"
	one "$1: a file in another mount's view of its source arrives" from_view
	one "$1: files of /proc arrive" from_proc
	one "$1: data from pipes arrives" from_pipe
	one "$1: devices are read" from_device
	one "$1: devices and pipes are written" to_null
	umount "$mnt"
}

head -c "$size" /dev/urandom >"$model"
heap system udmabuf
heap udmabuf system
