#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Prove that the guest's tests can fail: build the series with one naive fault
# after the other put back into it, and run the case that is there to find it.
#
#   tests/vm/mutants.sh [NAME...]
#
# A mutant is a patch in tests/vm/mutants, on top of the series, whose text
# names the case. Every one costs a small build and a boot, so this is not
# part of every run. TAP on stdout, closed by "N passed, N failed".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
series=${DMAHEAPFS_SERIES:-$here/../../kernel/series}
number=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

report() {
	number=$((number + 1))
	[ "$1" = ok ] || failed=$((failed + 1))
	printf '%s\n' "$1 $number - $2"
}

# Run the mutant's case; print which tests failed, or why none could.
hunt() {
	local patch=$1 case status=0

	case=$(sed -n 's/^Case: //p' "$patch")
	rm -rf "$work/series"
	mkdir "$work/series"
	cp -r "$series/." "$work/series"
	cp "$patch" "$work/series/6.12/9999-mutant.patch"
	export DMAHEAPFS_SERIES=$work/series
	if ! "$here/../../kernel/build.sh" patched >"$work/log" 2>&1; then
		tail -n 3 "$work/log"
		return 1
	fi
	# shellcheck disable=SC2086 # cases are words
	"$here/suite.sh" --timeout 400 $case >"$work/log" 2>&1 || status=$?
	grep '^not ok' "$work/log" || tail -n 3 "$work/log"
	[ "$status" -ne 0 ]
}

[ $# -gt 0 ] || set -- "$here"/mutants/*.patch
printf 'TAP version 14\n'
for patch in "$@"; do
	[ -e "$patch" ] || patch=$here/mutants/$patch.patch
	name=${patch##*/} name=${name%.patch}
	if found=$(hunt "$patch"); then
		report ok "$name is found"
	else
		report 'not ok' "$name is found"
	fi
	printf '%s\n' "$found" | sed 's/^/# /'
done
printf '1..%d\n' "$number"
printf '%d passed, %d failed\n' $((number - failed)) "$failed"
[ "$failed" -eq 0 ]
