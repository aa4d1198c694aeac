#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What programs do with maps of files: maps.py DIRECTORY CHECK. Fails with a traceback."""
import mmap
import os
import sys
import tempfile

SIZE = 100000
d = sys.argv[1]


def file(name, *flags):
    fd = os.open(f"{d}/{name}", os.O_RDWR | os.O_CREAT | sum(flags))
    return fd


def store(fd, size=SIZE):
    with mmap.mmap(fd, size) as m:
        assert m[:2] == os.pread(fd, 2, 0)
        m[0:2] = b"ok"
        assert os.pread(fd, 2, 0) == b"ok"
    os.close(fd)


def private():
    """a private map shows the file, and keeps what is stored to itself"""
    fd = file("private")
    os.write(fd, b"x" * SIZE)
    for prot in (mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE):
        with mmap.mmap(fd, SIZE, flags=mmap.MAP_PRIVATE, prot=prot) as m:
            assert m[:] == b"x" * SIZE
            if prot & mmap.PROT_WRITE:
                m[0:1] = b"#"
            assert os.pread(fd, 1, 0) == b"x"


def before_memory():
    """a file is mapped by the fd that made, truncated, wrote or preallocated it"""
    fd = file("truncated")
    os.ftruncate(fd, SIZE)
    store(fd)
    fd = file("written")
    os.write(fd, b"xx" * (SIZE // 2))
    store(fd)
    fd = file("allocated")
    os.posix_fallocate(fd, 0, SIZE)
    store(fd)
    with open(f"{d}/again", "wb") as f:
        f.write(b"x" * 5)
    fd = file("again", os.O_TRUNC)
    os.ftruncate(fd, SIZE)
    store(fd)
    with open(f"{d}/appended", "wb") as f:
        f.write(b"x" * SIZE)
    store(file("appended", os.O_APPEND))
    with tempfile.TemporaryFile(dir=d) as t:
        t.truncate(SIZE)
        store(os.dup(t.fileno()))


def grows():
    """a file grows while it is mapped, by each way to grow, and the map shows the same file"""
    fd = file("grows")
    os.write(fd, b"y" * 5000)
    with mmap.mmap(fd, 5000) as m:
        os.ftruncate(fd, 3 << 20)
        with open(f"{d}/grows", "ab") as f:
            f.write(b"z" * 5000)
        assert os.fstat(fd).st_size == (3 << 20) + 5000
        with open(sys.argv[3], "rb") as source:
            n = os.copy_file_range(source.fileno(), fd, 1 << 20, 0, 4 << 20)
        m[100:102] = b"ok"
        assert os.pread(fd, 2, 100) == b"ok"
        assert m[4999:5000] == b"y"
    assert os.pread(fd, 1, 3 << 20) == b"z"
    assert os.fstat(fd).st_size == (4 << 20) + n


def protections():
    """maps may be made executable, and writable after they were made for reading"""
    fd = file("code")
    os.write(fd, b"\0" * SIZE)
    mmap.mmap(fd, SIZE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()
    mmap.mmap(fd, SIZE, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()


globals()[sys.argv[2]]()
