#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: kernel/build.sh [--arch um|x86_64] [patched|stock|debug|selftests]
#
# Builds a kernel for the rigs of tests/vm; the image's path is the last line
# on stdout.
#
#   stock     Debian's source, with the patches that User Mode Linux needs on today's
#             CPUs (kernel/series/um)
#   patched   stock, and the series in kernel/series/6.12 (the default)
#   debug     patched, with KASAN, lockdep and friends, KUnit, and faults on
#             demand (kernel/control)
#   selftests no kernel, but the series' own test programs: the last line is
#             the directory that they are in
#
# DMAHEAPFS_SERIES names another directory than kernel/series, to take 6.12 from.
#
# Images are kept outside the tree under a key of all that goes into them;
# the build trees are kept too, so that a small change is a small build.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../contrib/common.sh"
kernel=$top/kernel
# shellcheck source=kernel/source.sh
. "$kernel/source.sh"
series=${DMAHEAPFS_SERIES:-$kernel/series}

# The patches of a variant, in the order in which they are applied. The first ones
# touch User Mode Linux alone, so that both architectures can share a source.
series_of() {
	printf '%s\n' "$kernel"/series/um/[0-9]*.patch
	[ "$1" = stock ] || printf '%s\n' "$series"/6.12/[0-9]*.patch
}

# The config fragments of an architecture and a variant, later ones win.
fragments_of() {
	local name

	for name in base "$1" "$([ "$2" != debug ] || echo debug)" \
		"$([ "$2" != debug ] || echo "debug-$1")" \
		"$([ "$2" != debug ] || echo "debug-series")"; do
		[ ! -e "$kernel/config/$name.config" ] ||
			printf '%s\n' "$kernel/config/$name.config"
	done
}

# The inputs of the image, as one word.
key_of() {
	local arch=$1 variant=$2 version=$3 files

	mapfile -t files < <(series_of "$variant"; fragments_of "$arch" "$variant")
	{
		printf '%s\n' "$arch" "$variant" "$version" "$(gcc -dumpfullversion)"
		cat -- "${files[@]}" "$kernel/control/planted.c"
	} | sha256sum | cut -c1-16
}

# pristine VERSION TARBALL: the unpacked source, never patched nor built in
pristine() {
	local dir=$cache/kernel/pristine-$1 tmp

	if [ ! -d "$dir" ]; then
		say "unpacking $1"
		tmp=$(mktemp -d "$cache/kernel/unpack.XXXXXX")
		tar -xf "$2" -C "$tmp" --strip-components=1
		mv -T "$tmp" "$dir"
	fi
	printf '%s\n' "$dir"
}

# The debug kernel carries faults on demand. sed makes a new Makefile; the old
# one is shared with the pristine source.
plant_faults() {
	cp "$kernel/control/planted.c" "$1/lib/planted.c"
	sed -i '$a obj-y += planted.o' "$1/lib/Makefile"
}

# patched_source PRISTINE VARIANT: the variant's source. Only the files whose
# content differs from the last time are touched, so make rebuilds just those.
patched_source() {
	local src=$cache/kernel/source-$2 stage patch

	stage=$(mktemp -d "$cache/kernel/stage.XXXXXX")
	cp -al "$1/." "$stage"
	while read -r patch; do
		say "applying ${patch##*/}"
		patch -d "$stage" -p1 -s --no-backup-if-mismatch <"$patch" >&2 || {
			rm -rf "$stage"
			die "${patch##*/} does not apply"
		}
	done < <(series_of "$2")
	[ "$2" != debug ] || plant_faults "$stage"
	rsync -rlp --checksum --delete "$stage/" "$src/"
	rm -rf "$stage"
	printf '%s\n' "$src"
}

# configure SRC OBJ ARCH VARIANT: tinyconfig and the fragments on top
configure() {
	local src=$1 obj=$2 arch=$3 variant=$4 fragments

	mapfile -t fragments < <(fragments_of "$arch" "$variant")
	mkdir -p "$obj/new" &&
	make -s -C "$src" O="$obj/new" ARCH="$arch" tinyconfig &&
	"$src/scripts/kconfig/merge_config.sh" -m -O "$obj/new" \
		"$obj/new/.config" "${fragments[@]}" >/dev/null &&
	make -s -C "$src" O="$obj/new" ARCH="$arch" olddefconfig &&
	check_config "$obj/new/.config" "${fragments[@]}" || return
	# an unchanged .config keeps its time, and make its objects
	cmp -s "$obj/new/.config" "$obj/.config" ||
		cp "$obj/new/.config" "$obj/.config"
	rm -rf "$obj/new"
}

# Kconfig silently drops options whose dependencies are missing.
check_config() {
	local config=$1 lost

	shift
	lost=$(sed -n 's/^\(CONFIG_[A-Z0-9_a-z]*=.*\)/\1/p' "$@" | sort -u |
		grep -vxFf "$config" || true)
	[ -n "$lost" ] || return 0
	say "not to be had in this kernel:" "$lost"
	return 1
}

# build_selftests SRC OBJ DIR: the programs that the series adds or adds to.
# Their caller tests their status, so that errexit is off in here.
build_selftests() {
	local src=$1 obj=$2 dir=$3 headers=$2/headers test

	make -s -C "$src" O="$obj" ARCH=x86 INSTALL_HDR_PATH="$headers" \
		headers_install || return
	for test in dmabuf-heaps filesystems/fuse; do
		mkdir -p "$dir/$test" &&
		make -s -C "$src/tools/testing/selftests/$test" OUTPUT="$dir/$test" \
			KHDR_INCLUDES="-isystem $headers/include" || return
	done
}

# build_image SRC OBJ DIR ARCH VARIANT: likewise
build_image() {
	local src=$1 obj=$2 dir=$3 arch=$4 variant=$5 target=bzImage

	[ "$arch" != um ] || target=linux
	configure "$src" "$obj" "$arch" "$variant" &&
	make -s -C "$src" O="$obj" ARCH="$arch" -j"$(nproc)" \
		KBUILD_BUILD_VERSION=1 "$target" &&
	cp "$obj/$(image_of "$arch")" "$dir/linux" &&
	cp "$obj/.config" "$dir/config" || return
	strip --strip-debug "$dir/linux" 2>/dev/null || true
}

image_of() {
	case $1 in
	um) printf 'linux\n' ;;
	x86_64) printf 'arch/x86/boot/bzImage\n' ;;
	esac
}

# build ARCH VARIANT VERSION TARBALL DIR: leave the product in DIR
build() {
	local arch=$1 variant=$2 dir=$5 src obj tmp source=$2

	# left behind by builds that were killed: this one has the lock
	rm -rf "$cache"/kernel/{unpack,stage,image}.*
	[ "$variant" != selftests ] || source=patched
	src=$(patched_source "$(pristine "$3" "$4")" "$source")
	obj=$cache/kernel/obj-$arch-$variant
	tmp=$(mktemp -d "$cache/kernel/image.XXXXXX")
	mkdir -p "$obj"
	say "building $arch $variant"
	if [ "$variant" = selftests ]; then
		build_selftests "$src" "$obj" "$tmp"
	else
		build_image "$src" "$obj" "$tmp" "$arch" "$variant"
	fi >"$obj/build.log" 2>&1 || {
		tail -n 40 "$obj/build.log" >&2
		die "the build failed; all of it is in $obj/build.log"
	}
	mv -T "$tmp" "$dir"
}

main() {
	local arch=um variant=patched version tarball dir product

	while [ $# -gt 0 ]; do
		case $1 in
		--arch) arch=${2:?--arch wants a word}; shift ;;
		--arch=*) arch=${1#*=} ;;
		-h | --help) print_usage "$0"; exit ;;
		stock | patched | debug | selftests) variant=$1 ;;
		*) usage_error "unknown argument: $1" ;;
		esac
		shift
	done
	case $arch in um | x86_64) ;; *) usage_error "unknown architecture: $arch" ;; esac

	"$top/contrib/install-deps.sh" kernel >&2
	mkdir -p "$cache/kernel"
	# shellcheck disable=SC2119 # our arguments are not its
	read -r version tarball < <(linux_source)
	[ -n "${tarball:-}" ] || die "no source"
	dir=$cache/kernel/$(key_of "$arch" "$variant" "$version")
	product=$dir/linux
	[ "$variant" != selftests ] || product=$dir
	if [ ! -e "$product" ]; then
		(
			# two builds at once would only be in each other's way
			flock 9
			[ -e "$product" ] ||
				build "$arch" "$variant" "$version" "$tarball" "$dir"
		) 9>"$cache/kernel/lock"
	fi
	printf '%s\n' "$product"
}

main "$@"
