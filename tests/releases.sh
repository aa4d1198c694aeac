#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: tests/releases.sh [--short] RELEASE...
#
# Builds on other releases of Debian, such as bullseye or trixie, with what they have:
# compiler, CMake, libc and libfuse. Then runs the unit tests and the mount tests there; the
# latter need util-linux 2.37, before that a file is copied to a mount and back. A RELEASE
# "musl" compiles the sources with musl's headers. The releases lie in the cache; nothing is
# installed here but the program that makes them. Needs root. TAP on stdout, and a last line
# "N passed, N failed, N skipped".
#
#   --short   of the mount tests only those with the tag "short"
set -euo pipefail
shopt -s lastpipe
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../contrib/common.sh"
# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"
# shellcheck source=contrib/chroot.sh
. "$top/contrib/chroot.sh"

# what the tests use, and not what checks the sources
packages=(gcc libc6-dev make cmake pkg-config libfuse3-dev libjson-c-dev libgcrypt20-dev
	libdrm-dev fuse3 check procps attr acl busybox rsync fio jq python3 strace
	e2fsprogs)
options=()

parse() {
	case ${1:-} in
	--short) options=(--tag short); shift ;;
	-h | --help) print_usage "$0"; exit ;;
	-*) usage_error "unknown option: $1" ;;
	esac
	[ $# -gt 0 ] || usage_error "which release?"
	releases=("$@")
}

build() {
	chroot_copy_tree "$1" &&
	chroot_run "$1" cmake -S /dmaheapfs -B /dmaheapfs/build -D CMAKE_C_FLAGS=-Werror &&
	chroot_run "$1" make -C /dmaheapfs/build -j "$(nproc)"
}

# results RELEASE COMMAND...: the TAP of COMMAND, with the release before each name
results() {
	local release=$1 line
	shift
	"$@" 2>&1 </dev/null | while IFS= read -r line; do
		verdict "$(sed -E "s/^((not )?ok) ?[0-9]* - /\\1 - $release: /" <<<"$line")"
	done || true
}

unit_tests() { chroot_run "$1" sh -c "cd /dmaheapfs/build && ctest -j $(nproc)" | tap_of_ctest; }

# Before that version children of unshare(1) have SIGTERM blocked.
has_new_unshare() {
	local version
	version=$(chroot_run "$1" unshare --version)
	printf '%s\n' 2.37 "${version##* }" | sort -VC
}

# shellcheck disable=SC2016 # for the shell there
copy_a_file() {
	chroot_run "$1" sh -euc '
		cd /dmaheapfs/build
		mkdir mnt
		./dmaheapfs mnt -o heap=shmem
		cp dmaheapfs mnt/file
		./dmaheapctl save mnt/file saved
		cmp dmaheapfs saved
		umount mnt'
}

test_release() {
	local release=$1 dir=$cache/releases/$1
	step "$release: packages" chroot_make "$release" "$dir" "${packages[@]}" &&
	step "$release: build" build "$dir" || return 0
	results "$release" unit_tests "$dir"
	if has_new_unshare "$dir"; then
		results "$release" chroot_run "$dir" /dmaheapfs/tests/mount/run.sh "${options[@]}"
	else
		step "$release: a file is copied to a mount and back" copy_a_file "$dir" || true
	fi
}

# the headers of the kernel and of libraries, but not those of glibc
headers_beside_musl() {
	local machine name
	machine=/usr/include/$(cc -dumpmachine)
	for name in asm asm-generic linux drm libdrm xf86drm.h xf86drmMode.h gcrypt.h gpg-error.h; do
		if [ -e "/usr/include/$name" ]; then
			ln -s "/usr/include/$name" "$1"
		else
			ln -s "$machine/$name" "$1"
		fi
	done
	ln -s /usr/include/json-c /usr/include/json-c/* "$1"
}

compile_with_musl() {
	local dir fuse source status=0
	dir=$(mktemp -d)
	fuse=$("$top/contrib/libfuse.sh" | tail -n 1)
	headers_beside_musl "$dir"
	for source in "$top"/src/*.c "$top"/src/*/*.c; do
		musl-gcc -fsyntax-only -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
			-DDMAHEAPFS_VERSION='""' -DDMAHEAPFS_HAVE_PASSTHROUGH \
			-DDMAHEAPFS_HAVE_PARALLEL_DIRECT_WRITES -DDMAHEAPFS_HAVE_NOFLUSH \
			-DDMAHEAPFS_HAVE_LIBDRM -Wall -Wextra -Werror -Wno-missing-field-initializers \
			-I"$top/src" -I"$fuse/include/fuse3" -idirafter "$dir" \
			-idirafter "$dir/libdrm" "$source" || status=1
	done
	rm -r "$dir"
	return "$status"
}

parse "$@"
[ "$(id -u)" -eq 0 ] || die "this needs root"
"$top/contrib/install-deps.sh" build releases >&2
mkdir -p "$cache/releases"
for release in "${releases[@]}"; do
	if [ "$release" = musl ]; then
		step "musl: every source compiles" compile_with_musl || true
	else
		test_release "$release"
	fi
done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
