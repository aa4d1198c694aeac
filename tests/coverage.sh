#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: tests/coverage.sh [--html DIR]
#
# Prints the line coverage of each directory of src/ by the unit tests and the tests on
# real mounts. Lines that only a kernel with dma-buf heaps reaches are tested by tests/vm
# and count as missed. Needs root or sudo.
#
#   --html DIR   also write an annotated listing of each file
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../contrib/common.sh"

html=''

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--html)
			[ $# -ge 2 ] || usage_error "$1 needs a directory"
			html=$2
			shift
			;;
		-h | --help) print_usage "$0"; exit ;;
		*) usage_error "unknown argument: $1" ;;
		esac
		shift
	done
}

# Failing tests are reported elsewhere; their lines count all the same.
run_tests() {
	ctest --preset coverage --parallel "$(nproc)" || true
	as_root "$top/tests/mount/run.sh" --build "$top/build-coverage" || true
}

# print_directories INFO: lines that ran, of those there are, for each directory of src/
print_directories() {
	awk -F '[:,]' -v top="$top/src/" '
		/^SF:/ {
			name = substr($0, 4 + length(top))
			directory = name ~ /\// ? substr(name, 1, index(name, "/") - 1) : "."
		}
		/^LF:/ { there[directory] += $2; there["all"] += $2 }
		/^LH:/ { ran[directory] += $2; ran["all"] += $2 }
		END {
			for (d in there)
				printf "%5.1f %% of %5d lines  src/%s\n", \
					100 * ran[d] / there[d], there[d], d == "all" ? "" : d
		}' "$1" | sort -k 5
}

main() {
	local info
	parse "$@"
	cd "$top"
	contrib/install-deps.sh build test
	cmake --preset coverage >/dev/null
	cmake --build --preset coverage --parallel "$(nproc)" >/dev/null
	as_root lcov --quiet --zerocounters --directory build-coverage
	run_tests
	info=build-coverage/coverage.info
	as_root lcov --quiet --capture --directory build-coverage --output-file "$info"
	as_root lcov --quiet --extract "$info" "$top/src/*" --output-file "$info"
	print_directories "$info"
	[ -z "$html" ] || genhtml --quiet --prefix "$top" --output-directory "$html" "$info"
}

main "$@"
