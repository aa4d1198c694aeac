#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: tests/soak.sh [--seconds N]
#
# The long forms of the random tests, N seconds each (default: 3600), in a build with
# AddressSanitizer: random system calls by a user without rights, processes that are
# killed at random, random operations compared with those on a tmpfs, and kills of the process
# that serves. Needs root.
# Output is TAP.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../contrib/common.sh"

seconds=3600
case ${1:-} in
'') ;;
--seconds)
	[ $# -eq 2 ] || usage_error "--seconds needs a number"
	seconds=$2
	;;
-h | --help) print_usage "$0"; exit ;;
*) usage_error "unknown argument: $1" ;;
esac
[ "$(id -u)" -eq 0 ] || die "mounting in namespaces needs root"
cd "$top"
cmake --preset asan >/dev/null
cmake --build --preset asan --parallel "$(nproc)" >/dev/null
# the time limit is longer by a factor for sanitizers
DMAHEAPFS_TEST_SECONDS=$seconds exec tests/mount/run.sh --build build-asan \
	--jobs 1 --timeout $((seconds + 600)) chaos storm random killed
