#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: contrib/report.sh [OPTION...] [-- BENCH-OPTION...]
#
# Measures copies between disks and memory with build/dmaheap-bench, and leaves a
# report: report.txt for people, report.csv and report.json for machines, and a
# drawing of each group. Installs missing packages, builds, needs root or sudo.
# Other load changes the figures: leave the machine alone meanwhile.
#
#   --out DIR      directory of the report (default: report)
#   --dir DIR      a directory on the measured disk (default: /var/tmp)
#   --rigs         not on this machine's kernel, but in those of tests/vm, each with
#                  a directory below DIR: the patched one in User Mode Linux and in
#                  an emulated PC; and in User Mode Linux, for the tables of the
#                  series alone, the stock one
#   --rig RIG:KERNEL   in this one alone, such as uml:patched; may be repeated
#   --timeout SECONDS  for each rig (14400)
#
# BENCH-OPTIONs are dmaheap-bench's, such as --rows, --size, --count and --runs.
# Each report is of one boot: figures of two are not to be compared.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

out=report dir=/var/tmp timeout=14400
rigs=() options=()
all_rigs=(uml:patched uml:stock qemu:patched)
rows='read,write,udmabuf,in-*,out-*,small'
guest_memory=9G # for a file of 6 GiB and the page cache, or three sets of files
plain=$top/build-old-libfuse/dmaheapfs

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--rigs) rigs=("${all_rigs[@]}") ;;
		--out | --dir | --rig | --timeout)
			[ $# -ge 2 ] || usage_error "$1 wants a value"
			case $1 in
			--out) out=$2 ;;
			--dir) dir=$2 ;;
			--rig) rigs+=("$2") ;;
			--timeout) timeout=$2 ;;
			esac
			shift
			;;
		-h | --help) print_usage "$0"; exit ;;
		--) shift; options=("$@"); break ;;
		*) usage_error "unknown argument: $1" ;;
		esac
		shift
	done
}

# ours, and one without passthrough to compare it with
build() {
	"$top/contrib/install-deps.sh" build test bench
	say "building"
	build_tree >/dev/null
	(
		cd "$top"
		cmake --preset old-libfuse
		cmake --build --preset old-libfuse --target dmaheapfs --parallel "$(nproc)"
	) >/dev/null 2>&1 || say "there is no build without passthrough: its rows will be missing"
}

# The groups that make sense in each rig. On the stock kernel the daemon maps the buffer,
# and User Mode Linux needs tens of microseconds to map a page: 10 MB/s.
rows_of() {
	case $1 in
	uml:stock) echo read,write,udmabuf ;;
	*) echo "$rows" ;;
	esac
}

# bench ROWS OUT OPTION...: the command that makes a report in OUT, as words for a shell
bench() {
	local of=$1 to=$2
	shift 2
	[ ! -x "$plain" ] || set -- --plain "$plain" "$@"
	printf '%q ' "$top/build/dmaheap-bench" --rows "$of" "$@" ${options[0]+"${options[@]}"} \
		--csv "$to/report.csv" --json "$to/report.json" --svg "$to"
}

report_here() {
	local command status=0
	command="$(bench "$rows" "$out" --dir "$dir") | tee $(printf '%q' "$out/report.txt")"
	as_root bash -o pipefail -c "$command" || status=$?
	as_root chown -R "$(id -u):$(id -g)" "$out"
	return "$status"
}

# What is left in the guest is gone with it: its standard output is the report, as
# an archive, and people see the text meanwhile.
report_in() {
	local rig=${1%%:*} kernel=${1#*:} to=$out/${1/:/-} command status=0
	command="mkdir /run/report && { $(bench "$(rows_of "$1")" /run/report --dir /data/ext4) | \
		tee /run/report/report.txt >&2; }"
	command="set -o pipefail; $command; status=\$?
		tar -C /run/report -cz . | base64; exit \$status"
	mkdir -p "$to"
	say "measuring in $rig, kernel $kernel"
	"$top/tests/vm/run.sh" --rig "$rig" --kernel "$kernel" --timeout "$timeout" \
		--memory "$guest_memory" -- "$command" >"$to/archive" || status=$?
	# empty if the guest died
	[ ! -s "$to/archive" ] || base64 -d <"$to/archive" | tar -C "$to" -xz
	rm "$to/archive"
	return "$status"
}

report_in_rigs() {
	local rig status=0
	for rig in "${rigs[@]}"; do
		report_in "$rig" || { say "$rig: something failed"; status=1; }
	done
	return "$status"
}

main() {
	local status=0
	parse "$@"
	build
	mkdir -p "$out"
	out=$(realpath "$out")
	if [ ${#rigs[@]} -gt 0 ]; then
		report_in_rigs || status=$?
	else
		report_here || status=$?
	fi
	say "the report is in $out"
	return "$status"
}

main "$@"
