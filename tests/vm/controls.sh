#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: tests/vm/controls.sh [--rig uml|qemu]
#
# Positive controls: prove that the debug kernel tells of a fault, and that
# the rig hears it. Each fault is committed in a boot of its own, because
# lockdep falls silent after its first find.
#
# TAP on stdout, closed by a line "N passed, N failed, N skipped".
set -euo pipefail

# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../contrib/common.sh"
# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"
here=$top/tests/vm
rig=uml

# The expected report of each planted fault.
faults=(
	'warn|WARNING: CPU:'
	'use-after-free|BUG: KASAN: .*use-after-free'
	'lock-inversion|possible circular locking dependency'
	'sleep-in-atomic|sleeping function called from invalid context'
	'none|'
)

# Commit a fault; the run must end with 99 and the complaint on stderr. With
# none it must end as the command does.
control() {
	local fault=$1 complaint=$2 status=0 stderr command

	command="echo $fault >/sys/kernel/debug/planted_fault"
	[ "$fault" != none ] || command='exit 5'
	stderr=$("$here/run.sh" --rig "$rig" --kernel debug --timeout 120 -- \
		"$command" 2>&1 >/dev/null) || status=$?
	if [ "$fault" = none ]; then
		[ "$status" -eq 5 ] && [ -z "$stderr" ]
	else
		[ "$status" -eq 99 ] && grep -qE "$complaint" <<<"$stderr"
	fi || {
		printf '%s\n' "status $status" "$stderr"
		return 1
	}
}

while [ $# -gt 0 ]; do
	case $1 in
	--rig) rig=${2:?--rig wants a name}; shift 2 ;;
	-h | --help) print_usage "$0"; exit ;;
	*) usage_error "unknown argument: $1" ;;
	esac
done

for fault in "${faults[@]}"; do
	name="a planted fault of kind ${fault%%|*} is told"
	[ "$fault" != 'none|' ] || name="without a fault nothing is told"
	tap "$name" control "${fault%%|*}" "${fault#*|}"
done
tap_end
