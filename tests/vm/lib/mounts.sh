# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions of the shell cases that need a mount: sourced, never run. Cases run as root in
# an empty directory of the guest, with the tested programs on PATH. In User Mode Linux a
# process takes up to 30 ms to start, so this uses the shell's own commands.
#
#   test_that NAME COMMAND...   one test, in a shell of its own that ends with
#                               the first command that fails
#   fail TEXT...                end the test
#   unable NAME REASON          this rig can't have that test
#   patched                     does this kernel have the series?
#
#   mount_fs DIR HEAP [OPTIONS] a mount at DIR
#   counter DIR NAME...         one of the mount's counters, or the sum of some
#   copied FILE                 user.dmaheap.copy
#   engine FILE                 the engine it names
#   by_disk BUFFER FILE         the disk moved the bytes between BUFFER and FILE, a file on
#                               it, except for unaligned ends; FILE was not cached before
#   forget                      nothing is in the page cache any more
#   in_cache FILE               how much of FILE is, in bytes
#   page_cache                  how large it is altogether, in bytes
#   same FILE FILE              the same bytes, and as many

# shellcheck disable=SC2154 # run.sh sets it
patched() { [ "$rig_kernel" != stock ]; }

test_that() {
	local name=$1 output status begin=$SECONDS
	shift
	set +e
	output=$(set -e; "$@" 2>&1)
	status=$?
	set -e
	[ -z "$output" ] || printf '# %s\n' "${output//$'\n'/$'\n# '}"
	# as tests/vm/lib/vm.c has it
	[ $((SECONDS - begin)) -lt 5 ] || printf '# the next took %d s\n' $((SECONDS - begin))
	if [ "$status" -eq 0 ]; then
		printf 'ok - %s\n' "$name"
	else
		printf 'not ok - %s\n' "$name"
	fi
}

fail() {
	printf '%s\n' "$*"
	exit 1
}

unable() { printf 'ok - %s # SKIP %s\n' "$1" "$2"; }

mount_fs() {
	mkdir -p "$1"
	dmaheapfs dmaheapfs "$1" -o "heap=$2${3:+,$3}" 2>"$PWD/said" || fail "$(<"$PWD/said")"
}

counter() {
	local status name sum=0
	status=$(dmaheapctl status --json "$1")
	for name in "${@:2}"; do
		[[ $status =~ \"$name\":\ *([0-9]+) ]] || fail "there is no counter $name"
		sum=$((sum + BASH_REMATCH[1]))
	done
	echo "$sum"
}

copied() { getfattr --absolute-names --only-values -n user.dmaheap.copy "$1"; }

engine() {
	local report
	report=$(copied "$1")
	report=${report#engine=}
	echo "${report%% *}"
}

forget() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}

in_cache() { fincore --raw --bytes --noheadings --output RES "$1"; }

page_cache() {
	local name n sum=0
	while read -r name n _; do
		case $name in
		Cached:) sum=$((sum + n)) ;;
		Shmem:) sum=$((sum - n)) ;;
		esac
	done </proc/meminfo
	echo $((sum * 1024))
}

# Of a memory file the mount does not know how the kernel copies, only that it does.
by_disk() {
	[[ $(copied "$1") == engine=@(*' direct=yes'|'passthrough direct=unknown')' '* ]] ||
		fail "$1 says: $(copied "$1")"
	[ "$(in_cache "$2")" -le 65536 ] || fail "$2 is in the page cache"
}

same() { cmp "$1" "$2" || fail "$1 and $2 differ"; }
