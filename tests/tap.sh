# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# TAP, for scripts that run commands as tests and for scripts that count results:
# sourced, never run.

tap_number=0 tap_failed=0
# shellcheck disable=SC2034 # for the caller
passed=0 failed=0 skipped=0

# tap_count LINE: counts a result; fails if LINE is not one
tap_count() {
	case $1 in
	'ok '*'# SKIP'*) skipped=$((skipped + 1)) ;;
	'ok '*) passed=$((passed + 1)) ;;
	'not ok '*) failed=$((failed + 1)) ;;
	*) return 1 ;;
	esac
}

# tap NAME COMMAND...: one test; the output of COMMAND becomes comments
tap() {
	local name=$1 output result=ok

	shift
	output=$("$@" 2>&1) || result='not ok'
	[ "$result" = ok ] || tap_failed=$((tap_failed + 1))
	tap_number=$((tap_number + 1))
	[ -z "$output" ] || printf '# %s\n' "${output//$'\n'/$'\n# '}"
	printf '%s %d - %s\n' "$result" "$tap_number" "$name"
}

# tap_end: plan, closing line and status
tap_end() {
	printf '1..%d\n' "$tap_number"
	printf '%d passed, %d failed, 0 skipped\n' \
		$((tap_number - tap_failed)) "$tap_failed"
	[ "$tap_failed" -eq 0 ]
}
