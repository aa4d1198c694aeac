#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Capture and storage: a camera fills buffers of a mount, which it holds on to,
# and cp saves each frame meanwhile. $frames is how many (60).

set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mounts.sh
. "$top/tests/vm/lib/mounts.sh"

frames=${frames:-60}
mnt=$PWD/mnt
raw=/data/ext4/frame.raw
PATH=$top/build/vm:$PATH

# captured NTH: by that camera
captured() {
	local i
	for i in 0 1 2; do
		# one run of pages, as the camera with device mappings requires
		fallocate -l 1M "$mnt/frame$i"
	done
	export mnt raw
	# shellcheck disable=SC2016 # for the shells inside
	dmaheapctl exec 3="$mnt/frame0" 4="$mnt/frame1" 5="$mnt/frame2" -- \
		camera "$1" "$frames" "$raw" 'cp "$mnt/frame$place" "$raw"' 3 4 5
	# the disk has fetched them, the queue's hold on them notwithstanding
	if patched; then
		[[ $(copied "$mnt/frame0") == *direct=yes* ]] || fail "$(copied "$mnt/frame0")"
	fi
	# a file that the queue has released is like any other
	cp "$raw" "$mnt/frame1"
	same "$raw" "$mnt/frame1"
	rm "$mnt"/frame?
}

for heap in system udmabuf; do
	mount_fs "$mnt" "$heap"
	test_that "frames are saved that the kernel has mapped, $heap" captured 0
	[ "$heap" != system ] ||
		test_that "frames are saved that a device has mapped, $heap" captured 1
	umount "$mnt"
done
