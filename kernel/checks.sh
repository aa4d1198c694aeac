# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What series.sh holds the series against: sourced by it, never run. Each check
# works on the tree that $tree names and prints what is wrong.
# shellcheck disable=SC2154 # series.sh sets the variables

check_identical() {
	local new dir

	new=$(mktemp -d)
	export_series "$new"
	for dir in "$linux_series" um; do
		diff -ur --exclude='cover-*' --exclude=parts \
			"$here/series/$dir" "$new/$dir" || {
			rm -rf "$new"
			return 1
		}
	done
	rm -rf "$new"
	uapi_header | diff -u "$header" -
}

check_mail() {
	local new

	new=$(mktemp -d)
	# shellcheck disable=SC2064 # this directory, and now
	trap "rm -rf '$new'" RETURN
	mail_series "$new" && check_patches "$new"/*/0000-cover-letter.patch
}

check_style() {
	check_patches "$patches"/[0-9]*.patch "$um"/[0-9]*.patch
}

check_patches() {
	# the new files are for the maintainers of the directories they are in;
	# Fixes: can't be looked up in a tarball; FUSE servers answer ENOSYS
	# to unknown requests; a flag and a mount option look like those beside
	# them; and User Mode Linux has levels of its own, UM_KERN_ERR
	(cd "$tree" && scripts/checkpatch.pl --no-tree --strict --quiet \
		--show-types --ignore FILE_PATH_CHANGES,UNKNOWN_COMMIT_ID,ENOSYS,BIT_MACRO,PRINTK_WITHOUT_KERN_LEVEL,CAMELCASE "$@")
}

touched() {
	g diff --name-only --diff-filter=d base series -- "$@"
}

configure() {
	local arch=$1 cross=$2 out=$3

	mkdir -p "$out"
	make -s -C "$tree" O="$out" ARCH="$arch" CROSS_COMPILE="$cross" defconfig
	cat "$here/config/objects.config" >>"$out/.config"
	make -s -C "$tree" O="$out" ARCH="$arch" CROSS_COMPILE="$cross" olddefconfig
}

# build_objects ARCH CROSS OUT [MAKE ARGUMENT...]: the files that the series changes
build_objects() {
	local arch=$1 cross=$2 out=$3 object objects=()

	shift 3
	configure "$arch" "$cross" "$out"
	while read -r object; do
		# sparc64 has no contiguous memory for devices
		[ "$object" != drivers/dma-buf/heaps/cma_heap.c ] ||
			grep -q '^CONFIG_DMABUF_HEAPS_CMA=y' "$out/.config" || continue
		objects+=("${object%.c}.o")
	done < <(touched 'fs/*.c' 'mm/*.c' 'drivers/*.c')
	# a forced rebuild: existing objects would print no warning
	(cd "$out" && rm -f "${objects[@]}")
	make -C "$tree" O="$out" ARCH="$arch" CROSS_COMPILE="$cross" \
		-s -j"$jobs" "$@" "${objects[@]}"
}

# complaints about the touched files: those of others are not ours
complaints() {
	local pattern

	pattern=$(touched | sed 's/[.]/[.]/g' | paste -sd'|')
	grep -E "(^|/)($pattern):[0-9]+:.*(warning|error)" || true
}

check_sparse() {
	local log

	log=$(build_objects x86_64 '' "$dmaheapfs_cache/check/sparse" C=2 2>&1) || {
		printf '%s\n' "$log" >&2
		return 1
	}
	# an old function in a file that we touch uses guard(), which sparse does
	# not follow
	log=$(complaints <<<"$log" | grep -v "imbalance in 'generic_file_llseek_size'" || true)
	[ -z "$log" ] || { printf '%s\n' "$log" >&2; return 1; }
}

check_warnings() {
	local arch cross log ret=0

	while read -r arch cross; do
		say "W=1 on $arch"
		log=$(build_objects "$arch" "$cross" \
			"$dmaheapfs_cache/check/$arch" W=1 2>&1) || {
			printf '%s\n' "$log" >&2
			ret=1
		}
		log=$(complaints <<<"$log")
		[ -z "$log" ] || { printf '%s\n' "$log" >&2; ret=1; }
	done <<-ARCHES
		x86_64
		arm64 aarch64-linux-gnu-
		arm arm-linux-gnueabihf-
		sparc64 sparc64-linux-gnu-
		riscv riscv64-linux-gnu-
	ARCHES
	return "$ret"
}

do_check() {
	local what failed=

	[ $# -gt 0 ] || set -- apply identical mail style sparse warnings
	make_tree "$dmaheapfs_cache/check/linux" --newest
	for what; do
		case $what in
		apply) say "applies to $(g log -1 --format=%s base)"; continue ;;
		identical|mail|style|sparse|warnings) ;;
		*) die "can't check $what" ;;
		esac
		say "$what"
		"check_$what" || failed="$failed $what"
	done
	[ -z "$failed" ] || die "failed:$failed"
	say "all well"
}

# The kernel's abilities after any patch.
each_boots='ls /dev/dma_heap/system /dev/udmabuf &&
	cp /etc/passwd /data/ext4 && cmp /etc/passwd /data/ext4/passwd'

do_each() {
	local arch=${1:-um} rig=uml work patch image

	[ "$arch" = um ] || rig=qemu
	work=$(mktemp -d)
	# shellcheck disable=SC2064 # this directory, and now
	trap "rm -rf '$work'" EXIT
	mkdir "$work/$linux_series"
	for patch in "$patches"/[0-9]*.patch; do
		cp "$patch" "$work/$linux_series"
		say "${patch##*/}"
		image=$(DMAHEAPFS_SERIES=$work "$here/build.sh" --arch "$arch" patched |
			tail -n 1)
		[ -e "$image" ] || die "does not build"
		"$here/../tests/vm/run.sh" --rig "$rig" --image "$image" \
			-- "$each_boots" >&2 || die "does not boot"
	done
	say "all well"
}
