#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How often the kernel asks the daemon for a file that a tool copies.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mounts.sh
. "$top/tests/vm/lib/mounts.sh"

mnt=$PWD/mnt

# requests [KIND]: how many there were, of this kind or of all
requests() {
	dmaheapctl status --requests "$mnt" | awk -v kind="${1:-.}" '$1 ~ kind { n += $2 } END { print n + 0 }'
}

# at_most N KIND COMMAND...
at_most() {
	local most=$1 kind=$2 before after
	before=$(requests "$kind")
	"${@:3}"
	# the kernel does not wait for the answer to RELEASE
	sleep 0.3
	after=$(requests "$kind")
	[ $((after - before)) -le "$most" ] ||
		fail "$((after - before)) requests, not $most: $(dmaheapctl status --requests "$mnt")"
}

# LOOKUP, CREATE, FLUSH and RELEASE for each of 20, and a few for the directory and the question
small_files() {
	at_most $((20 * 4 + 12)) . cp -r "$PWD/small" "$mnt/"
	rm -r "$mnt/small"
}

# the same, two for the question, and for a dma-buf its memory and its size
large_file() {
	at_most "$1" . cp "$PWD/large" "$mnt/large"
	rm "$mnt/large"
}

# not one for each write
many_writes() {
	at_most 6 ^GETXATTR dd if="$PWD/large" of="$mnt/large" bs=64k status=none
	rm "$mnt/large"
}

mkdir small
for i in {1..20}; do head -c 16384 /dev/urandom >"small/$i"; done
head -c 4M /dev/urandom >large
for heap in shmem udmabuf system; do
	if ! patched; then
		unable "few requests, $heap" "the series is not in this kernel"
		continue
	fi
	few=6
	[ "$heap" != system ] || few=8
	mount_fs "$mnt" "$heap"
	test_that "small files, $heap" small_files
	test_that "a large file, $heap" large_file "$few"
	test_that "many writes, $heap" many_writes
	umount "$mnt"
done
