#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The data path of each tool between a disk and a buffer is the expected one for this
# kernel. The end prints the paths as the table in docs/data-paths.md.
#
#   DMA      the disk reads or writes the dma-buf, and nothing is cached
#   kernel   the kernel copies between the page cache and the buffer's memory
#   daemon   through the daemon
#   none     not at all
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mounts.sh
. "$top/tests/vm/lib/mounts.sh"

size=$((16 << 20))
disk=/data/ext4
file=$disk/file link=$disk/link # the file to copy, by either name
mnt=$PWD/mnt
buf=$mnt/buf kept=$mnt/kept     # the buffer, likewise
out=$disk/out                   # the copy back
sys=$top/build/mount-tests/sys
map_cat=$top/build/vm/map-cat
declare -A seen=()

# --- the tools --------------------------------------------------------------------

# in_TOOL: from the file into a buffer that is not there; out_TOOL: from the buffer
# to a file that is not there; read_TOOL: prints the checksum of the data it read
in_cp() { cp "$file" "$buf"; }
out_cp() { cp "$buf" "$out"; }
in_cat() { cat "$file" >"$buf"; }
out_cat() { cat "$buf" >"$out"; }
in_install() { install "$file" "$buf"; }
out_install() { install "$buf" "$out"; }
in_mv() { mv "$link" "$buf"; }
out_mv() { mv "$buf" "$out"; }
in_toybox_cp() { toybox cp "$file" "$buf"; }
out_toybox_cp() { toybox cp "$buf" "$out"; }
in_busybox_cp() { busybox cp "$file" "$buf"; }
out_busybox_cp() { busybox cp "$buf" "$out"; }
in_dd() { dd if="$file" of="$buf" bs=1M status=none; }
out_dd() { dd if="$buf" of="$out" bs=1M status=none; }
in_dd_allocated() {
	fallocate -l "$size" "$buf"
	dd if="$file" of="$buf" bs=1M conv=notrunc status=none
}
in_rsync() { rsync --inplace "$file" "$buf"; }
out_rsync() { rsync --inplace "$buf" "$out"; }
in_rsync_allocated() {
	fallocate -l "$size" "$buf"
	rsync --inplace --whole-file "$file" "$buf"
}
in_sendfile() { "$sys" sendfile 3 0 4 "$size" 3<"$file" 4>"$buf"; }
out_sendfile() { "$sys" sendfile 3 0 4 "$size" 3<"$buf" 4>"$out"; }
in_tar() { tar -C "$disk" --transform s/file/buf/ -cf - file | tar -C "$mnt" -xf -; }
out_tar() { tar -C "$mnt" --transform s/buf/out/ -cf - buf | tar -C "$disk" -xf -; }
in_tee() { tee "$buf" <"$file" >/dev/null; }
out_tee() { tee "$out" <"$buf" >/dev/null; }
read_sha256sum() { sha256sum <"$buf"; }
read_cmp() { cmp "$file" "$buf" && sha256sum <"$file"; }
read_mmap() { "$map_cat" "$buf" >mapped && sha256sum <mapped; }

# The way of each: with the series; and without it, of a dma-heap and of memory files.
table='
in   cp              DMA     daemon  kernel  GNU cp
in   cat             DMA     daemon  kernel  GNU cat
in   install         DMA     daemon  kernel  install
in   mv              DMA     daemon  kernel  mv
in   toybox_cp       DMA     daemon  kernel  toybox cp
in   busybox_cp      kernel  daemon  kernel  busybox cp
in   dd              kernel  daemon  kernel  dd
in   dd_allocated    kernel  daemon  kernel  dd, after fallocate
in   rsync           kernel  daemon  kernel  rsync --inplace
in   rsync_allocated kernel  daemon  kernel  rsync --inplace, after fallocate
in   sendfile        kernel  daemon  kernel  sendfile(2)
in   tar             kernel  daemon  kernel  tar
in   tee             kernel  daemon  kernel  tee
out  cp              DMA     daemon  kernel  GNU cp
out  cat             DMA     daemon  kernel  GNU cat
out  install         DMA     daemon  kernel  install
out  mv              DMA     daemon  kernel  mv
out  toybox_cp       DMA     daemon  kernel  toybox cp
out  busybox_cp      kernel  daemon  kernel  busybox cp
out  dd              kernel  daemon  kernel  dd
out  rsync           kernel  daemon  kernel  rsync --inplace
out  sendfile        kernel  daemon  kernel  sendfile(2)
out  tar             kernel  daemon  kernel  tar
out  tee             kernel  daemon  kernel  tee
read sha256sum       kernel  daemon  kernel  sha256sum
read cmp             kernel  daemon  kernel  cmp
read mmap            kernel  none    kernel  mmap(2)
'

# --- one of them ------------------------------------------------------------------

# without copy_file_range, whose traces the test looks for
fill_buffer() {
	fallocate -l "$size" "$buf"
	dd if="$file" of="$buf" bs=1M conv=notrunc status=none
	ln "$buf" "$kept"
}

prepare() {
	rm -f "$buf" "$kept" "$out" "$link"
	case $1 in
	in) ln "$file" "$link" ;;
	*) fill_buffer ;;
	esac
	forget
}

# bytes that the daemon moved
by_daemon() { counter "$mnt" read_bytes written_bytes; }

# way_of FILE BUFFER MOVED GROWTH: FILE is the one on the disk, MOVED what the
# daemon has, and GROWTH the page cache's
way_of() {
	if [ "$3" -gt 0 ]; then
		echo daemon
	elif [ "$(in_cache "$1")" -eq 0 ] && [ "$4" -lt $((size / 2)) ] &&
		[[ $(copied "$2") == engine=@(copy_file_range direct=yes|passthrough direct=unknown)' '* ]]; then
		echo DMA
	else
		echo kernel
	fi
}

check_in() {
	local engines=$1
	case $1 in
	DMA) engines='copy_file_range passthrough' ;;
	kernel) engines=passthrough ;;
	esac
	same "$file" "$buf"
	[[ " $engines " == *" $(engine "$buf") "* ]] || fail "the file says: $(copied "$buf")"
}

check_out() { same "$file" "$out"; }

check_read() { [ "$(<said)" = "$(sha256sum <"$file")" ] || fail "it read something else"; }

# try DIRECTION TOOL WAY
try() {
	local file_then=$file buffer_then=$buf before growth way=none
	[ "$1" != out ] || file_then=$out buffer_then=$kept
	prepare "$1"
	before=$(by_daemon) growth=$(page_cache)
	if "$1_$2" >said 2>errors; then
		growth=$(($(page_cache) - growth))
		way=$(way_of "$file_then" "$buffer_then" $(($(by_daemon) - before)) "$growth")
		# reading needs no disk
		[ "$1,$way" != read,DMA ] || way=kernel
		"check_$1" "$way"
	fi
	echo "$way" >way
	[ "$way" = "$3" ] || fail "it went: $way, $(<errors)"
}

# --- all of them ------------------------------------------------------------------

# try_all HEAP
try_all() {
	local direction tool heap=$1 want name
	local new stock_dmabuf stock_file
	mount_fs "$mnt" "$heap"
	while read -r direction tool new stock_dmabuf stock_file name; do
		case $rig_kernel,$heap in
		stock,system) want=$stock_dmabuf ;;
		stock,*) want=$stock_file ;;
		*) want=$new ;;
		esac
		rm -f way
		test_that "$heap: $name ($direction) goes: $want" try "$direction" "$tool" "$want"
		seen[$direction $tool $heap]=$(cat way 2>/dev/null || echo failed)
	done < <(grep . <<<"$table")
	umount "$mnt"
}

show_table() {
	local direction tool name
	printf '# | %s kernel | | system | udmabuf | shmem |\n# |---|---|---|---|---|\n' \
		"$rig_kernel"
	while read -r direction tool _ _ _ name; do
		printf '# | %s | %s | %s | %s | %s |\n' "$name" "$direction" \
			"${seen[$direction $tool system]}" "${seen[$direction $tool udmabuf]}" \
			"${seen[$direction $tool shmem]}"
	done < <(grep . <<<"$table")
}

head -c "$size" /dev/urandom >"$file"
try_all system
try_all udmabuf
try_all shmem
show_table
