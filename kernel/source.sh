# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel source that the series is made for: sourced, never run.
#
#   linux_source [--newest]   fetch linux-source-$linux_series unless it is there;
#                             print "VERSION TARBALL" (VERSION is Debian's, e.g.
#                             6.12.117-1~deb12u1)
#
# The tarball comes from Debian's binary package of that name, through an apt
# of its own (contrib/private-apt.sh): nothing of the machine's is changed, and
# root is not needed. With --newest the lists are read anew; without it a
# tarball that is there already is good enough.
#
# Everything lies below $dmaheapfs_cache. DMAHEAPFS_LINUX_TARBALL names a
# tarball to use instead, on machines that are not Debian's; its version is
# then read from its Makefile.

linux_series=6.12
dmaheapfs_cache=${DMAHEAPFS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dmaheapfs}

# shellcheck source=contrib/private-apt.sh
. "${BASH_SOURCE[0]%/*}/../contrib/private-apt.sh"

_ls_say() { printf '%s\n' "linux_source: $*" >&2; }

_ls_candidate() {
	private_apt "$1" apt-cache policy "linux-source-$linux_series" |
		awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'
}

# _ls_update DIR: the newest version to be had, with lists just read
_ls_update() {
	local dir=$1 version

	private_apt_setup "$dir" && private_apt_update "$dir" deb own || return
	version=$(_ls_candidate "$dir")
	if [ -z "$version" ]; then
		# backports may have a newer one than the release
		private_apt_update "$dir" deb own \
			"$(. /etc/os-release && echo "$VERSION_CODENAME")-backports" ||
			return
		version=$(_ls_candidate "$dir")
	fi
	if [ -z "$version" ]; then
		_ls_say "no linux-source-$linux_series in Debian's repositories;" \
			"set DMAHEAPFS_LINUX_TARBALL to a tarball of linux-$linux_series"
		return 1
	fi
	printf '%s\n' "$version"
}

# _ls_download DIR VERSION TARBALL
_ls_download() {
	local package=linux-source-$linux_series tmp

	_ls_say "fetching $package $2"
	tmp=$(mktemp -d "$1/fetch.XXXXXX") &&
	(cd "$tmp" && private_apt "$1" apt-get -q download "$package=$2") >&2 &&
	dpkg-deb --fsys-tarfile "$tmp"/*.deb |
		tar -xf - -C "$tmp" "./usr/src/$package.tar.xz" &&
	mkdir -p "${3%/*}" &&
	mv "$tmp/usr/src/$package.tar.xz" "$3"
	set -- $?
	rm -rf "$tmp"
	return "$1"
}

# the newest tarball that is there: "VERSION TARBALL"
_ls_cached() {
	local tarball version best=

	for tarball in "$dmaheapfs_cache"/linux/*/"linux-source-$linux_series.tar.xz"; do
		[ -e "$tarball" ] || continue
		version=${tarball%/*} version=${version##*/}
		if [ -z "$best" ] || dpkg --compare-versions "$version" gt "$best"; then
			best=$version
		fi
	done
	[ -n "$best" ] &&
	printf '%s %s\n' "$best" \
		"$dmaheapfs_cache/linux/$best/linux-source-$linux_series.tar.xz"
}

linux_source() {
	local version tarball dir=$dmaheapfs_cache/apt-linux-linux

	if [ -n "${DMAHEAPFS_LINUX_TARBALL:-}" ]; then
		version=$(tar -xOf "$DMAHEAPFS_LINUX_TARBALL" --wildcards \
				--no-wildcards-match-slash '*/Makefile' |
			awk '$2 == "=" && $1 ~ /^(VERSION|PATCHLEVEL|SUBLEVEL)$/ {
				v = v sep $3; sep = "." } END { print v }')
		printf '%s %s\n' "$version" "$DMAHEAPFS_LINUX_TARBALL"
		return
	fi
	if [ "${1:-}" != --newest ] && _ls_cached; then
		return
	fi
	mkdir -p "$dmaheapfs_cache" || return
	(
		flock 9
		# another process may have fetched it while we waited
		if [ "${1:-}" != --newest ] && _ls_cached; then
			exit
		fi
		version=$(_ls_update "$dir") || exit
		tarball=$dmaheapfs_cache/linux/$version/linux-source-$linux_series.tar.xz
		[ -e "$tarball" ] || _ls_download "$dir" "$version" "$tarball" || exit
		printf '%s %s\n' "$version" "$tarball"
	) 9>"$dmaheapfs_cache/apt-linux.lock"
}
