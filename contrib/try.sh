#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: contrib/try.sh [--patched] [FILE]
#
# Demonstrates dmaheapfs on any machine with FUSE: installs missing packages, builds,
# mounts the best heap of this machine in a temporary directory, copies FILE (default:
# 256 MiB of random bytes) into a buffer with cp, compares the bytes, prints the data path
# and the speed beside cp to a tmpfs, has a program use the memory, and cleans up. Needs
# root or sudo.
#
#   --patched   the same with dma-bufs on a kernel with kernel/series, without a
#               reboot: builds the kernel (some minutes the first time, 4 GB of
#               disk), runs it as a process, and copies FILE from a disk into a
#               buffer and back. Needs root only to install packages.
#
# TMPDIR names another directory for temporary files.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"
# shellcheck source=contrib/trial.sh
. "$top/contrib/trial.sh"

patched=false file='' dir=''
declare -A jobs=() # process groups
cold=true

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help) print_usage "$0"; exit ;;
		--patched) patched=true ;;
		-*) usage_error "unknown option: $1" ;;
		*)
			[ -z "$file" ] || usage_error "one FILE is enough"
			[ -f "$1" ] || usage_error "$1 is not a regular file"
			[ -r "$1" ] || usage_error "$1 can't be read"
			file=$(realpath "$1")
			;;
		esac
		shift
	done
}

# a new directory below TMPDIR, or else below DEFAULT
make_dir() { dir=$(mktemp -d "${TMPDIR:-$1}/dmaheapfs.XXXXXX"); }

clean_up() {
	local job mount
	for job in "${!jobs[@]}"; do
		end "$job"
	done
	[ -n "$dir" ] || return 0
	for mount in "$dir/heap" "$dir/tmpfs"; do
		if mountpoint -q "$mount" 2>/dev/null; then
			as_root umount "$mount" || as_root umount -l "$mount"
		fi
	done
	rm -rf "$dir"
}

# quietly TEXT COMMAND...: prints its output only if it fails
quietly() {
	local text=$1 log=$dir/log
	shift
	say "$text"
	"$@" >"$log" 2>&1 </dev/null || {
		cat "$log" >&2
		die "failed: $*"
	}
}

make_file_if_none() {
	[ -z "$file" ] || return 0
	file=$dir/file
	head -c 256M /dev/urandom >"$file"
}

# --- on this kernel --------------------------------------------------------------

need_fuse() {
	[ -c /dev/fuse ] || as_root modprobe fuse 2>/dev/null || true
	[ -c /dev/fuse ] || die "no /dev/fuse: this kernel has no FUSE, or this" \
		"container was not given it (--device /dev/fuse --cap-add SYS_ADMIN)"
}

mount_both() {
	local owner
	owner="uid=$(id -u),gid=$(id -g)"
	heap=$dir/heap tmpfs=$dir/tmpfs
	mkdir "$heap" "$tmpfs"
	as_root "$top/build/dmaheapfs" auto "$heap" -o "$owner"
	as_root mount -t tmpfs -o "$owner" tmpfs "$tmpfs"
}

show_next_steps() {
	if [[ $("$top/build/dmaheapctl" status "$heap") == *'dma-buf      yes'* ]]; then
		echo "next: install it, and mount it by fstab, see README.md"
	else
		echo "next: 'build/dmaheapctl heaps' tells what this machine lacks for dma-bufs;"
		echo "  'contrib/try.sh --patched' shows them on a kernel that runs as a process"
	fi
}

try_here() {
	make_dir /tmp
	"$top/contrib/install-deps.sh" build
	quietly "building" build_tree
	need_fuse
	mount_both
	make_file_if_none
	show_copy
	show_consumer
	rm "$heap/buf0"
	show_speed
	show_next_steps
}

# --- on the patched kernel -------------------------------------------------------

# start COMMAND...: in a process group of its own, so that none of it outlives us
start() {
	set -m
	"$@" </dev/null &
	set +m
	jobs[$!]=1
}

# finish JOB: its status, once it is over
finish() {
	local status=0
	wait "$1" || status=$?
	unset "jobs[$1]"
	return "$status"
}

end() {
	kill -TERM -- "-$1" 2>/dev/null || true
	finish "$1" || true
}

tick() {
	while sleep 30; do
		say "still building the kernel, $((SECONDS / 60)) min $((SECONDS % 60)) s"
	done
}

build_kernel() {
	local build ticker status=0
	SECONDS=0
	say "building the patched kernel, where that has not been done"
	start "$top/kernel/build.sh" patched >"$dir/image"
	build=$!
	start tick
	ticker=$!
	finish "$build" || status=$?
	end "$ticker"
	[ "$status" -eq 0 ] || die "there is no kernel to try it with"
}

# What the guest mounts something over it can't see of this machine.
make_visible() {
	case $file in
	/dev/* | /proc/* | /sys/* | /run/* | /data/*)
		say "copying $file to where the guest sees it"
		cp "$file" "$dir/file"
		file=$dir/file
		;;
	esac
}

# in MiB
size_of_file() { echo $(($(stat -c %s "$file") / 1048576)); }
room_on_disk() { df --output=avail -B 1M "$dir" | tail -n 1; }
room_in_memory() { awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo; }

# The file in its page cache, the buffer or tmpfs, and the kernel itself.
memory_of_guest() { echo $((2 * $(size_of_file) + 768)); }

# The guest has FILE and its copy back.
need_room() {
	local size needed
	size=$(size_of_file)
	[ "$size" -le 5000 ] || die "FILE may have up to 5000 MiB here: $file has $size"
	needed=$((2 * size + 256))
	[ "$(room_on_disk)" -ge "$needed" ] ||
		die "the guest's disk needs $needed MiB in $dir: TMPDIR can name another place"
	needed=$(memory_of_guest)
	[ "$(room_in_memory)" -ge "$needed" ] ||
		die "the guest needs $needed MiB of memory, and there are $(room_in_memory):" \
			"try a smaller FILE"
}

boot() {
	local status=0
	say "booting it, and copying"
	export TMPDIR=$dir
	start "$top/tests/vm/run.sh" --image "$(tail -n 1 "$dir/image")" \
		--memory "$(memory_of_guest)M" --timeout 1800 -- \
		"$top/contrib/trial-in-guest.sh" "$file"
	finish $! || status=$?
	[ "$status" -eq 0 ] || die "it did not work out in the guest: status $status"
}

try_patched() {
	[ "$(uname -m)" = x86_64 ] || die "a kernel as a process is to be had on x86_64 alone"
	make_dir /var/tmp
	"$top/contrib/install-deps.sh" build kernel vm
	quietly "building" build_tree
	make_file_if_none
	make_visible
	need_room
	build_kernel
	boot
}

main() {
	parse "$@"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	if $patched; then try_patched; else try_here; fi
}

main "$@"
