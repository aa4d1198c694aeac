# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The examples work with the library as it is installed.
need_cmd cc cmake pkg-config python3
examples=$here/../../contrib/examples
printf '\001\002\003' >bytes

DESTDIR=$work/root cmake --install /usr/local/sbin >/dev/null
found=$(cd root && find . -name dmaheapfs.pc)
export PKG_CONFIG_SYSROOT_DIR=$work/root PKG_CONFIG_PATH=$work/root/${found%/*}
read -ra flags < <(pkg-config --cflags --libs dmaheapfs)
[ -z "$(sanitizers)" ] || flags+=("-fsanitize=$(sanitizers)")
cc -Wall -Wextra -Werror "$examples/consumer.c" -o consumer "${flags[@]}"
# and by the archive alone
cc "$examples/consumer.c" -o alone "${flags[@]/#-l*/-l:libdmaheapfs.a}"
LD_LIBRARY_PATH=$(cd "root/${found%/*}/.." && pwd)
export LD_LIBRARY_PATH

mount_fs
cp bytes "$mnt/buf"
heap=$(status heap)
if [[ $(status dmabuf) == yes* ]]; then
	kind='a dma-buf' python=("sum 6")
else
	kind='shared memory'
	python=("$mnt/buf: not supported by the heap of the mount; see dmaheapctl heaps")
fi
# Python has no sanitizers
[ -z "$(sanitizers)" ] || python=()
for program in ./consumer ./alone; do
	"$program" "$mnt/buf" >said
	assert_eq "$(cat said)" "$mnt/buf: 3 bytes, $kind of the heap $heap"$'\n'"sum 6" "output"
	assert_fails "none: no such file" "$program" "$mnt/none"
	assert_fails "bytes: not a file of a dmaheapfs mount" "$program" bytes
done
for want in "${python[@]}"; do
	"$examples/consumer.py" "$mnt/buf" >said 2>&1 || true
	assert_eq "$(cat said)" "$want" "output of the Python example"
done
