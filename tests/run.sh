#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: tests/run.sh [--all] [--host | --vm]
#
# Installs missing packages, builds, and runs the tests that every change must pass,
# in a third of an hour:
#
#   --host   the tests on this machine's kernel: on real mounts, unit tests with
#            AddressSanitizer, scripts and documentation, in a newer Debian, and packages
#   --vm     the tests in kernels of their own, tests/vm, on the patched one
#   --all    more, in an hour: the former also with and without each sanitizer, with an
#            old libfuse and on an old Debian, the latter also on the stock kernel and in
#            full
#
# The default is both --host and --vm. Needs root or sudo. Output is TAP, and the last
# line is "N passed, N failed, N skipped".
set -euo pipefail
shopt -s lastpipe
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../contrib/common.sh"

# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"

host=true vm=true all=false

parse() {
	local only=''

	while [ $# -gt 0 ]; do
		case $1 in
		--all) all=true ;;
		--host | --vm)
			[ -z "$only" ] || usage_error "$only or $1?"
			only=$1
			;;
		-h | --help) print_usage "$0"; exit ;;
		*) usage_error "unknown argument: $1" ;;
		esac
		shift
	done
	[ "$only" != --host ] || vm=false
	[ "$only" != --vm ] || host=false
}

# tap_steps NAME COMMAND...: COMMAND speaks TAP; no test at all is a failure
tap_steps() {
	local name=$1 line status=0
	local before=$((passed + failed + skipped)) failed_before=$failed
	shift
	printf '# %s (%s s)\n' "$name" "$SECONDS"
	"$@" 2>&1 </dev/null | while IFS= read -r line; do
		# there is one closing line, and it is not this one
		[[ ! $line =~ ^[0-9]+\ passed, ]] || line="# $line"
		verdict "$line"
	done || status=$?
	if [ $((passed + failed + skipped)) -eq "$before" ]; then
		verdict "not ok - $name: no test was run"
	elif [ "$status" -ne 0 ] && [ "$failed" -eq "$failed_before" ]; then
		verdict "not ok - $name: status $status"
	fi
}

build_preset() {
	cd "$top" &&
	cmake --preset "$1" -D CMAKE_COMPILE_WARNING_AS_ERROR=ON &&
	cmake --build --preset "$1" --parallel "$(nproc)"
}

# the unit tests as TAP
unit_tests() {
	local preset=$1 directory=$2 wrapper=()
	# ThreadSanitizer can't cope with much randomisation of addresses
	[ "$preset" != tsan ] || wrapper=(setarch -R)
	"${wrapper[@]}" ctest --test-dir "$directory" --parallel "$(nproc)" \
		--output-on-failure | tap_of_ctest
}

mount_tests() {
	as_root env DMAHEAPFS_NO_SKIP=1 "$top/tests/mount/run.sh" "$@"
}

# the README's first command, in a directory that it must leave empty
try_it() {
	local dir
	dir=$(mktemp -d) &&
	TMPDIR=$dir "$top/contrib/try.sh" "$@" &&
	rmdir "$dir"
}

# its promise for a patched kernel: by DMA, and nothing left in the page cache
try_patched() {
	local said status=0
	said=$(try_it --patched) || status=$?
	printf '%s\n' "$said"
	[ "$status" -eq 0 ] &&
	grep -q '^last copy  *engine=copy_file_range direct=yes ' <<<"$said" &&
	grep -q '^bytes: the same again, 0 of them left' <<<"$said"
}

# on_mounts PRESET DIRECTORY [MOUNT-TEST-OPTION...], on_units PRESET DIRECTORY: test
# what is built
on_mounts() {
	local preset=$1 directory=$top/$2
	shift 2
	tap_steps "mount tests, $preset" mount_tests --build "$directory" "$@"
}

on_units() {
	tap_steps "unit tests, $1" unit_tests "$1" "$top/$2"
}

# build PRESET: as a test
build() {
	step "build $1" build_preset "$1"
}

host_tests() {
	step "dependencies" "$top/contrib/install-deps.sh" build test || return 0
	build default || return 0
	on_mounts default build
	tap_steps "scripts and documentation" "$top/tests/tree.sh" "$top/build"
	step "contrib/try.sh" try_it || true
	step "dmaheap-bench" as_root "$top/build/dmaheap-bench" \
		--rows 'read,write,udmabuf,in-*,out-*,small' \
		--size 1 --count 3 --runs 1 --window 8 || true
	if build asan; then
		on_units asan build-asan
		on_mounts asan build-asan --tag hostile
	fi
	tap_steps "the newest release" as_root "$top/tests/releases.sh" --short trixie
	tap_steps "packages" as_root "$top/tests/packages.sh"
	! $all || more_host_tests
}

# Each takes minutes and rarely finds a new defect.
more_host_tests() {
	on_units default build
	on_mounts asan build-asan
	if build tsan; then
		on_units tsan build-tsan
		on_mounts tsan build-tsan --tag load
	fi
	tap_steps "unit tests of 32-bit and 64-bit ARM" "$top/tests/cross.sh" armhf arm64
	tap_steps "an old release, and musl" as_root "$top/tests/releases.sh" bullseye musl
	# no unit knows of libfuse
	! build old-libfuse || on_mounts old-libfuse build-old-libfuse --tag short
}

# Kernels take minutes of both processors: they are built beside the tests on this
# machine, at low priority. The tests that need a kernel report a failed build.
build_kernels_meanwhile() {
	local variants=(patched selftests)

	! $all || variants+=(stock)
	"$top/contrib/install-deps.sh" build test kernel vm >&2 || return 0
	# shellcheck disable=SC2016 # for the shell that is started
	setsid nice -n 19 bash -c 'for variant; do
		"$0" "$variant"
	done' "$top/kernel/build.sh" "${variants[@]}" >/dev/null 2>&1 </dev/null &
	# shellcheck disable=SC2064 # this one, and now
	trap "kill -- -$! 2>/dev/null || true" EXIT
}

vm_tests() {
	local options=()

	! $all || options=(--all)
	step "contrib/try.sh --patched" try_patched || true
	tap_steps "virtual machines" "$top/tests/vm/suite.sh" ${options[0]+"${options[@]}"}
}

main() {
	parse "$@"
	! $host || ! $vm || build_kernels_meanwhile
	! $host || host_tests
	! $vm || vm_tests
	printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	[ "$failed" -eq 0 ]
}

main "$@"
