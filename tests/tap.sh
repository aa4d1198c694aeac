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

# verdict LINE: prints and counts it
verdict() {
	printf '%s\n' "$1"
	tap_count "$1" || true
}

# step NAME COMMAND...: COMMAND is one test; prints its output only if it fails
step() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1 </dev/null); then
		verdict "ok - $name ($SECONDS s)"
	else
		verdict "not ok - $name ($SECONDS s)"
		tail -n 60 <<<"$output" | sed 's/^/# /'
		return 1
	fi
}

# tap_of_ctest: the output of ctest as TAP
tap_of_ctest() {
	awk '
		/^ *[0-9]+\/[0-9]+ Test +#/ {
			result = "not ok"
			if (/ Passed /) result = "ok"
			match($0, /#[0-9]+: [^ ]+/)
			name = substr($0, RSTART, RLENGTH); sub(/.*: /, "", name)
			print result " - unit " name
			next
		}
		{ print "# " $0 }'
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
