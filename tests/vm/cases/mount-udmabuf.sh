#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The mount tests that have to do with memory hold on udmabuf, on this kernel.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mount-tests.sh
. "$top/tests/vm/lib/mount-tests.sh"

mount_tests udmabuf copy crowds data-copies data-maps data-sizes limits load load-limits \
	names-modes names-times passthrough save source-copy source-stacked trouble
