#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: contrib/install-deps.sh [--list] PURPOSE...
#
# Installs the missing Debian packages for each PURPOSE with apt-get, as root or
# through sudo. Prints nothing if all are installed.
#
#   build    everything that is built, a static libfuse included
#   test     the programs that tests/run.sh runs
#   bench    the benchmark's rivals and tools
#   cross    tests/cross.sh: the compilers for ARM, and an emulator
#   releases tests/releases.sh: what makes other releases of Debian, and musl
#   kernel   kernel/build.sh
#   vm       tests/vm: the machines and the programs in their guests
#   examples Vulkan, GStreamer and numpy, for contrib/examples
#
#   --list   print the packages, install nothing
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

declare -A packages=(
	[build]='gcc libc6-dev make cmake pkg-config libfuse3-dev libjson-c-dev libgcrypt20-dev
		libdrm-dev fuse3 meson ninja-build dpkg-dev debian-archive-keyring'
	[test]='git check python3 shellcheck clang-format clang-tidy codespell abigail-tools
		lcov man-db elfutils jq procps attr acl busybox toybox rsync fio strace'
	[bench]='g++ busybox toybox fio gnuplot-nox python3'
	[cross]='gcc-arm-linux-gnueabihf gcc-aarch64-linux-gnu qemu-user'
	[releases]='mmdebstrap musl-tools iproute2'
	[kernel]='gcc libc6-dev make flex bison bc perl xz-utils patch rsync
		libelf-dev'
	[vm]='gcc libc6-dev make libdrm-dev qemu-system-x86 e2fsprogs xfsprogs
		btrfs-progs dmsetup quota fio git sqlite3 busybox toybox rsync attr acl procps python3'
	[examples]='gcc libc6-dev pkg-config mesa-vulkan-drivers libvulkan-dev vulkan-tools python3-numpy python3-gi
		gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-base gstreamer1.0-tools'
)

list=false
purposes=()

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--list) list=true ;;
		-h | --help) print_usage "$0"; exit ;;
		*)
			[ -n "${packages[$1]:-}" ] ||
				usage_error "$1 is none of ${!packages[*]}"
			purposes+=("$1")
			;;
		esac
		shift
	done
	[ ${#purposes[@]} -gt 0 ] || usage_error "what for? ${!packages[*]}"
}

# the packages of the purposes, one per line
wanted() {
	local purpose
	for purpose in "${purposes[@]}"; do
		# shellcheck disable=SC2086 # words are wanted
		printf '%s\n' ${packages[$purpose]}
	done | sort -u
}

is_installed() {
	# shellcheck disable=SC2016 # dpkg-query's own variable
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}

install_packages() {
	local log status=0
	say "installing $*"
	# or its complaint would go to the log
	as_root true
	log=$(mktemp)
	{
		# lists that are old name packages that are gone
		apt_get update &&
		apt_get install --no-install-recommends "$@"
	} >"$log" 2>&1 </dev/null || status=$?
	[ "$status" -eq 0 ] || cat "$log" >&2
	rm -f "$log"
	[ "$status" -eq 0 ] || die "could not install $*"
}

main() {
	local package missing=()

	parse "$@"
	if $list; then
		wanted
		exit
	fi
	have apt-get || die "this is not Debian; needed are the likes of:" "$(wanted | xargs)"
	for package in $(wanted); do
		is_installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

main "$@"
