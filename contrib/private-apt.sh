# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An apt of one's own: sourced, never run.
#
# Packages are fetched with lists, cache and sources that lie below a directory
# of the caller's. Nothing of the machine's apt is changed and root is not
# needed; mirror, proxy and credentials are the ones the machine's apt uses,
# and signatures are checked with Debian's archive keyring.
#
#   private_apt_setup DIR                   lay DIR out (again is fine)
#   private_apt_update DIR TYPE SUITE...    read the lists of these suites
#   private_apt DIR COMMAND...              run an apt command in that world
#
# TYPE is deb or deb-src. A SUITE is a name like trixie or bookworm-backports,
# or "own" for every Debian suite that the machine itself uses. A suite that
# can't be read causes a warning, and a failure only if no other can: the caller finds
# out by asking for its package.
#
# A DIR serves one process at a time; callers that share one take a lock.

_private_apt_say() { printf 'private-apt: %s\n' "$*" >&2; }

# private_apt DIR COMMAND...
private_apt() {
	local dir=$1
	shift
	APT_CONFIG=$dir/apt.conf LC_ALL=C "$@"
}

# private_apt_setup DIR
private_apt_setup() {
	local dir=$1

	mkdir -p "$dir"/{lists,archives}/partial "$dir/parts" || return
	{
		# proxies and the like, but none of the machine's hooks or pins
		apt-config dump --format '%F "%v";%n' Acquire
		cat <<-CONF
			Dir::Etc::main "/dev/null";
			Dir::Etc::parts "$dir/parts";
			Dir::Etc::preferences "/dev/null";
			Dir::Etc::preferencesparts "$dir/parts";
			Dir::Etc::sourcelist "$dir/sources.list";
			Dir::Etc::sourceparts "$dir/parts";
			Dir::State::lists "$dir/lists";
			Dir::Cache "$dir";
			Dir::Cache::archives "$dir/archives";
			Dir::Cache::pkgcache "";
			Dir::Cache::srcpkgcache "";
			APT::Sandbox::User "$(id -un)";
			Acquire::Languages "none";
		CONF
	} >"$dir/apt.conf"
}

# indextargets' records as "LABEL URI SUITE", each of Debian's once
_private_apt_debian() {
	awk -F': ' '
		NF { field[$1] = $2 }
		!NF { record() }
		END { record() }
		function record(line) {
			line = field["Label"] " " field["Repo-URI"] " " field["Release"]
			if (field["Origin"] == "Debian" && !seen[line]++)
				print line
			delete field
		}'
}

# "LABEL URI SUITE" of every Debian suite of the machine's apt
_private_apt_own_suites() {
	local dir=$1 own

	own=$(apt-get indextargets 2>/dev/null | _private_apt_debian)
	if [ -z "$own" ]; then
		# the machine never read its lists: read them here, not there
		_private_apt_machine "$dir" -qq update >&2 || true
		own=$(_private_apt_machine "$dir" indextargets | _private_apt_debian)
	fi
	if [ -z "$own" ]; then
		_private_apt_say "apt knows no Debian repository on this machine"
		return 1
	fi
	printf '%s\n' "$own"
}

# apt-get in DIR's world, but for the machine's own sources
_private_apt_machine() {
	local dir=$1 etc=
	shift
	eval "$(apt-config shell etc Dir::Etc/d)"
	private_apt "$dir" apt-get -o Dir::Etc::sourcelist="$etc/sources.list" \
		-o Dir::Etc::sourceparts="$etc/sources.list.d" "$@"
}

# one line of sources.list per SUITE
_private_apt_sources() {
	local dir=$1 type=$2 keyring=$3 own suite label
	shift 3

	own=$(_private_apt_own_suites "$dir") || return
	for suite; do
		label=Debian
		case $suite in *-security) label=Debian-Security ;; esac
		awk -v type="$type" -v suite="$suite" -v label="$label" \
			-v options="[signed-by=$keyring]" '
			suite == "own" { print type, options, $2, $3, "main" }
			suite != "own" && $1 == label {
				print type, options, $2, suite, "main"; exit
			}' <<<"$own"
	done | sort -u
}

# The newest keyring that the machine's own release has, unpacked below DIR: a
# release whose keyring was never updated can not know its successors' keys.
# Its own keys vouch for the package.
_private_apt_newer_keyring() {
	local dir=$1 keyring=$2

	_private_apt_sources "$dir" deb "$keyring" own >"$dir/sources.list" &&
	{ private_apt "$dir" apt-get -qq update >&2 || true; } &&
	rm -rf "$dir/keyring" && mkdir "$dir/keyring" &&
	(cd "$dir/keyring" &&
		private_apt "$dir" apt-get -qq download debian-archive-keyring &&
		dpkg-deb -x ./*.deb .) >&2
}

# private_apt_update DIR TYPE SUITE...
private_apt_update() {
	local dir=$1 type=$2 log=$1/update.log status=0
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	shift 2

	if [ ! -e "$keyring" ]; then
		_private_apt_say "$keyring is missing: apt-get install debian-archive-keyring"
		return 1
	fi
	_private_apt_sources "$dir" "$type" "$keyring" "$@" >"$dir/sources.list" || return
	private_apt "$dir" apt-get -q update >"$log" 2>&1 || status=$?
	if grep -q NO_PUBKEY "$log"; then
		_private_apt_say "the archive keyring here is older than these suites," \
			"taking the newest one of this release"
		_private_apt_newer_keyring "$dir" "$keyring" || return
		keyring=$dir/keyring$keyring status=0
		_private_apt_sources "$dir" "$type" "$keyring" "$@" >"$dir/sources.list" || return
		private_apt "$dir" apt-get -q update >"$log" 2>&1 || status=$?
	fi
	[ "$status" -eq 0 ] || grep '^[EW]:' "$log" >&2 || cat "$log" >&2
}
