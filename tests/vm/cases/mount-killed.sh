#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: long
#
# The process that serves a mount is killed all the time, on every kind of heap, under
# programs that check every result and under mount tests that know nothing of it.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mount-tests.sh
. "$top/tests/vm/lib/mount-tests.sh"

for heap in shmem udmabuf system; do
	mount_tests "$heap" killed
	mount_tests "$heap" --kill 400 copy data-copies names-links names-open names-rename \
		names-unlinked replace source-copy xattrs
done
