# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# A set-id file that another user has written is not set-id any more, at once:
# the mode is not read from a cache. Native tmpfs is the model.

cat >ways.py <<'EOF'
import ctypes, os, sys
directory, program = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
page = b"x" * 4096

# the mode alone, as execve(2) reads it: other attributes are invalid after a write
def mode_of(path):
    answer = ctypes.create_string_buffer(256)
    if libc.statx(-100, path.encode(), 0, 2, answer):
        raise OSError(ctypes.get_errno(), "statx")
    return int.from_bytes(answer.raw[28:30], sys.byteorder) & 0o7777

def fallocate(fd, mode):
    if libc.fallocate(fd, mode, 0, 8192):
        raise OSError(ctypes.get_errno(), "fallocate")

def splice(fd):
    ends = os.pipe()
    os.write(ends[1], page)
    os.splice(ends[0], fd, 4096, offset_dst=0) if hasattr(os, "splice") else os.write(fd, page)

def sendfile(fd):
    os.sendfile(fd, source, 0, 4096)

ways = {
    "write": (os.O_RDWR, lambda fd: os.pwrite(fd, b"x", 0)),
    "append": (os.O_WRONLY | os.O_APPEND, lambda fd: os.write(fd, b"x")),
    "writev": (os.O_WRONLY, lambda fd: os.pwritev(fd, [page], 0)),
    "direct": (os.O_WRONLY | os.O_DIRECT, None),
    "fallocate": (os.O_WRONLY, lambda fd: fallocate(fd, 0)),
    "keep size": (os.O_WRONLY, lambda fd: fallocate(fd, 1)),
    "punch": (os.O_WRONLY, lambda fd: fallocate(fd, 3)),
    "copy": (os.O_WRONLY, lambda fd: os.copy_file_range(source, fd, 4096, 0, 0)),
    "sendfile": (os.O_WRONLY, sendfile),
    "splice": (os.O_WRONLY, splice),
    "truncate": (os.O_WRONLY, lambda fd: os.ftruncate(fd, 100)),
    "O_TRUNC": (os.O_WRONLY | os.O_TRUNC, lambda fd: 0),
}
source = os.open(directory + "/source", os.O_RDONLY)
path = directory + "/file"
for name, (flags, way) in ways.items():
    for mode in (0o4777, 0o2777, 0o6777):
        if os.path.exists(path):
            os.unlink(path)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o777))
        with open(path, "wb") as out:
            out.write(open(program, "rb").read())
        os.chmod(path, mode)
        # the mode is in the kernel's cache, if it may be cached
        os.stat(path)
        pid = os.fork()
        if not pid:
            os.setgroups([])
            os.setgid(4001)
            os.setuid(4001)
            try:
                fd = os.open(path, flags)
                if way:
                    way(fd)
                else:
                    import mmap
                    os.writev(fd, [mmap.mmap(-1, 4096)])
                os.close(fd)
                os._exit(0 if not mode_of(path) & 0o6000 else 1)
            except OSError as error:
                print(error)
                os._exit(2)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status:
            print("%s of a file with mode %o: status %d" % (name, mode, status))
EOF

mount_fs size=100m
chmod 777 mnt
make_file mnt/source 8K
chmod 644 mnt/source
assert_eq "$(/usr/bin/python3 ways.py "$work/mnt" /bin/true)" '' "ways that leave a set-id bit"

# an fd of the memory, by which a map could be written without notice
if [ "$(status heap)" = shmem ]; then
	make_file mnt/given 4K
	chmod 6777 mnt/given
	as_user 4001 dmaheapctl exec --memory 3=mnt/given -- true
	assert_eq "$(stat -c %a mnt/given)" 777 "the mode once the memory was given"
fi

# without execution by the group the bit is no right, and stays for its members
: >mnt/mandatory
chown 4001:4001 mnt/mandatory
chmod 2666 mnt/mandatory
as_user 4001 truncate -s 100 mnt/mandatory
as_user 4001 fallocate -l 8192 mnt/mandatory
as_user 4001 chown :4001 mnt/mandatory
assert_eq "$(stat -c %a mnt/mandatory)" 2666 "the mode of a member's file"
as_user 4002 truncate -s 100 mnt/mandatory
# FUSE of Linux 6.12 leaves the bit, where the tree's kernel does not remove it
case $(uname -r):$(status heap) in
6.12.*:shmem) mode=666 ;;
6.12.*) mode=2666 ;;
*) mode=666 ;;
esac
assert_eq "$(stat -c %a mnt/mandatory)" "$mode" "the mode after another user's truncation"
