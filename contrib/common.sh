# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the project's scripts share: sourced, never run.

# the top of the source tree
# shellcheck disable=SC2034 # for the scripts that source this
top=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)

# downloads and builds that are worth keeping between runs
# shellcheck disable=SC2034
cache=${DMAHEAPFS_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/dmaheapfs}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
	say "$@"
	exit 1
}

# usage_error TEXT...: for a command line that can not be understood
usage_error() {
	say "$@"
	say "try --help"
	exit 2
}

# print_usage SCRIPT: the comment at the top of a script, which is its manual
print_usage() {
	awk 'NR <= 3 { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' "$1"
}

have() { command -v "$1" >/dev/null 2>&1; }

# as_root COMMAND...: with sudo unless we are root
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif have sudo; then
		sudo "$@"
	else
		die "this needs root, and sudo is not here: $*"
	fi
}

# the default build, in build/
build_tree() {
	cmake -S "$top" -B "$top/build" -D DMAHEAPFS_LIBFUSE=fetch &&
	cmake --build "$top/build" --parallel "$(nproc)"
}
