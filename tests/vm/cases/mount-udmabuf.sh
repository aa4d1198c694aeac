#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The mount tests that have to do with memory hold on udmabuf, on this kernel.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mount-tests.sh
. "$top/tests/vm/lib/mount-tests.sh"

tests=(copy crowds data-copies data-maps data-sizes load passthrough save source-copy source-stacked)
# The memory is files that are written past the daemon, so limits, set-id bits and times are not
# those of the mount's files; but a kernel with the series holds them to the limits.
# shellcheck disable=SC2154 # run.sh sets it
if [ "$rig_kernel" != stock ]; then
	tests+=(limits load-limits resize)
else
	printf 'ok - udmabuf: limits are kept # SKIP a kernel without the series\n'
fi
mount_tests udmabuf "${tests[@]}"
