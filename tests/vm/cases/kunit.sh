#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The KUnit suites that ran when the kernel started have passed.
set -euo pipefail

results=/sys/kernel/debug/kunit

# shellcheck disable=SC2154 # run.sh sets it
if [ "$rig_kernel" != debug ]; then
	printf 'ok - the unit tests of the kernel passed # SKIP only the debug kernel has them\n'
	exit
fi
for suite in "$results"/*; do
	sed -n "s/^ *\(ok\|not ok\) [0-9]* \(- \)\?/\1 - ${suite##*/}: /p" \
		"$suite/results"
done
