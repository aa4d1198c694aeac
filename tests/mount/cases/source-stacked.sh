# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: source
#
# Other sources than a plain disk: overlayfs, tmpfs, a read-only mount. With every heap.

# shows_and_copies DIR [OPTIONS]: the view of DIR is right
shows_and_copies() {
	mount_fs "${2:+$2,}source=$1" "$work/mnt"
	diff -r "$1" "$mnt/.source" || fail "$1 reads otherwise"
	"$mnt/.source/program"
	cp -r "$mnt/.source/." "$mnt/copy"
	diff -r "$1" "$mnt/copy" || fail "$1 is copied otherwise"
	umount_fs
}

fill() {
	mkdir -p "$1/sub"
	make_file "$1/one" 3000001
	make_file "$1/sub/two" 70000
	: >"$1/sub/empty"
	truncate -s 1M "$1/sub/hole"
	cp "$(type -P true)" "$1/program"
}
fill disk
for heap in shmem udmabuf system; do
	case $heap in
	udmabuf) [ -e /dev/udmabuf ] || continue ;;
	system) [ -e /dev/dma_heap/system ] || continue ;;
	esac
	echo "heap=$heap"
	shows_and_copies "$work/disk" "heap=$heap"
done
for direct in always never auto; do
	shows_and_copies "$work/disk" "direct=$direct,threads=1"
done

mkdir memory
mount -t tmpfs none memory
fill memory
shows_and_copies "$work/memory"
mount -o remount,ro memory
shows_and_copies "$work/memory"

mkdir lower upper over
fill lower
if mount -t tmpfs none upper && mkdir upper/{up,work} &&
	mount -t overlay -o "lowerdir=lower,upperdir=upper/up,workdir=upper/work" none over; then
	make_file over/sub/three 5000
	rm over/sub/empty
	shows_and_copies "$work/over"
	umount over
fi
umount memory upper
