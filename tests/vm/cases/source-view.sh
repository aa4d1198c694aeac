#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A copy from a mount's .source is one request to the daemon. The kernel moves the bytes
# by DMA if it can. Otherwise the daemon uses direct I/O and one copy, and takes cached
# data from the page cache.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mounts.sh
. "$top/tests/vm/lib/mounts.sh"

size=$(((16 << 20) + 4711))
mnt=$PWD/mnt
buf=$mnt/buf
model=$PWD/model # on a tmpfs

# best HEAP: the engine that there is for a large cold file
best() {
	if patched; then
		echo copy_file_range
	elif [ "$1" = system ]; then
		echo bounce # a dma-buf's map has no pages for I/O
	else
		echo bounce # small pages: a copy costs less than I/O to each
	fi
}

# told PATTERN: by the file
told() {
	# shellcheck disable=SC2053 # a pattern
	[[ $(copied "$buf") == $1 ]] || fail "the file says: $(copied "$buf")"
}

# copy it: one request, and nothing else passes through the daemon
copy() {
	local before others
	before=$(counter "$mnt" copies)
	others="$(counter "$mnt" reads) $(counter "$mnt" writes)"
	cp "$mnt/.source/file" "$buf"
	[ "$(counter "$mnt" copies)" -eq $((before + 1)) ] || fail "it was not one request"
	[ "$(counter "$mnt" reads) $(counter "$mnt" writes)" = "$others" ] || fail "reads and writes"
	same "$model" "$buf"
}

# cold ENGINE DIR
cold() {
	forget
	copy
	told "engine=$1 direct=yes bytes=$size *"
	[ "$(in_cache "$2/file")" -le 65536 ] || fail "it is in the page cache"
}

warm() {
	cat "$1/file" >/dev/null
	copy
	told "engine=* direct=no bytes=$size *page cache*"
}

# Without that system call the case can't know the cached pages: it then has the address
# of none.
has_cachestat() {
	! grep -qw "$(awk '$3 == "sys_ni_syscall" { print $1 }' /proc/kallsyms) . sys_cachestat" \
		/proc/kallsyms
}

over_a_longer_one() {
	head -c $((size * 2)) /dev/urandom >"$buf"
	forget
	cp "$mnt/.source/file" "$buf"
	same "$model" "$buf"
	truncate -s $((size + 100000)) "$buf"
	tail -c 100000 "$buf" | cmp - <(head -c 100000 /dev/zero)
}

# a disk on which direct I/O has no odd ends
on_overlay() {
	mkdir -p upper over
	mount -t tmpfs upper upper
	mkdir upper/{up,work}
	mount -t overlay -o "lowerdir=/data/ext4/view,upperdir=upper/up,workdir=upper/work" over over
	mount_fs "$mnt" "$1" "source=$PWD/over"
	forget
	cp "$mnt/.source/file" "$buf"
	same "$model" "$buf"
	told "engine=* direct=yes bytes=$size *"
	umount "$mnt"
	umount -l over upper # the daemon may need a moment
}

heap() {
	local fs dir name
	for fs in ext4 xfs btrfs; do
		dir=/data/$fs/view
		mkdir -p "$dir"
		cp "$model" "$dir/file"
		mount_fs "$mnt" "$1" "source=$dir"
		test_that "$1: a cold file on $fs comes by $(best "$1")" cold "$(best "$1")" "$dir"
		rm -f "$buf"
		test_that "$1: nothing of a longer buffer is left, from $fs" over_a_longer_one
		name="$1: a warm file on $fs is taken from the page cache"
		if has_cachestat; then
			test_that "$name" warm "$dir"
		else
			unable "$name" "this kernel has no cachestat(2)"
		fi
		umount "$mnt"
	done
	test_that "$1: a file on an overlay arrives whole" on_overlay "$1"
}

head -c "$size" /dev/urandom >"$model"
heap system
heap udmabuf
