#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Files are files in every respect: programs run from them, map them in all ways and grow
# them meanwhile, databases and version control work, and size= holds. No byte passes the
# daemon.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mounts.sh
. "$top/tests/vm/lib/mounts.sh"

mnt=$PWD/mnt
disk=/data/ext4

maps() { "$top/tests/vm/programs/maps.py" "$mnt" "$1" "$disk/model"; }

runs_programs() {
	cp "$(type -P true)" "$mnt/true"
	"$mnt/true"
	cat "$(type -P sleep)" >"$mnt/sleep"
	chmod +x "$mnt/sleep"
	"$mnt/sleep" 0
	printf '#!/bin/sh\necho ran\n' >"$mnt/script"
	chmod +x "$mnt/script"
	[ "$("$mnt/script")" = ran ]
}

preloads() {
	local library
	# one for this machine's programs; ldconfig may list others
	library=$(ldd "$(type -P sqlite3)" | awk '$1 == "libm.so.6" { print $3 }')
	cp "$library" "$mnt/libm.so.6"
	LD_PRELOAD=$mnt/libm.so.6 "$(type -P true)" 2>said
	[ ! -s said ] || fail "$(<said)"
}

has_sqlite() {
	local mode
	mode=$(sqlite3 "$mnt/db" 'pragma journal_mode=wal; create table t(a); insert into t values(7);')
	[ "$mode" = wal ] || fail "journal mode $mode"
	[ "$(sqlite3 "$mnt/db" 'select a from t; pragma integrity_check;')" = $'7\nok' ]
}

has_git() {
	export HOME=$PWD GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
		GIT_COMMITTER_EMAIL=a@b
	git init -q "$mnt/repo"
	cp "$disk/model" "$mnt/repo/file"
	git -C "$mnt/repo" add file
	git -C "$mnt/repo" commit -q -m first
	echo more >>"$mnt/repo/file"
	git -C "$mnt/repo" commit -q -a -m second
	git -C "$mnt/repo" gc -q
	git -C "$mnt/repo" fsck --strict
	git clone -q "$mnt/repo" "$mnt/clone"
	same "$mnt/repo/file" "$mnt/clone/file"
}

extracts() {
	mkdir -p tree
	cp "$disk/model" tree/a
	head -c 12345 /dev/urandom >tree/b
	tar cf - tree | tar xf - -C "$mnt"
	diff -r tree "$mnt/tree"
	rsync -a tree/ "$mnt/tree2"
	diff -r tree "$mnt/tree2"
}

# what the mount had when it was full, of bytes that went past the daemon
is_full() {
	local there
	rm -rf "${mnt:?}"/*
	! "$@" 2>said || fail "there was room"
	grep -q 'No space left' said || fail "$(<said)"
	there=$(du -sB1 "$mnt" | cut -f 1)
	[ "$there" -le $((64 << 20)) ] || fail "$there bytes"
	[ "$there" -ge $((60 << 20)) ] || fail "only $there bytes"
	cmp -n "$((60 << 20))" "$disk/large" "$mnt/large"
	rm "$mnt/large"
	[ "$(df --output=used "$mnt" | tail -n 1)" -lt 1000 ] || fail "$(df "$mnt")"
}
by_cp() { cp "$disk/large" "$mnt/large"; }
by_dd() { dd if="$disk/large" of="$mnt/large" bs=1M status=none; }

# a dma-buf is allocated as a whole, or not at all
is_refused() {
	rm -rf "${mnt:?}"/*
	! cp "$disk/large" "$mnt/large" 2>said || fail "there was room"
	grep -q 'No space left' said || fail "$(<said)"
	[ ! -s "$mnt/large" ] || fail "$(stat -c %s "$mnt/large") bytes"
	rm "$mnt/large"
}

# the limit is one for dma-bufs and memory files, whichever come first, also after rm
shares() {
	local there
	for _ in 1 2; do
		head -c 40M "$disk/large" >"$mnt/file"
		truncate -s 0 "$mnt/buffer"
		! fallocate -l 30M "$mnt/buffer" 2>said || fail "40 and 30 of 64 MiB"
		fallocate -l 20M "$mnt/buffer"
		! dd if="$disk/large" of="$mnt/file" bs=1M oflag=append conv=notrunc \
			status=none 2>said || fail "there was room"
		grep -q 'No space left' said || fail "$(<said)"
		there=$(stat -c %s "$mnt/file")
		[ "$there" -le $((44 << 20)) ] || fail "$there bytes"
		[ "$there" -ge $((43 << 20)) ] || fail "only $there bytes"
		rm "$mnt/file" "$mnt/buffer"
	done
}

past_the_daemon() {
	local moved
	moved=$(counter "$mnt" reads writes copies)
	[ "$moved" -eq 0 ] || fail "$moved reads, writes or copies"
}

heap() {
	mount_fs "$mnt" "$1"
	test_that "$1: programs run from it" runs_programs
	test_that "$1: a library is loaded from it" preloads
	test_that "$1: private maps" maps private
	test_that "$1: maps by the fd that made the file" maps before_memory
	test_that "$1: maps to execute" maps protections
	test_that "$1: SQLite with a write-ahead log" has_sqlite
	test_that "$1: git init, commit, gc, fsck, clone" has_git
	test_that "$1: tar and rsync" extracts
	test_that "$1: files grow under maps" maps grows
	test_that "$1: all of it past the daemon" past_the_daemon
	umount "$mnt"
}

limit() {
	mount_fs "$mnt" "$1" size=64m
	forget
	test_that "$1: size= holds for dd" is_full by_dd
	if [ "$1" = system ]; then
		test_that "$1: size= holds for cp" is_refused
		test_that "$1: size= holds for all together" shares
	else
		test_that "$1: size= holds for cp" is_full by_cp
	fi
	umount "$mnt"
}

head -c 3000000 /dev/urandom >"$disk/model"
head -c 100M /dev/urandom >"$disk/large"
heap shmem
heap udmabuf
limit shmem
if patched; then
	limit udmabuf
	heap system
	limit system
	for contiguous in reserved linux,cma default_cma_region; do
		[ ! -e "/dev/dma_heap/$contiguous" ] || heap "$contiguous"
	done
fi
