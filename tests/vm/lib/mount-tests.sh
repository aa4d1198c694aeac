# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The mount tests, tests/mount, on a heap of the guest: sourced, never run. All
# of them would take too long there.

# mount_tests HEAP NAME...
mount_tests() {
	# shellcheck disable=SC2154 # contrib/common.sh sets it
	local tests=$top/tests/mount/run.sh
	export DMAHEAPFS_TEST_HEAP=$1 DMAHEAPFS_NO_SKIP=1 TMPDIR=/data/ext4
	ulimit -n 65536
	"$tests" --jobs 2 --timeout 300 "${@:2}" 2>&1 |
		sed -u -e '/^1\.\.[0-9]*$/d' -e "s/^\(ok\|not ok\) [0-9]* - \([^ ]*\)/\1 - $1: \2/" \
			-e 's/ ([0-9.]* s)$//'
}
