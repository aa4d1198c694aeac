# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the cases that are shell scripts and need a mount share: sourced, never
# run. They run as root in an empty directory of the guest; of the build under
# test they find the programs on PATH.
#
#   test_that NAME COMMAND...   one test, in a shell of its own that ends with
#                               the first command that fails
#   fail TEXT...                end the test
#   unable NAME REASON          this rig can't have that test
#   patched                     does this kernel have the series?
#
#   mount_fs DIR HEAP [OPTIONS] a mount at DIR
#   counter DIR NAME            one of the mount's counters
#   copied FILE                 user.dmaheap.copy
#   engine FILE                 the engine it names
#   forget                      nothing is in the page cache any more
#   in_cache FILE               how much of FILE is, in bytes
#   page_cache                  how large it is altogether, in bytes
#   same FILE FILE              the same bytes, and as many

# shellcheck disable=SC2154 # run.sh sets it
patched() { [ "$rig_kernel" != stock ]; }

test_that() {
	local name=$1 output status
	shift
	set +e
	output=$(set -e; "$@" 2>&1)
	status=$?
	set -e
	[ -z "$output" ] || printf '# %s\n' "${output//$'\n'/$'\n# '}"
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

counter() { dmaheapctl status --json "$1" | sed -n "s/^ *\"$2\": *\([0-9]*\),*\$/\1/p"; }

copied() { getfattr --absolute-names --only-values -n user.dmaheap.copy "$1"; }

engine() { copied "$1" | sed 's/^engine=\([^ ]*\) .*/\1/'; }

forget() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}

in_cache() { fincore --bytes --noheadings --output RES "$1" | tr -d ' '; }

page_cache() {
	awk '/^Cached:/ { n += $2 } /^Shmem:/ { n -= $2 } END { print n * 1024 }' /proc/meminfo
}

same() { cmp "$1" "$2" || fail "$1 and $2 differ"; }
