#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run the guest's tests in one boot.
#
#   tests/vm/suite.sh [--rig uml|qemu] [--kernel patched|stock|debug]
#                     [--timeout SECONDS] [CASE...]
#
# A case is a file in tests/vm/cases: a C program or a shell script, named
# without its ending; all of them unless some are named. Results are TAP on
# stdout, closed by a line "N passed, N failed, N skipped".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/vm
options=() memory=3G

usage() { sed -n '4,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

# The program or script of a case.
path_of() {
	if [ -e "$here/cases/$1.sh" ]; then
		printf '%s\n' "$here/cases/$1.sh"
	elif [ -e "$here/cases/$1.c" ]; then
		printf '%s\n' "$out/$1"
	else
		printf '%s\n' "suite.sh: no case called $1" >&2
		return 1
	fi
}

install_tools() {
	local missing=() pair

	for pair in gcc:gcc make:make /usr/include/libdrm/drm.h:libdrm-dev \
		fio:fio busybox:busybox toybox:toybox getfattr:attr \
		dmsetup:dmsetup setquota:quota fsfreeze:util-linux; do
		command -v "${pair%:*}" >/dev/null || [ -e "${pair%:*}" ] ||
			missing+=("${pair#*:}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	DEBIAN_FRONTEND=noninteractive apt-get install -qy \
		--no-install-recommends "${missing[@]}" >&2
}

all_cases() {
	local file

	for file in "$here"/cases/*.c "$here"/cases/*.sh; do
		[ -e "$file" ] || continue
		file=${file##*/}
		printf '%s\n' "${file%.*}"
	done | sort -u
}

# Pass the results on and count them.
count() {
	awk '{ print; fflush() }
	     /^not ok / { failed++; next }
	     /^ok .*# SKIP/ { skipped++; next }
	     /^ok / { passed++ }
	     END { printf "%d passed, %d failed, %d skipped\n",
	           passed, failed, skipped
	           exit failed > 0 || passed + skipped == 0 }'
}

main() {
	local cases=() paths=() name

	while [ $# -gt 0 ]; do
		case $1 in
		--rig | --kernel | --timeout | --log) options+=("$1" "$2"); shift ;;
		--memory) memory=$2; shift ;;
		-h | --help) usage; exit ;;
		-*) usage >&2; exit 2 ;;
		*) cases+=("$1") ;;
		esac
		shift
	done
	[ ${#cases[@]} -gt 0 ] || mapfile -t cases < <(all_cases)
	install_tools
	make -s -C "$here" OUT="$out"
	for name in "${cases[@]}"; do
		paths+=("$(path_of "$name")")
	done
	{
		"$here/run.sh" --timeout 1800 --memory "$memory" \
			${options[0]+"${options[@]}"} -- \
			"$here/guest/suite" "${paths[@]}" ||
			printf '%s\n' "not ok - the guest ends well (status $?)"
	} | count
}

main "$@"
