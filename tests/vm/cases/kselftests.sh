#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The series' own selftests pass. On a kernel without the series they may skip
# all they like, but not fail.
set -euo pipefail

# Their results in our words: KTAP numbers its tests.
translate() {
	sed -n -e "s/^\(ok\|not ok\) [0-9]* \(- \)\?/\1 - $1: /p" -e '/^# /p'
}

# the directory of suite.sh's build
# shellcheck disable=SC2154
find "$selftests" -type f -executable | sort | while read -r program; do
	name=${program#"$selftests"/}
	status=0
	output=$("$program") || status=$?
	translate "${name//\//-}" <<<"$output"
	case $status in
	0 | 4) printf 'ok - %s ends well\n' "$name" ;;
	*) printf 'not ok - %s ends well: status %d\n' "$name" "$status" ;;
	esac
done
