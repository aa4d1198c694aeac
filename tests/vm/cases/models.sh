#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Model loading: a model that cp has brought is used in place, mapped by its name,
# and as the dma-buf that a device would be given.
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mounts.sh
. "$top/tests/vm/lib/mounts.sh"

mnt=$PWD/mnt
export LD_LIBRARY_PATH=$top/build
model() { "$top/tests/vm/programs/model.py" "$@"; }

# can_map FILE: by its name
can_map() { [ "$(getfattr --absolute-names --only-values -n user.dmaheap.map "$1")" != none ]; }

# loaded FORMAT
loaded() {
	local file=/data/ext4/model.$1 buf=$mnt/model.$1
	model make "$file"
	forget
	cp "$file" "$buf"
	! patched || by_disk "$buf" "$file"
	dmaheapctl exec 3="$buf" -- "$top/tests/vm/programs/model.py" check 3
	if can_map "$buf"; then
		model check "$buf"
	elif patched; then
		fail "it can't be mapped"
	fi
	# one number that is another is found
	printf x | dd of="$buf" bs=1 seek=100000 conv=notrunc status=none
	! dmaheapctl exec 3="$buf" -- "$top/tests/vm/programs/model.py" check 3 2>/dev/null ||
		fail "the check finds nothing"
}

for heap in system udmabuf; do
	mount_fs "$mnt" "$heap"
	for format in safetensors gguf; do
		test_that "a .$format file is loaded and used in place, $heap" loaded "$format"
	done
	umount "$mnt"
done
