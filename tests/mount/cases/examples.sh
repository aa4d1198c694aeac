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


# the module as pip installs it; Python has no sanitizers
programs=(./consumer ./alone)
if [ -z "$(sanitizers)" ]; then
	cp -r "$here/../../src/python" module
	/usr/bin/python3 -m pip --version >/dev/null 2>&1 || skip "no pip"
	/usr/bin/python3 -m pip -q --disable-pip-version-check install --root-user-action=ignore \
		--no-index --no-build-isolation --target modules ./module
	export PYTHONPATH=$work/modules
	programs+=("/usr/bin/python3 $examples/consumer.py")
fi

mount_fs
cp bytes "$mnt/buf"
heap=$(status heap)
kind='shared memory'
[[ $(status dmabuf) != yes* ]] || kind='a dma-buf'
for program in "${programs[@]}"; do
	# shellcheck disable=SC2086 # words
	$program "$mnt/buf" >said
	assert_eq "$(cat said)" "$mnt/buf: 3 bytes, $kind of the heap $heap"$'\n'"sum 6" "output"
	# shellcheck disable=SC2086
	assert_fails "none: no such file" $program "$mnt/none"
	# shellcheck disable=SC2086
	assert_fails "bytes: not a file of a dmaheapfs mount" $program bytes
done
[ -z "$(sanitizers)" ] || exit 0

/usr/bin/python3 - "$mnt/buf" <<'PYTHON'
import array, os, sys
import dmaheapfs

path = sys.argv[1]
info = dmaheapfs.query(path)
assert info.size == 3 and info.capacity >= 3, info

take = dmaheapfs.export if info.is_dmabuf else lambda path: dmaheapfs.memory(path, write=info.heap == "shmem")
with take(path) as buffer:
    assert os.fstat(buffer.fileno()).st_ino
    with buffer.cpu_access(write=True, timeout=1.5) as data:
        assert array.array("B", data).tolist() == [1, 2, 3]
        data[1] = 9
    view = buffer.map()
assert open(path, "rb").read() == b"\1\11\3" == bytes(view)
assert dmaheapfs.query(path).exported == info.is_dmabuf
try:
    buffer.fileno()
    raise AssertionError("a closed buffer has an fd")
except ValueError:
    pass

open(path + ".empty", "w").close()
for wrong in (lambda: dmaheapfs.export(path + ".empty"), lambda: dmaheapfs.query("/etc/passwd"),
              lambda: dmaheapfs.memory(path + ".none"), lambda: dmaheapfs.import_dmabuf(path + ".new", 0)):
    try:
        wrong()
        raise AssertionError("no error")
    except OSError as error:
        assert error.strerror and error.filename, error
if info.is_dmabuf:
    with dmaheapfs.export(path) as buffer:
        dmaheapfs.import_dmabuf(path + ".again", buffer.fileno())
    assert dmaheapfs.query(path + ".again").exported
PYTHON
