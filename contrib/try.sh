#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: contrib/try.sh [FILE]
#
# Shows what dmaheapfs does, on any machine with FUSE: installs what is missing,
# builds, mounts the shmem heap in a directory of its own, copies FILE (256 MiB
# of random bytes where none is given) into a buffer with cp, proves that the
# bytes are the same, tells which path they took and how fast that is beside cp
# to a tmpfs, and cleans up. Needs root or sudo.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

pairs=5 # how often the two copies are timed
file='' dir=''

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help) print_usage "$0"; exit ;;
		--patched) usage_error "--patched needs the kernel series, which is not here yet" ;;
		-*) usage_error "unknown option: $1" ;;
		*)
			[ -z "$file" ] || usage_error "one FILE is enough"
			[ -f "$1" ] || usage_error "$1 is not a regular file"
			file=$(realpath "$1")
			;;
		esac
		shift
	done
}

# quietly TEXT COMMAND...: its output only where it fails
quietly() {
	local text=$1 log=$dir/log
	shift
	say "$text"
	"$@" >"$log" 2>&1 </dev/null || {
		cat "$log" >&2
		die "failed: $*"
	}
}

build() {
	cmake -S "$top" -B "$top/build" &&
	cmake --build "$top/build" --parallel "$(nproc)"
}

need_fuse() {
	[ -c /dev/fuse ] || as_root modprobe fuse 2>/dev/null || true
	[ -c /dev/fuse ] || die "no /dev/fuse: this kernel has no FUSE, or this" \
		"container was not given it (--device /dev/fuse --cap-add SYS_ADMIN)"
}

mount_both() {
	local owner
	owner="uid=$(id -u),gid=$(id -g)"
	mkdir "$dir/heap" "$dir/tmpfs"
	as_root "$top/build/dmaheapfs" dmaheapfs "$dir/heap" -o "heap=shmem,$owner"
	as_root mount -t tmpfs -o "$owner" tmpfs "$dir/tmpfs"
}

clean_up() {
	local mount
	[ -n "$dir" ] || return 0
	for mount in "$dir/heap" "$dir/tmpfs"; do
		if mountpoint -q "$mount" 2>/dev/null; then
			as_root umount "$mount" || as_root umount -l "$mount"
		fi
	done
	rm -rf "$dir"
}

# microseconds COMMAND...
microseconds() {
	local start=${EPOCHREALTIME/[.,]/}
	"$@"
	printf '%d\n' $((${EPOCHREALTIME/[.,]/} - start))
}

# "TO_HEAP TO_TMPFS" in microseconds, a line per pair: side by side, because
# what else the machine does changes both
time_pairs() {
	local i heap tmpfs
	for ((i = 0; i < pairs; i++)); do
		rm -f "$dir/heap/timed" "$dir/tmpfs/timed"
		tmpfs=$(microseconds cp "$file" "$dir/tmpfs/timed")
		heap=$(microseconds cp "$file" "$dir/heap/timed")
		printf '%d %d\n' "$heap" "$tmpfs"
	done
	rm -f "$dir/heap/timed" "$dir/tmpfs/timed"
}

median() { sort -n | sed -n "$(((pairs + 1) / 2))p"; }

show_speed() {
	local size times
	size=$(stat -c %s "$file")
	times=$(time_pairs)
	awk -v size="$size" -v heap="$(cut -d' ' -f1 <<<"$times" | median)" \
		-v tmpfs="$(cut -d' ' -f2 <<<"$times" | median)" \
		-v ratio="$(awk '{ print $1 / $2 }' <<<"$times" | median)" \
		-v pairs="$pairs" 'BEGIN {
			printf "speed: %.0f MB/s to the buffer, %.0f MB/s to tmpfs: ", \
				size / heap, size / tmpfs
			printf "%.2f × the time (medians of %d pairs)\n", ratio, pairs
		}'
}

# counter NAME: one of the mount's
counter() {
	"$top/build/dmaheapctl" status --json "$dir/heap" |
		sed -n "s/^ *\"$1\": *\([0-9]*\),*\$/\1/p"
}

# right after the copy, before anything else has been read or written
show_path() {
	local writes
	writes=$(counter writes)
	if [ "$writes" -eq 0 ]; then
		echo "path: past the daemon, the kernel wrote the buffer's memory itself"
	else
		echo "path: through the daemon, $(counter written_bytes) bytes in $writes writes"
	fi
}

same_bytes() {
	local sums
	cmp "$file" "$dir/heap/buf0" || die "the buffer does not hold the file's bytes"
	sums=$(sha256sum <"$file"; sha256sum <"$dir/heap/buf0")
	[ "$(uniq <<<"$sums" | wc -l)" -eq 1 ] || die "checksums differ: $sums"
	printf 'bytes: the same, sha256 %s\n' "${sums%% *}"
}

main() {
	parse "$@"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	dir=$(mktemp -d "${TMPDIR:-/tmp}/dmaheapfs.XXXXXX")
	"$top/contrib/install-deps.sh" build
	quietly "building" build
	need_fuse
	mount_both
	if [ -z "$file" ]; then
		file=$dir/file
		head -c 256M /dev/urandom >"$file"
	fi

	printf 'cp %s %s/heap/buf0\n' "$file" "$dir"
	cp "$file" "$dir/heap/buf0"
	show_path
	same_bytes
	"$top/build/dmaheapctl" status "$dir/heap/buf0"
	rm "$dir/heap/buf0"
	show_speed
}

main "$@"
