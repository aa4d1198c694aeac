#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Positive controls: prove that the debug kernel tells of a fault, and that
# the rig hears it. Each fault is committed in a boot of its own, because
# lockdep falls silent after its first find.
#
#   tests/vm/controls.sh [--rig uml|qemu]
#
# TAP on stdout, closed by a line "N passed, N failed".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rig=uml number=0 failed=0

# What each planted fault must be reported as.
faults=(
	'warn|WARNING: CPU:'
	'use-after-free|BUG: KASAN: .*use-after-free'
	'lock-inversion|possible circular locking dependency'
	'sleep-in-atomic|sleeping function called from invalid context'
	'none|'
)

report() {
	number=$((number + 1))
	[ "$1" = ok ] || failed=$((failed + 1))
	printf '%s\n' "$1 $number - $2"
}

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
		printf '%s\n' "status $status" "$stderr" | sed 's/^/# /'
		return 1
	}
}

while [ $# -gt 0 ]; do
	case $1 in
	--rig) rig=$2; shift 2 ;;
	*) sed -n '4,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
	esac
done

printf 'TAP version 14\n'
for fault in "${faults[@]}"; do
	name="a planted fault of kind ${fault%%|*} is told"
	[ "$fault" != 'none|' ] || name="without a fault nothing is told"
	if control "${fault%%|*}" "${fault#*|}"; then
		report ok "$name"
	else
		report 'not ok' "$name"
	fi
done
printf '1..%d\n' "$number"
printf '%d passed, %d failed\n' $((number - failed)) "$failed"
[ "$failed" -eq 0 ]
