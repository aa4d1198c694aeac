#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: tests/cross.sh ARCHITECTURE...
#
# Builds for other machines, armhf or arm64, and runs the unit tests in qemu's emulation of
# their programs. Debian's packages for them are unpacked in the cache, and nothing is
# installed here but compilers and qemu. TAP on stdout, and a last line "N passed, N failed,
# N skipped".
set -euo pipefail
shopt -s lastpipe
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../contrib/common.sh"
# shellcheck source=contrib/private-apt.sh
. "$top/contrib/private-apt.sh"
# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"

libraries=(libc6-dev libfuse3-dev libjson-c-dev libgcrypt20-dev libdrm-dev check)
declare -A emulators=([armhf]=qemu-arm [arm64]=qemu-aarch64)

# The emulation lacks what these ask the kernel for: ioctls of heaps, the calls that
# make a mount, and messages with control data.
not_emulated='test_(heap|library|message|source|tree)$'

parse() {
	case ${1:-} in
	-h | --help) print_usage "$0"; exit ;;
	'') usage_error "for which machine? ${!emulators[*]}" ;;
	esac
	for architecture; do
		[ -n "${emulators[$architecture]:-}" ] ||
			usage_error "$architecture is none of ${!emulators[*]}"
	done
}

# sysroot ARCHITECTURE DIR: the libraries, whole or not at all
sysroot() {
	local architecture=$1 dir=$2 apt=$cache/cross/apt-$1 deb

	[ ! -d "$dir" ] || return 0
	private_apt_setup "$apt"
	cat >>"$apt/apt.conf" <<-CONF
		APT::Architecture "$architecture";
		APT::Architectures { "$architecture"; };
		Dir::State::status "$apt/status";
	CONF
	: >"$apt/status"
	private_apt_update "$apt" deb own
	private_apt "$apt" apt-get -qq -y --no-install-recommends --download-only \
		-o Debug::NoLocking=1 install "${libraries[@]}"
	rm -rf "$dir.new"
	mkdir -p "$dir.new"
	for deb in "$apt"/archives/*.deb; do
		dpkg-deb -x "$deb" "$dir.new"
	done
	mv "$dir.new" "$dir"
}

build() {
	local architecture=$1 dir=$2 root=$3

	cmake -S "$top" -B "$dir" --toolchain "$top/contrib/toolchains/$architecture.cmake" \
		-D DMAHEAPFS_SYSROOT="$root" -D DMAHEAPFS_LIBFUSE=system \
		-D CMAKE_CROSSCOMPILING_EMULATOR="${emulators[$architecture]};-L;$root" \
		-D CMAKE_COMPILE_WARNING_AS_ERROR=ON &&
	cmake --build "$dir" --parallel "$(nproc)"
}

# run_units ARCHITECTURE DIR
run_units() {
	local line

	ctest --test-dir "$2" --parallel "$(nproc)" \
		--exclude-regex "$not_emulated" --output-on-failure | tap_of_ctest |
		while IFS= read -r line; do
			verdict "${line/ - unit/ - $1: unit}"
		done || true
}

parse "$@"
"$top/contrib/install-deps.sh" build cross >&2
mkdir -p "$cache/cross"
for architecture; do
	root=$cache/cross/$architecture dir=$top/build-$architecture
	if step "$architecture: libraries" sysroot "$architecture" "$root" &&
		step "$architecture: build" build "$architecture" "$dir" "$root"; then
		run_units "$architecture" "$dir"
	fi
done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
