#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Snapshots: a tree of buffers is saved with cp -a, tar or rsync, and comes back
# with all its bytes, names, modes, owners, times, links and attributes.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mounts.sh
. "$top/tests/vm/lib/mounts.sh"

mnt=$PWD/mnt
disk=/data/ext4

make_tree() {
	local size
	mkdir -p "$1/models/old" "$1/empty dir"
	for size in 0 1 4095 4096 4097 1000000 9000001; do
		head -c "$size" /dev/urandom >"$1/models/$size"
	done
	printf 'text\n' >"$1/models/old/näme with spaces"
	chmod 640 "$1/models/1"
	chmod 4751 "$1/models/4096"
	chown 1000:1001 "$1/models/4095"
	ln "$1/models/1000000" "$1/models/hard"
	ln -s ../models/1 "$1/empty dir/link"
	setfattr -n user.note -v kept "$1/models/4097"
	setfacl -m u:1234:rw "$1/models/0"
	find "$1" -depth -exec touch -h -d '2021-02-03 04:05:06.789012345' {} +
	chmod 1711 "$1/models/old"
}

# tree_of DIR: all that there is to it
tree_of() (
	cd "$1"
	# the size of a directory is its filesystem's affair
	find . -printf '%y %m %U:%G %T@ %n %l %p\n' | sort -k 7
	find . -type f -printf '%s %p\n' | sort
	find . -type f -exec sha256sum {} + | sort
	getfattr -R -h -d -m '^user' . 2>/dev/null | sort
	getfacl -R . | sort
)

saved_by_cp() { cp -a "$1" "$2"; }
saved_by_tar() { mkdir "$2" && tar -C "$1" --xattrs --acls -cf - . | tar -C "$2" --xattrs --acls -xpf -; }
saved_by_rsync() { rsync -aHAX "$1/" "$2"; }

# there_and_back TOOL
there_and_back() {
	rm -rf "$disk/saved" "$mnt/back"
	"saved_by_$1" "$mnt/tree" "$disk/saved" 2>complaints
	"saved_by_$1" "$disk/saved" "$mnt/back" 2>>complaints
	[ ! -s complaints ] || fail "$1 complained: $(<complaints)"
	tree_of "$mnt/tree" >first
	tree_of "$disk/saved" >second
	tree_of "$mnt/back" >third
	diff first second || fail "the snapshots that $1 saved differ"
	diff first third || fail "the snapshot that $1 restored differs"
}

# by the disk alone, both ways
is_direct() {
	local saved=$disk/saved/models/9000001
	rm -rf "$disk/saved" "$mnt/back"
	cp -a "$mnt/tree" "$disk/saved"
	by_disk "$mnt/tree/models/9000001" "$saved"
	forget
	cp -a "$disk/saved" "$mnt/back"
	by_disk "$mnt/back/models/9000001" "$saved"
}

for heap in system udmabuf; do
	mount_fs "$mnt" "$heap"
	make_tree "$mnt/tree"
	for tool in cp tar rsync; do
		test_that "a tree is saved and restored by $tool, $heap" there_and_back "$tool"
	done
	if patched; then
		test_that "by DMA with cp -a, $heap" is_direct
	fi
	umount "$mnt"
done
