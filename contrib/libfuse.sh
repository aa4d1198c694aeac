#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: contrib/libfuse.sh [--examples] [--newest | --cached | --source ARCHIVE]
#
# Makes a static libfuse 3 with passthrough (3.17 or newer) from Debian's own
# source package, for distributions whose libfuse is older. Nothing of the
# machine is changed: package and build lie in the cache, and the prefix there
# is the last line of the output. A libfuse that is in the cache is good enough.
# CMake finds it there.
#
#   --examples   with libfuse's own passthrough_hp in PREFIX/bin, the
#                benchmark's yardstick
#   --newest     look for a newer one than the cache has
#   --cached     make nothing, and fail if the cache has none
#   --source ARCHIVE
#                take libfuse's source from this tar archive, without network
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

examples=false newest=false only_cached=false archive=''
home=$cache/libfuse

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--examples) examples=true ;;
		--newest) newest=true ;;
		--cached) only_cached=true ;;
		--source)
			[ $# -ge 2 ] || usage_error "--source needs an argument"
			archive=$(realpath "$2") || exit
			shift
			;;
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
	if [ -n "$archive" ]; then
		mkdir source
		tar -xf "$archive" -C source --strip-components=1
	else
		private_apt "$home/apt" apt-get -q source --download-only "fuse3=$version"
		dpkg-source -x ./*.dsc source
	fi
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

# try VERSION KEY: build it, if that has not been done
try() {
	local version=$1 key=$2 log=$home/build.log status

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
	return 1
}

# build the newest version that can be built here
make_newest() {
	local key=$1 version

	private_apt_setup "$home/apt"
	private_apt_update "$home/apt" deb-src "${suites[@]}"
	for version in $(versions); do
		! try "$version" "$key" || return 0
	done
	die "no libfuse >= $minimum could be made from Debian's ${suites[*]}"
}

# build the one of the archive
make_from_archive() {
	local key=$1 version
	version=$(tar -xOf "$archive" --wildcards --no-wildcards-match-slash '*/meson.build' 2>/dev/null |
		sed -n "s/.*[( ]version: *'\([0-9.]*\)'.*/\1/p" | head -n 1) || true
	[ -n "$version" ] || die "$archive is not libfuse's source"
	printf '%s\n' "$minimum" "$version" | sort -VC ||
		die "libfuse $version is too old for passthrough: $minimum or newer is needed"
	try "$version" "$key" || exit
	printf '%s\n' "$home/$version-$key"
}

require() {
	local tool purposes=build missing=()
	local tools=(meson ninja pkg-config "${CC:-cc}")
	[ -n "$archive" ] || tools+=(dpkg-source)

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

# make_libfuse KEY: one at a time: the second process finds the work of the first
make_libfuse() {
	local key=$1

	require
	exec 9>"$home/lock"
	flock 9
	if [ -n "$archive" ]; then
		make_from_archive "$key"
		return
	fi
	if $newest || ! cached "$key" >/dev/null; then
		make_newest "$key"
	fi
	cached "$key"
}

main() {
	local key
	parse "$@"
	key=$(build_key)
	if $only_cached; then
		[ -d "$home" ] && cached "$key"
		return
	fi
	mkdir -p "$home"
	if $newest || [ -n "$archive" ] || ! cached "$key"; then
		make_libfuse "$key"
	fi
}

main "$@"
