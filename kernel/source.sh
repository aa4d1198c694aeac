# shellcheck shell=bash
# The kernel source that the series is made for: sourced, never run.
#
#   linux_source [--newest]   fetch linux-source-$linux_series where it is not
#                             there yet; print "VERSION TARBALL" (VERSION is
#                             Debian's, e.g. 6.12.117-1~deb12u1)
#
# The tarball comes from Debian's binary package of that name, through an apt
# with lists, cache and sources of its own: nothing of the machine's apt is
# changed, and root is not needed. Mirror, proxy and authentication are what
# the machine's apt uses. With --newest the lists are read anew; without it a
# tarball that is there already is good enough.
#
# Everything lies below $dmaheapfs_cache. DMAHEAPFS_LINUX_TARBALL names a
# tarball to use instead, on machines that are not Debian's; its version is
# then read from its Makefile.

linux_series=6.12
dmaheapfs_cache=${DMAHEAPFS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dmaheapfs}

_ls_say() { printf '%s\n' "linux_source: $*" >&2; }

# Debian's repositories as this machine's apt knows them: "URI SUITE LABEL"
_ls_repositories() {
	apt-get "$@" indextargets \
		--format '$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(LABEL)' \
		'Created-By: Packages' 2>/dev/null |
		awk -F'|' '$1 == "Debian" && !seen[$0]++ { print $2, $3, $4 }'
}

# _ls_apt DIR: lay out a private apt below DIR
_ls_apt() {
	local dir=$1 repositories codename keyring option=

	mkdir -p "$dir"/{lists,archives}/partial "$dir/parts"
	{
		# proxies and the like, but none of the machine's hooks
		apt-config dump --format '%F "%v";%n' Acquire
		cat <<-CONF
			Dir::Etc::main "/dev/null";
			Dir::Etc::parts "$dir/parts";
			Dir::Etc::sourcelist "$dir/sources.list";
			Dir::Etc::sourceparts "$dir/parts";
			Dir::State::lists "$dir/lists";
			Dir::Cache "$dir";
			Dir::Cache::archives "$dir/archives";
			Dir::Cache::pkgcache "";
			Dir::Cache::srcpkgcache "";
			APT::Sandbox::User "$(id -un)";
			APT::Get::List-Cleanup "true";
			Acquire::Languages "none";
		CONF
	} >"$dir/apt.conf"

	repositories=$(_ls_repositories)
	if [ -z "$repositories" ]; then
		# its lists were never read: read them here, not there
		apt-get -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir" \
			-o APT::Sandbox::User="$(id -un)" update >&2
		repositories=$(_ls_repositories -o Dir::State::lists="$dir/lists")
	fi
	if [ -z "$repositories" ]; then
		_ls_say "apt knows no Debian repository here; set" \
			"DMAHEAPFS_LINUX_TARBALL to a linux-$linux_series tarball"
		return 1
	fi

	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[ ! -e "$keyring" ] || option="[signed-by=$keyring]"
	awk -v o="$option" '{ print "deb", o, $1, $2, "main" }' \
		<<<"$repositories" >"$dir/sources.list"
	# what Debian 12 may have in backports only; harmless where it is missing
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	awk -v o="$option" -v s="$codename-backports" \
		'$3 == "Debian" { print "deb", o, $1, s, "main"; exit }' \
		<<<"$repositories" >"$dir/backports.list"
}

_ls_candidate() {
	APT_CONFIG=$1/apt.conf apt-cache policy "linux-source-$linux_series" |
		awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'
}

# _ls_update DIR: the newest version to be had, with lists just read
_ls_update() {
	local dir=$1 version

	APT_CONFIG=$dir/apt.conf apt-get -q update >&2 || return
	version=$(_ls_candidate "$dir")
	if [ -z "$version" ] && [ -s "$dir/backports.list" ]; then
		cat "$dir/backports.list" >>"$dir/sources.list"
		APT_CONFIG=$dir/apt.conf apt-get -q update >&2 || return
		version=$(_ls_candidate "$dir")
	fi
	if [ -z "$version" ]; then
		_ls_say "no linux-source-$linux_series in Debian's repositories"
		return 1
	fi
	printf '%s\n' "$version"
}

# _ls_download DIR VERSION TARBALL
_ls_download() {
	local package=linux-source-$linux_series tmp

	_ls_say "fetching $package $2"
	tmp=$(mktemp -d "$1/fetch.XXXXXX") &&
	(cd "$tmp" && APT_CONFIG=$1/apt.conf apt-get -q download "$package=$2") >&2 &&
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
	local version tarball dir=$dmaheapfs_cache/apt

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
		# somebody else may have fetched it while we waited
		if [ "${1:-}" != --newest ] && _ls_cached; then
			exit
		fi
		_ls_apt "$dir" || exit
		version=$(_ls_update "$dir") || exit
		tarball=$dmaheapfs_cache/linux/$version/linux-source-$linux_series.tar.xz
		[ -e "$tarball" ] || _ls_download "$dir" "$version" "$tarball" || exit
		printf '%s %s\n' "$version" "$tarball"
	) 9>"$dmaheapfs_cache/apt.lock"
}
