#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: contrib/libfuse.sh [--examples] [--newest]
#
# Makes a static libfuse 3 with passthrough (3.17 or newer) from Debian's own
# source package, for distributions whose libfuse is older. Nothing of the
# machine is changed: package and build lie in the cache, and the prefix there
# is the last line of the output. A libfuse that is in the cache is good enough.
#
#   --examples   with libfuse's own passthrough_hp in PREFIX/bin, the
#                benchmark's yardstick
#   --newest     look for a newer one than the cache has
#
# CC, CXX, CFLAGS and CXXFLAGS are honoured, and kept apart in the cache.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"
# shellcheck source=contrib/private-apt.sh
. "$top/contrib/private-apt.sh"

minimum=3.17
# releases that have it; the newest of them is taken
suites=(trixie sid)

examples=false newest=false
home=$cache/libfuse

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--examples) examples=true ;;
		--newest) newest=true ;;
		-h | --help) print_usage "$0"; exit ;;
		*) usage_error "unknown argument: $1" ;;
		esac
		shift
	done
}

# everything but the version that changes the build
build_key() {
	{
		cat "${BASH_SOURCE[0]}"
		"${CC:-cc}" --version
		"${CC:-cc}" -dumpmachine
		printf '%s\n' "$examples" "${CFLAGS:-}" "${CXXFLAGS:-}"
	} | sha256sum | cut -c 1-12
}

# the newest finished build with this key
cached() {
	local key=$1
	find "$home" -maxdepth 1 -name "[0-9]*-$key" | sort -V | tail -n 1 | grep .
}

# the versions in the lists that are new enough, newest first
versions() {
	local version
	private_apt "$home/apt" apt-cache showsrc --only-source fuse3 |
		awk '$1 == "Version:" { print $2 }' | sort -ruV |
		while read -r version; do
			if dpkg --compare-versions "$version" ge "$minimum"; then
				printf '%s\n' "$version"
			fi
		done
}

# build VERSION PREFIX, in a shell of its own: through a temporary directory, so
# that PREFIX is either whole or not there
build() {
	local version=$1 prefix=$2
	local options=(
		--prefix="$prefix" --libdir=lib
		# libfuse calls fusermount3 and reads fuse.conf: the machine's
		--bindir=/usr/bin --sysconfdir=/etc
		--buildtype=release -Ddefault_library=static
		-Dutils=false -Dtests=false -Dexamples="$examples"
	)

	work=$(mktemp -d "$home/build.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	private_apt "$home/apt" apt-get -q source --download-only "fuse3=$version"
	dpkg-source -x ./*.dsc source
	if grep -q enable-io-uring source/meson_options.txt; then
		# or the build depends on optional packages of the machine
		options+=(-Denable-io-uring=false)
	fi
	meson setup "${options[@]}" build source
	ninja -C build
	DESTDIR=$work/root meson install -C build --no-rebuild
	if $examples; then
		install -D -t "$work/root$prefix/bin" build/example/passthrough_hp
	fi
	mv "$work/root$prefix" "$prefix"
}

# build the newest version that can be built here
make_libfuse() {
	local key=$1 version log=$home/build.log status

	private_apt_setup "$home/apt"
	private_apt_update "$home/apt" deb-src "${suites[@]}"
	for version in $(versions); do
		[ ! -d "$home/$version-$key" ] || return 0
		say "building a static libfuse $version"
		# not in a condition: there, a subshell's set -e has no effect
		set +e
		(set -e; build "$version" "$home/$version-$key") >"$log" 2>&1
		status=$?
		set -e
		[ "$status" -ne 0 ] || return 0
		tail -n 20 "$log" >&2
		say "libfuse $version did not build, see $log"
	done
	die "no libfuse >= $minimum could be made from Debian's ${suites[*]}"
}

require() {
	local tool purposes=build missing=()
	local tools=(meson ninja dpkg-source pkg-config "${CC:-cc}")

	if $examples; then
		tools+=("${CXX:-c++}")
		purposes="build bench"
	fi
	for tool in "${tools[@]}"; do
		have "$tool" || missing+=("$tool")
	done
	[ ${#missing[@]} -eq 0 ] || die "building libfuse needs ${missing[*]}:" \
		"run contrib/install-deps.sh $purposes"
}

main() {
	local key
	parse "$@"
	key=$(build_key)
	mkdir -p "$home"
	if $newest || ! cached "$key"; then
		require
		# one at a time; the second process finds the work of the first
		exec 9>"$home/lock"
		flock 9
		if $newest || ! cached "$key" >/dev/null; then
			make_libfuse "$key"
		fi
		cached "$key"
	fi
}

main "$@"
