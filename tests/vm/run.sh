#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: tests/vm/run.sh [OPTION]... -- COMMAND
#
# Boots a kernel from kernel/build.sh and runs COMMAND as root in it.
#
#   --rig uml|qemu                 User Mode Linux (the default), or an
#                                  emulated PC
#   --kernel patched|stock|debug   the variant (default: patched)
#   --image FILE                   boot this kernel, do not build one
#   --add HOSTPATH:GUESTPATH       show a file or directory of the host at
#                                  another place, too
#   --timeout SECONDS              give up after so long (default: 600)
#   --memory SIZE                  the guest's memory (default: 2G)
#   --cpus N                       its CPUs (qemu; default: 2)
#   --append WORDS                 more for the kernel's command line
#   --log FILE                     keep the kernel's log there
#
# COMMAND is one word for the guest's shell, or a program and its arguments.
# It has the host's files at the same paths, under a writable layer
# that is gone afterwards; /data/ext4, /data/xfs and /data/btrfs are disks.
# Its output is this one's and so is its status, except for
#
#   97   the guest died, or could not be started
#   98   the time was up
#   99   the kernel complained; the complaint is on stderr
set -euo pipefail

# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../contrib/common.sh"
here=$top/tests/vm

rig=uml variant=patched image='' timeout=600 append='' log=''
export memory=2G cpus=2
adds=() command=()
dir='' machine='' readers=()
# Two cameras: vivid's buffers are mapped by the kernel, or for a device.
export guest_words='vivid.n_devs=2 vivid.allocators=0,1 vivid.node_types=1,1'

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--rig) rig=$2 ;;
		--kernel) variant=$2 ;;
		--image) image=$2 ;;
		--add) adds+=("$2") ;;
		--timeout) timeout=$2 ;;
		--memory) memory=$2 ;;
		--cpus) cpus=$2 ;;
		--append) append=$2 ;;
		--log) log=$2 ;;
		-h | --help) print_usage "$0"; exit ;;
		--) shift; command=("$@"); break ;;
		*) usage_error "unknown argument: $1" ;;
		esac
		shift 2 || usage_error "$1 wants a value"
	done
	[ ${#command[@]} -gt 0 ] || usage_error "there is no command"
	[ -e "$here/rig-$rig.sh" ] || usage_error "there is no rig called $rig"
}

# shellcheck disable=SC2317 # a trap calls it
clean_up() {
	[ -z "$machine" ] || kill_machine
	[ ${#readers[@]} -eq 0 ] || kill "${readers[@]}" 2>/dev/null || true
	[ -n "$dir" ] || return 0
	umount "$dir/memory" 2>/dev/null || true
	rm -rf "$dir"
}

# The machine leads a process group of its own.
# shellcheck disable=SC2317
kill_machine() {
	kill -KILL -- "-$machine" 2>/dev/null || true
	wait "$machine" 2>/dev/null || true
	machine=''
}

write_command() {
	{
		printf 'cd %q 2>/dev/null || cd /\n' "$PWD"
		printf 'export HOME=/root TERM=dumb LANG=C.UTF-8\n'
		printf 'export rig=%q rig_kernel=%q\n' "$rig" "$variant"
		# shellcheck disable=SC2016 # the guest's $PATH
		printf 'PATH=%q:$PATH\n' "$top/build"
		if [ ${#command[@]} -eq 1 ]; then
			printf '%s\n' "${command[0]}"
		else
			printf '%q ' "${command[@]}"
		fi
	} >"$dir/command"
	printf '%s' ${adds[0]+"${adds[@]/%/$'\n'}"} >"$dir/adds"
}

# One pipe for each stream of the guest, one reader for each pipe.
open_lines() {
	mkfifo "$dir/out" "$dir/err" "$dir/status"
	cat "$dir/out" & readers+=($!)
	cat "$dir/err" >&2 & readers+=($!)
	cat "$dir/status" >"$dir/result" & readers+=($!)
}

# Wait for the machine; leave a file called late when that took too long.
watch_machine() {
	local watchdog

	{
		sleep "$timeout" && : >"$dir/late" && kill -KILL -- "-$machine"
	} 2>/dev/null &
	watchdog=$!
	wait "$machine" 2>/dev/null || true
	machine=''
	pkill -P "$watchdog" sleep || true
	wait "$watchdog" 2>/dev/null || true
}

verdict() {
	local status

	if ! "$here/guest/scan" "$dir/log" >&2; then
		return 99
	fi
	if [ -e "$dir/late" ]; then
		tail -n 20 "$dir/log" >&2
		say "not done after $timeout seconds"
		return 98
	fi
	status=$(cat "$dir/result")
	if [ -z "$status" ]; then
		tail -n 40 "$dir/log" >&2
		say "the guest died"
		return 97
	fi
	return "$status"
}

main() {
	local status=0

	parse "$@"
	# shellcheck source=tests/vm/rig-uml.sh
	. "$here/rig-$rig.sh"
	# shellcheck source=tests/vm/disks.sh
	. "$here/disks.sh"
	# shellcheck disable=SC2154 # the rig's file sets rig_arch
	"$top/contrib/install-deps.sh" vm >&2
	[ -n "$image" ] || image=$("$top/kernel/build.sh" --arch "$rig_arch" "$variant" | tail -n 1)
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	dir=$(mktemp -d "${TMPDIR:-/tmp}/dmaheapfs-vm.XXXXXX")
	make_disks "$dir"
	write_command
	open_lines
	# a group of its own, so that nothing of it is left behind
	set -m
	rig_start "$image" "$dir" >"$dir/log" 2>&1 </dev/null &
	machine=$!
	set +m
	watch_machine
	wait "${readers[@]}" 2>/dev/null || true
	readers=()
	[ -z "$log" ] || cp "$dir/log" "$log"
	verdict || status=$?
	exit "$status"
}

main "$@"
