#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: packaging/deb.sh [--release NAME] [DIR]
#
# Builds the Debian packages of packaging/debian in DIR (default: build/packages), in a
# Debian of its own and without network, and runs lintian. mmdebstrap makes that Debian, and
# is installed. Needs root.
#
#   --release NAME   for this release of Debian: trixie (the default) or newer
#
# On such a Debian dpkg-buildpackage does the same: cp -r packaging/debian . &&
# dpkg-buildpackage -b
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../contrib/common.sh"
# shellcheck source=contrib/chroot.sh
. "$top/contrib/chroot.sh"

release=trixie out=$top/build/packages
packages=(build-essential debhelper dh-python cmake pkgconf libfuse3-dev libdrm-dev
	libjson-c-dev libgcrypt20-dev check python3 lintian)

while [ $# -gt 0 ]; do
	case $1 in
	--release)
		[ $# -ge 2 ] || usage_error "--release needs a name"
		release=$2
		shift
		;;
	-h | --help) print_usage "$0"; exit ;;
	-*) usage_error "unknown option: $1" ;;
	*) out=$1 ;;
	esac
	shift
done
[ "$(id -u)" -eq 0 ] || die "this needs root"
"$top/contrib/install-deps.sh" releases
root=$cache/releases/$release-packages
mkdir -p "$cache/releases" "$out"
chroot_make "$release" "$root" "${packages[@]}" >&2
rm -f "$root"/*.deb "$root"/*.changes "$root"/*.buildinfo
chroot_copy_tree "$root"
cp -r "$root/dmaheapfs/packaging/debian" "$root/dmaheapfs/debian"
chroot_run_offline "$root" sh -euc '
	cd /dmaheapfs
	dpkg-buildpackage -b -us -uc
	lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs \
		/dmaheapfs_*.changes' >&2
rm -f "$out"/*.deb
cp "$root"/*.deb "$out"
printf '%s\n' "$out"/*.deb
