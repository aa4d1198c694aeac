#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The mount tests hold on a dma-heap, on this kernel.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mount-tests.sh
. "$top/tests/vm/lib/mount-tests.sh"

mount_tests system source-stacked source-copy load-limits
