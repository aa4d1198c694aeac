#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: tests/vm/suite.sh [--all]
#        tests/vm/suite.sh [--rig uml|qemu] [--kernel patched|stock|debug] [--image FILE]
#                          [--memory SIZE] [--timeout SECONDS] [CASE...]
#
# Runs the guest's tests. Without arguments, those that every change must pass: on the
# patched kernel the cases without the tag "long". With --all, also the long ones, and all
# on the stock kernel, except the mount tests, see own_cases(). With others, in one boot:
# the CASEs named, or all. A CASE is a file in tests/vm/cases, a C program or a shell
# script, without its ending. A line "tags: long" at its head marks a case that takes half
# a minute or more and rarely finds a new defect.
#
# TAP on stdout, and a last line "N passed, N failed, N skipped".
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../contrib/common.sh"
# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"
here=$top/tests/vm
out=$top/build/vm
options=() memory=7G cases=() selftests=''

# The program or script of a case.
path_of() {
	if [ -e "$here/cases/$1.sh" ]; then
		printf '%s\n' "$here/cases/$1.sh"
	elif [ -e "$here/cases/$1.c" ]; then
		printf '%s\n' "$out/$1"
	else
		usage_error "there is no case called $1"
	fi
}

all_cases() {
	local file

	for file in "$here"/cases/*.c "$here"/cases/*.sh; do
		[ -e "$file" ] || continue
		file=${file##*/}
		printf '%s\n' "${file%.*}"
	done | sort -u
}

build_programs() {
	"$top/contrib/install-deps.sh" build test vm >&2
	build_tree >/dev/null
	make -s -C "$here" OUT="$out" >&2
}

build_selftests() {
	selftests=$("$top/kernel/build.sh" selftests | tail -n 1)
}

# install_needs NAME: what its line "needs: PURPOSE" names, see contrib/install-deps.sh
install_needs() {
	local purpose

	purpose=$(sed -n 's/^# needs: //p; /^$/q' "$here/cases/$1".*)
	[ -z "$purpose" ] || "$top/contrib/install-deps.sh" "$purpose" >&2
}

# boot [OPTION...]: the cases, or all of them, in one boot
boot() {
	local names=() paths=() name path status=0

	names=(${cases[0]+"${cases[@]}"})
	[ ${#names[@]} -gt 0 ] || mapfile -t names < <(all_cases)
	for name in "${names[@]}"; do
		path=$(path_of "$name")
		paths+=("$path")
		[ "$name" != kselftests ] || build_selftests
		install_needs "$name"
	done
	"$here/run.sh" --timeout 2400 --memory "$memory" "$@" -- \
		env selftests="$selftests" "$here/guest/suite" "${paths[@]}" ||
		status=$?
	[ "$status" -eq 0 ] || printf '%s\n' "not ok - the guest ends well: $status"
}

# named NAME COMMAND...: NAME before the results of COMMAND
named() {
	local name=$1

	shift
	"$@" | sed -u -n -e "s/^\(ok\|not ok\)[ 0-9]* - /&$name: /p" -e '/^#/p'
}

# long NAME: whether the case has the tag
long() {
	sed -n '/^$/q; /^#include/q; p' "$here/cases/$1".* | grep -q 'tags:.* long\>'
}

# The mount tests run on this machine's kernel, too, and take long in a guest.
own_cases() {
	all_cases | grep -v '^mount-'
}

gate() {
	local cases=() name

	for name in $(own_cases); do
		long "$name" || cases+=("$name")
	done
	named 'patched, uml' boot --kernel patched
}

everything() {
	local cases=()

	mapfile -t cases < <(own_cases)
	named 'patched, uml' boot --kernel patched
	named 'stock, uml' boot --kernel stock
}

# Number the results anew, and count them: each line as soon as it comes, which
# not every awk does.
count() {
	local line number=0

	while IFS= read -r line; do
		if tap_count "$line"; then
			number=$((number + 1))
			printf '%s %d - %s\n' "${line%%ok *}ok" "$number" "${line#* - }"
		elif [[ $line == '#'* ]]; then
			printf '%s\n' "$line"
		fi
	done
	printf '1..%d\n%d passed, %d failed, %d skipped\n' \
		"$number" "$passed" "$failed" "$skipped"
	[ "$failed" -eq 0 ] && [ "$number" -gt 0 ]
}

main() {
	local run=gate

	if [ "${1:-}" = --all ]; then
		[ $# -eq 1 ] || usage_error "nothing goes with --all"
		run=everything
		shift
	fi
	while [ $# -gt 0 ]; do
		run=boot
		case $1 in
		--rig | --kernel | --image | --timeout | --log) options+=("$1" "$2"); shift ;;
		--memory) memory=$2; shift ;;
		-h | --help) print_usage "$0"; exit ;;
		-*) usage_error "unknown argument: $1" ;;
		*) cases+=("$1") ;;
		esac
		shift
	done
	build_programs
	printf 'TAP version 14\n'
	"$run" ${options[0]+"${options[@]}"} | count
}

main "$@"
