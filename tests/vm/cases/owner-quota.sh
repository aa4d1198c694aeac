#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# uid_size= holds on shmem. The guests' kernels have the quotas of tmpfs that it needs,
# which the host may lack: here a skip is a failure.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mount-tests.sh
. "$top/tests/vm/lib/mount-tests.sh"

mount_tests shmem users-size | sed 's/^ok \(.*\) # SKIP /not ok \1: skipped, as /'
