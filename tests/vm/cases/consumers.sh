#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: long
# needs: examples
#
# Consumers of dma-bufs that people use, by the examples: Vulkan (lavapipe), GStreamer, and a
# loader of models with numpy. Each must see the bytes of the file in its dma-buf.

set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mounts.sh
. "$top/tests/vm/lib/mounts.sh"

mnt=$PWD/mnt
examples=$top/contrib/examples
export PYTHONPATH=$top/src/python LD_LIBRARY_PATH=$top/build
python=/usr/bin/python3

# of 10 MiB, and not whole pages
by_vulkan() {
	head -c 10486000 /dev/urandom >bytes
	cp bytes "$mnt/bytes"
	cc -Wall -Wextra -Werror "$examples/vulkan.c" -o vulkan -I "$top/src/lib" -L "$top/build" \
		-l dmaheapfs -l vulkan
	./vulkan "$mnt/bytes" >copy
	same bytes copy
	rm "$mnt/bytes"
}

# that of Debian 12 does not
lavapipe_imports() { vulkaninfo 2>/dev/null | grep -q VK_EXT_external_memory_dma_buf; }

gst() { gst-launch-1.0 -q "$@"; }

by_gstreamer() {
	gst videotestsrc num-buffers=1 ! video/x-raw,format=I420,width=640,height=480 ! \
		filesink location="$mnt/frame"
	gst filesrc location="$mnt/frame" blocksize=460800 ! \
		rawvideoparse format=i420 width=640 height=480 ! videoconvert ! \
		video/x-raw,format=RGB ! filesink location=want.rgb
	"$python" "$examples/gstreamer.py" "$mnt/frame" 640 480 got.rgb
	[ "$(stat -c %s got.rgb)" = 921600 ] || fail "a frame of $(stat -c %s got.rgb) bytes"
	same want.rgb got.rgb
	rm "$mnt/frame"
}

# 16 weights of 1 MiB each
make_model() {
	"$python" - <<-'PYTHON'
		import json, numpy
		arrays = {f"layer.{i}": numpy.full((512, 1024), i, "<f2") for i in range(16)}
		header = {n: {"dtype": "F16", "shape": a.shape, "data_offsets": [i << 20, (i + 1) << 20]}
		          for i, (n, a) in enumerate(arrays.items())}
		text = json.dumps(header).encode()
		with open("model.safetensors", "wb") as file:
		    file.write(len(text).to_bytes(8, "little") + text)
		    for array in arrays.values():
		        file.write(array.tobytes())
	PYTHON
}

by_numpy() {
	local want="16 weights, sum $((120 * 512 * 1024)).0;"
	make_model
	dmaheapctl load model.safetensors "$mnt"
	[[ $("$python" "$examples/safetensors.py" model.safetensors) == "$want"* ]] || fail "the file"
	[[ $("$python" "$examples/safetensors.py" "$mnt/model.safetensors") == "$want"* ]] ||
		fail "the buffer"
	rm "$mnt/model.safetensors"
}

for heap in system udmabuf; do
	mount_fs "$mnt" "$heap"
	if lavapipe_imports; then
		test_that "Vulkan sees the bytes, $heap" by_vulkan
	else
		unable "Vulkan sees the bytes, $heap" "this Mesa's lavapipe imports no dma-bufs"
	fi
	test_that "GStreamer sees the frame, $heap" by_gstreamer
	test_that "numpy sees the weights, $heap" by_numpy
	umount "$mnt"
done
