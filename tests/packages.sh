#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: tests/packages.sh [RELEASE]
#
# Builds the Debian packages, installs them in an empty Debian (RELEASE, default: trixie),
# does the README's job there, and purges them: nothing may be left. Needs root and this
# machine's /dev/fuse. TAP on stdout, and a last line "N passed, N failed, N skipped".
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../contrib/common.sh"
# shellcheck source=contrib/chroot.sh
. "$top/contrib/chroot.sh"
# shellcheck source=tests/tap.sh
. "$top/tests/tap.sh"

case ${1:-} in
-h | --help) print_usage "$0"; exit ;;
-*) usage_error "unknown option: $1" ;;
esac
release=${1:-trixie}
[ "$(id -u)" -eq 0 ] || die "this needs root"
"$top/contrib/install-deps.sh" releases >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

# what the packages depend on may stay in the caches of apt
files() {
	find "$root" -xdev \( -path "$root/var/cache" -o -path "$root/var/lib/apt" \
		-o -path "$root/var/log" -o -path "$root/tmp" -o -path "$root/run" -o -path "$root/packages" \
		-o -path "$root/var/lib/dpkg" \) -prune -o -printf '%P\n' | sort
}

# as if it were new: chroot_make keeps one in the cache
make_root() {
	chroot_make "$release" "$cache/releases/$release-empty" mount python3 &&
	cp -a "$cache/releases/$release-empty" "$root" &&
	mkdir "$root/packages" &&
	files >"$work/before"
}

build() { "$top/packaging/deb.sh" --release "$release" "$work/packages"; }

install_all() {
	cp "$work"/packages/*.deb "$root/packages"
	rm "$root"/packages/*-dbgsym_*
	chroot_run "$root" sh -euc '
		export DEBIAN_FRONTEND=noninteractive
		apt-get -q update
		apt-get -qy --no-install-recommends install /packages/*.deb'
}

first_job() {
	cp "$top/packaging/debian/tests/first-job" "$root/packages"
	chroot_run "$root" /packages/first-job
}

# a program that is built against the library, as others would
# shellcheck disable=SC2016 # for the shell there
develop() {
	cp "$top/contrib/examples/consumer.c" "$root/packages"
	chroot_run "$root" sh -euc '
		export DEBIAN_FRONTEND=noninteractive
		apt-get -qy --no-install-recommends install gcc libc6-dev pkg-config \
			/packages/libdmaheapfs*.deb
		cd /packages
		cc consumer.c -o consumer $(pkg-config --cflags --libs dmaheapfs)
		! ./consumer /etc/passwd 2>said
		grep "not a file of a dmaheapfs mount" said'
}

purge() {
	chroot_run "$root" sh -euc '
		export DEBIAN_FRONTEND=noninteractive
		apt-get -qy purge dmaheapfs libdmaheapfs0 libdmaheapfs-dev python3-dmaheapfs
		apt-get -qy -o APT::AutoRemove::RecommendsImportant=false \
			-o APT::AutoRemove::SuggestsImportant=false autoremove --purge'
	files >"$work/after"
	diff "$work/before" "$work/after"
}

step "packages: an empty $release" make_root &&
step "packages: build, lintian" build &&
step "packages: install" install_all &&
{
	step "packages: mount, cp, compare" first_job || true
	step "packages: purge leaves nothing" purge || true
	step "packages: build against the library" develop || true
}
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
