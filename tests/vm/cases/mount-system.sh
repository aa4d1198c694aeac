#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The short mount tests, and those of copies, hold on a dma-heap, on this kernel.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mount-tests.sh
. "$top/tests/vm/lib/mount-tests.sh"

# without those that choose the heap themselves
mapfile -t short < <("$top/tests/mount/run.sh" --tag short --list |
	grep -vx -e out-of-memory -e rootless)
mount_tests system "${short[@]}" fio load-limits source-copy source-stacked
