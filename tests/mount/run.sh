#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: tests/mount/run.sh [OPTION...] [NAME...]
#
# Runs the mount tests, tests/mount/cases/NAME.sh: all of them, or the ones
# named. Each has a directory, a mount and a pid namespace of its own; what a
# case can use stands in tests/mount/lib.sh. Needs root. Output is TAP.
#
#   --build DIR    the build under test (build)
#   --tag TAG      only the cases with this tag
#   --jobs N       run N cases at a time (as many as there are processors)
#   --timeout S    least time limit of a case that does not set its own (default: 120)
#   --kill MS      meanwhile kill the process that serves, again and again, after MS
#                  milliseconds each, or as many as a case sets; leaves out the cases with
#                  the tag "process", which look into that process
#   --keep         keep the working directories of cases that failed
#   --list         print the names, run nothing
#
# With DMAHEAPFS_NO_SKIP=1 a skip is a failure, unless tests/mount/skips lists
# its reason.
set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source=contrib/common.sh
. "$here/../../contrib/common.sh"

build=$top/build tag='' jobs=$(nproc) timeout=120 keep=false list=false
names=()
prefix=()   # the wrapper of a case
slowness=1  # factor on time limits
kill=''     # milliseconds between kills
number=0 failures=0

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--build | --tag | --jobs | --timeout | --kill)
			[ $# -ge 2 ] || usage_error "$1 needs an argument"
			declare -g "${1#--}=$2"
			shift
			;;
		--keep) keep=true ;;
		--list) list=true ;;
		-h | --help) print_usage "$0"; exit ;;
		-*) usage_error "unknown option: $1" ;;
		*) names+=("$1") ;;
		esac
		shift
	done
	if [ ${#names[@]} -eq 0 ]; then
		mapfile -t names < <(cd "$here/cases" && printf '%s\n' *.sh | sed 's/\.sh$//')
	fi
}

# header NAME FIELD: the value of "# FIELD: ..." in the case
header() {
	sed -n "s/^# $2: *//p; /^\$/q" "$here/cases/$1.sh"
}

# has_tag NAME TAG: is true for an empty TAG
has_tag() { [ -z "$2" ] || [[ " $(header "$1" tags) " == *" $2 "* ]]; }

# keep the cases that exist and have the tag
select_cases() {
	local name selected=()
	for name in "${names[@]}"; do
		[ -e "$here/cases/$name.sh" ] || die "no test $name"
		if has_tag "$name" "$tag" && { [ -z "$kill" ] || ! has_tag "$name" process; }; then
			selected+=("$name")
		fi
	done
	[ ${#selected[@]} -gt 0 ] || die "no test has the tag $tag"
	names=("${selected[@]}")
}

# sanitized builds are slow; ThreadSanitizer can't cope with much randomisation
# of addresses
adapt_to_build() {
	local sanitizers
	build=$(cd "$build" && pwd)
	[ -x "$build/dmaheapfs" ] || die "no dmaheapfs in $build"
	sanitizers=$(sed -n 's/^DMAHEAPFS_SANITIZE:[A-Z]*=//p' "$build/CMakeCache.txt")
	[ -z "$sanitizers" ] || slowness=4
	[ "$sanitizers" != thread ] || prefix=(setarch -R)
}

# in_namespaces NAME WORK: turn into one case, whose shell is process 1
in_namespaces() {
	local name=$1 work=$2 report=log_path=$2.sanitizer

	# reports go to files: a daemon in the background has no stderr; and under
	# nohup(1) it would not hear the hangup that a case sends
	# shellcheck disable=SC2016 # for the shell inside
	exec env --default-signal=HUP ASAN_OPTIONS="$report" UBSAN_OPTIONS="$report:print_stacktrace=1" \
		TSAN_OPTIONS="$report" LSAN_OPTIONS="$report" \
		"${prefix[@]}" unshare --mount --pid --mount-proc --kill-child \
		bash -euo pipefail -c '
			here=$1 name=$2 work=$3 build=$4
			cd "$work"
			# as if installed: mount(8) has a PATH of its own, and not
			# every user may reach the build
			mount --bind "$build" /usr/local/sbin
			PATH=/usr/local/sbin:/usr/local/sbin/mount-tests:$PATH
			. "$here/lib.sh"
			_begin
			. "$here/cases/$name.sh"
		' "$name" "$here" "$name" "$work" "$build" </dev/null
}

# kill_workers PID MS: kill what serves a mount in the namespace of PID's child, again and again
kill_workers() {
	local first pause
	printf -v pause '%d.%03d' $(($2 / 1000)) $(($2 % 1000))
	while sleep "$pause"; do
		first=$(pgrep -P "$1" | head -n 1) || continue
		pkill -KILL --ns "$first" --nslist pid -x dmaheapfs-serve || true
	done
}

# the stacks of a hanging case's processes
show_hang() {
	local first pid
	first=$(pgrep -P "$1" | head -n 1) || return 0
	for pid in $(pgrep --ns "$first" --nslist pid | grep -vx "$first"); do
		printf -- '--- %s: %s\n' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
		grep -E '^(State|Threads)' "/proc/$pid/status"
		cat /proc/"$pid"/task/*/stack
		[ "$(cat "/proc/$pid/comm")" != dmaheapfs ] || eu-stack -p "$pid"
	done 2>/dev/null
}

# run_case NAME WORK: returns the case's status, or 124 on timeout
run_case() {
	local name=$1 work=$2 start=${EPOCHREALTIME/[.,]/} limit case_pid timer killer pause ended
	local status=0

	limit=$(header "$name" timeout)
	limit=$((limit > timeout ? limit * slowness : timeout * slowness))
	mkdir -m 755 "$work"
	in_namespaces "$name" "$work" &
	case_pid=$!
	sleep "$limit" &
	timer=$!
	killer=''
	if [ -n "$kill" ]; then
		pause=$(header "$name" kill)
		kill_workers "$case_pid" $((pause > kill ? pause : kill)) &
		killer=$!
	fi
	# shellcheck disable=SC2086 # there may be none
	printf '%s\n' "$case_pid" "$timer" $killer >"$work.pids"
	wait -n -p ended "$case_pid" "$timer" || status=$?
	if [ -z "${ended:-}" ]; then
		# bash has noticed the end before it was asked to wait for one
		status=0
		wait "$case_pid" || status=$?
	elif [ "$ended" = "$timer" ]; then
		printf 'FAIL: not done after %s s\n' "$limit"
		show_hang "$case_pid" || true
		status=124
	fi
	{
		# shellcheck disable=SC2086
		kill -KILL "$timer" "$case_pid" $killer
		wait
	} 2>/dev/null || true
	rm "$work.pids"
	printf '%d.%d' $((ms = (${EPOCHREALTIME/[.,]/} - start) / 1000, ms / 1000)) \
		$((ms % 1000 / 100)) >"$work.seconds"
	return "$status"
}

# all that is known of a case that failed, as comments
show_failure() {
	local work=$1 file
	tail -n 100 "$work.log" | sed 's/^/# /'
	for file in "$work".daemon*; do
		[ -s "$file" ] || continue
		printf '# --- the end of %s\n' "${file##*/}"
		tail -n 30 "$file" | sed 's/^/# /'
	done
}

is_allowed() { grep -v '^#' "$here/skips" | grep -qFx -- "$1"; }

# report NAME STATUS: one line of TAP
report() {
	local name=$1 status=$2 work=$root/$1 verdict=ok comment

	comment="($(cat "$work.seconds") s)"
	if [ "$status" -eq 77 ]; then
		comment="# SKIP $(cat "$work.skip")"
		if [ "${DMAHEAPFS_NO_SKIP:-0}" = 1 ] && ! is_allowed "${comment#\# SKIP }"; then
			verdict='not ok' comment="${comment/SKIP/no good reason to skip:}"
		fi
	elif [ "$status" -ne 0 ]; then
		verdict='not ok'
	fi
	number=$((number + 1))
	printf '%s %d - %s %s\n' "$verdict" "$number" "$name" "$comment"
	if [ "$verdict" != ok ]; then
		failures=$((failures + 1))
		show_failure "$work"
	fi
}

# wait for any one case, and report it
reap() {
	local pid status=0
	wait -n -p pid "${!running[@]}" || status=$?
	if [ -z "${pid:-}" ]; then
		for pid in "${!running[@]}"; do
			kill -0 "$pid" 2>/dev/null || break
		done
		status=0
		wait "$pid" || status=$?
	fi
	report "${running[$pid]}" "$status"
	unset "running[$pid]"
}

run_all() {
	local name
	declare -A running=()

	printf '1..%d\n' "${#names[@]}"
	for name in "${names[@]}"; do
		[ ${#running[@]} -lt "$jobs" ] || reap
		run_case "$name" "$root/$name" >"$root/$name.log" 2>&1 &
		running[$!]=$name
	done
	while [ ${#running[@]} -gt 0 ]; do
		reap
	done
}

clean_up() {
	local pids
	# cut short: with a case's first process go its namespaces and all in them
	pids=$(cat "$root"/*.pids 2>/dev/null) || true
	# shellcheck disable=SC2086 # words are wanted
	kill -KILL $pids 2>/dev/null || true
	if $keep && [ "$failures" -gt 0 ]; then
		say "kept $root"
	else
		rm -rf "$root"
	fi
}

main() {
	parse "$@"
	select_cases
	if $list; then
		printf '%s\n' "${names[@]}"
		exit
	fi
	[ "$(id -u)" -eq 0 ] || die "mounting in namespaces needs root"
	adapt_to_build
	root=$(mktemp -d "${TMPDIR:-/tmp}/dmaheapfs-tests.XXXXXX")
	# cases run as other users too, and sanitizers write their reports here
	chmod 1777 "$root"
	trap clean_up EXIT
	trap 'exit 130' INT TERM
	run_all
	[ "$failures" -eq 0 ]
}

main "$@"
