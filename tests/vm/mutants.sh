#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: tests/vm/mutants.sh [NAME...]
#
# Proves that the guest's tests can fail: builds the series with one naive fault
# after the other put back into it, and runs the case that is there to find it.
#
# A mutant is a patch in tests/vm/mutants, on top of the series, whose text
# names the case. Every one costs a small build and a boot, so this is not
# part of every run. TAP on stdout, closed by "N passed, N failed,
# N skipped".
set -euo pipefail

# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../contrib/common.sh"
# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"
here=$top/tests/vm
series=${DMAHEAPFS_SERIES:-$here/../../kernel/series}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

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
for patch in "$@"; do
	[ -e "$patch" ] || patch=$here/mutants/$patch.patch
	name=${patch##*/}
	tap "${name%.patch} is found" hunt "$patch"
done
tap_end
