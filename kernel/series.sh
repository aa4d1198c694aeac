#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel series as a git branch, and back. See --help.
set -eu

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=kernel/source.sh
. "$here/source.sh"
# shellcheck source=kernel/checks.sh
. "$here/checks.sh"

usage() {
	cat <<'HELP'
series.sh tree DIR    make DIR a git repository of Debian's newest kernel source
                      with the series applied: branches "base", "series" and
                      "um", the latter two on top of "base"
series.sh export DIR  write the patches anew from the branches in DIR: this is
                      how they are changed, never by hand
series.sh mail DIR    write the series as it is sent, into DIR: a part for each tree
                      of the kernel, with a cover letter
series.sh check [WHAT...]
                      hold the series against the newest source in Debian, in a
                      tree of its own. WHAT is any of
                        apply       the patches apply, without fuzz
                        identical   exporting them again gives the same bytes
                        mail        the parts are complete, and what is sent is
                                    fit for it
                        style       checkpatch --strict has nothing to say
                        sparse      neither has sparse about the touched files
                        warnings    nor gcc with W=1, on x86, arm64, arm,
                                    sparc64 and riscv
                      and all of them where nothing is said
series.sh each [ARCH] build and boot a rig's kernel after each patch, "um" where
                      no other architecture is named
series.sh needs       the Debian packages that the above are made with

The tree for "check" is kept below the cache (see source.sh) and made anew when
the source has changed.
HELP
}

die() { printf 'series.sh: %s\n' "$*" >&2; exit 1; }
say() { printf '== %s\n' "$*" >&2; }

patches=$here/series/$linux_series
um=$here/series/um
header=$here/../src/uapi/fuse_memory.h
jobs=${JOBS:-$(nproc)}

# the user's git configuration must not change the output
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
stamp='2025-01-01T00:00:00+00:00'

g() { git -C "$tree" "$@"; }

# fixed in all that goes into the base commit's name
as_base() {
	env GIT_AUTHOR_NAME=base GIT_AUTHOR_EMAIL=base@localhost \
		GIT_COMMITTER_NAME=base GIT_COMMITTER_EMAIL=base@localhost \
		GIT_AUTHOR_DATE="$stamp" GIT_COMMITTER_DATE="$stamp" "$@"
}

import() {
	local version=$1 tarball=$2

	say "importing linux $version"
	mkdir -p "$tree"
	tar -xf "$tarball" -C "$tree" --strip-components=1
	git -c init.defaultBranch=base init -q "$tree"
	g config core.autocrlf false
	g config gc.auto 0
	# ignored files are part of the tarball as well
	g add --all --force .
	as_base git -C "$tree" commit -q -m "Linux $version"
}

apply() {
	local name=$1 on=$2 dir=$3 log

	g checkout -q --force -B "$name" "$on"
	set -- "$dir"/[0-9]*.patch
	[ -e "$1" ] || return 0
	if ! log=$(as_base git -C "$tree" am --no-3way --keep-non-patch "$@" 2>&1)
	then
		printf '%s\n' "$log" >&2
		g am --abort || true
		return 1
	fi
}

# make_tree DIR [--newest]
make_tree() {
	local version tarball

	tree=$1; shift
	read -r version tarball < <(linux_source "$@") || true
	[ -n "${tarball:-}" ] || die "no kernel source"
	if [ "$(g log -1 --format=%s base 2>/dev/null)" != "Linux $version" ]; then
		rm -rf "$tree"
		import "$version" "$tarball"
	fi
	if ! apply series base "$patches" || ! apply um base "$um"; then
		die "the series does not apply to linux $version"
	fi
	g checkout -q series
}

# format BRANCH UPON OUTPUT [OPTION...]: for export and the check
format() {
	local branch=$1 upon=$2 output=$3

	shift 3
	GIT_COMMITTER_NAME=$(g log -1 --format=%an "$branch") \
	GIT_COMMITTER_EMAIL=$(g log -1 --format=%ae "$branch") \
	GIT_COMMITTER_DATE=$(g log -1 --format=%aI "$branch") \
	g format-patch -q --zero-commit --no-signature --abbrev=12 \
		--base=base --numbered -o "$output" "$@" "$upon..$branch"
}

export_series() {
	local output=$1

	format series base "$output/$linux_series"
	if [ -n "$(g rev-list base..um)" ]; then
		format um base "$output/um"
	fi
}

# the user-space interface: the same text as in the series
uapi_header() {
	cat <<-'HEAD'
		/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause) */
		/*
		 * The additions of the kernel series to <linux/fuse.h>. Below this comment the file
		 * is copied from there by kernel/series.sh; change it there.
		 */
		#ifndef DMAHEAPFS_UAPI_FUSE_MEMORY_H
		#define DMAHEAPFS_UAPI_FUSE_MEMORY_H

		#include <stdint.h>
		#include <sys/ioctl.h>

		#ifndef FUSE_DEV_IOC_MAGIC
		#define FUSE_DEV_IOC_MAGIC		229
		#endif

		#ifndef FUSE_DEV_IOC_MEMORY_ENABLE
	HEAD
	g show series:include/uapi/linux/fuse.h |
		awk '!on && /^\/\*$/ { getline
				if ($0 == " * Memory behind files") { on = 1; print "/*" } }
		     /^struct fuse_lseek_in/ { exit }
		     on'
	cat <<-'TAIL'
		#endif /* FUSE_DEV_IOC_MEMORY_ENABLE */

		#endif /* DMAHEAPFS_UAPI_FUSE_MEMORY_H */
	TAIL
}

# mail_series OUTPUT: the parts of the series, one for each tree of the kernel, with a
# cover letter each. Each is based on the ones before it.
mail_series() {
	local output=$1 part count upon=base to

	while read -r part count; do
		to=$(g rev-list --reverse "$upon..series" | sed -n "${count}p")
		[ -n "$to" ] || die "there are fewer than $count patches left for $part"
		g branch -q -f "mail-$part" "$to"
		g config "branch.mail-$part.description" "$(cat "$patches/cover-$part")"
		format "mail-$part" "$upon" "$output/$part" \
			--cover-letter --cover-from-description=subject
		upon=mail-$part
	done <"$patches/parts"
	[ -z "$(g rev-list "$upon..series")" ] || die "patches are left over: see $patches/parts"
}

do_mail() {
	[ ! -e "$1" ] || die "$1 is there already"
	make_tree "$dmaheapfs_cache/check/linux"
	mail_series "$1"
}

do_export() {
	tree=$1
	g rev-parse -q --verify series >/dev/null || die "no branch series in $1"
	rm -f "$patches"/[0-9]*.patch "$um"/[0-9]*.patch
	export_series "$here/series"
	uapi_header >"$header"
}

case ${1:-} in
tree)
	[ $# = 2 ] || die "tree needs a directory"
	[ ! -e "$2" ] || die "$2 is there already"
	make_tree "$2" ;;
export)
	[ $# = 2 ] || die "export needs a directory"
	do_export "$2" ;;
mail)
	[ $# = 2 ] || die "mail needs a directory"
	do_mail "$2" ;;
check) shift; do_check "$@" ;;
each) shift; do_each "$@" ;;
needs)
	echo git make gcc flex bison bc libelf-dev libssl-dev sparse \
		gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf \
		gcc-sparc64-linux-gnu gcc-riscv64-linux-gnu ;;
-h|--help) usage ;;
*) usage >&2; exit 2 ;;
esac
