# SPDX-License-Identifier: LGPL-2.1-or-later
"""The dma-bufs behind the files of a dmaheapfs mount, see dmaheapfs(3).

    import dmaheapfs

    with dmaheapfs.export("/mnt/dmaheap/buf0") as buffer:
        give_to_a_device(buffer.fileno())
        with buffer.cpu_access() as bytes:      # a memoryview
            print(sum(bytes))

Errors are OSErrors with the errno and the file. A buffer's memory is freed when the file is
gone, its fds are closed, and its maps, memoryviews and arrays are.
"""

import contextlib
import ctypes
import dataclasses
import errno
import mmap
import os
from typing import Iterator, Optional, Union

__all__ = ["Buffer", "Info", "export", "import_dmabuf", "memory", "query"]

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]

_READ, _WRITE = 1, 2  # DMAHEAP_CPU_READ and _WRITE
_IS_DMABUF, _EXPORTED = 1, 2  # flags of struct dmaheap_info


class _Info(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_uint64),
        ("capacity", ctypes.c_uint64),
        ("flags", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("device", ctypes.c_uint64),
        ("inode", ctypes.c_uint64),
        ("heap", ctypes.c_char * 64),
        ("unused", ctypes.c_uint64 * 4),
    ]


_lib = ctypes.CDLL("libdmaheapfs.so.0")
_lib.dmaheap_strerror.restype = ctypes.c_char_p


def _check(result: int, path: Optional[Path] = None) -> int:
    if result >= 0:
        return result
    text = _lib.dmaheap_strerror(result).decode()
    raise OSError(-result, text, path) if path is not None else OSError(-result, text)


@dataclasses.dataclass(frozen=True)
class Info:
    """What is known of a file."""

    size: int  # of the file, bytes
    capacity: int  # of the memory, bytes: the size of the dma-buf
    heap: str
    is_dmabuf: bool  # the heap has dma-bufs
    exported: bool  # the file is exported, and can no longer grow


class Buffer:
    """An fd of a file's memory: a dma-buf, or a memory file. Closes it at the end."""

    def __init__(self, fd: int, size: int, is_dmabuf: bool) -> None:
        self._fd = fd
        self._is_dmabuf = is_dmabuf
        self.size = size  # of the file, bytes; the memory has whole pages

    def fileno(self) -> int:
        """Returns the fd, which stays the buffer's. os.dup() makes one for others."""
        if self._fd < 0:
            raise ValueError("the buffer is closed")
        return self._fd

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> "Buffer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def map(self, write: bool = False) -> memoryview:
        """Maps the file's bytes. Devices may change them meanwhile, see cpu_access()."""
        if not self.size:
            return memoryview(b"")
        prot = mmap.PROT_READ | (mmap.PROT_WRITE if write else 0)
        return memoryview(mmap.mmap(self.fileno(), self.size, mmap.MAP_SHARED, prot))

    @contextlib.contextmanager
    def cpu_access(self, write: bool = False, timeout: Optional[float] = None) -> Iterator[memoryview]:
        """Maps the bytes for the CPU: waits for devices, and keeps caches coherent.

        The wait takes timeout seconds at most, else TimeoutError; None: no limit.
        """
        access = _READ | (_WRITE if write else 0)
        view = self.map(write)
        if self._is_dmabuf:
            limit = -1 if timeout is None else int(timeout * 1000)
            _check(_lib.dmaheap_begin_cpu_access(self.fileno(), access, limit))
        try:
            yield view
        finally:
            if self._is_dmabuf:
                _check(_lib.dmaheap_end_cpu_access(self.fileno(), access))


def query(path: Path) -> Info:
    """Returns what is known of a file."""
    info = _Info()
    _check(_lib.dmaheap_query(os.fsencode(path), ctypes.byref(info)), path)
    return Info(
        size=info.size,
        capacity=info.capacity,
        heap=info.heap.decode(),
        is_dmabuf=bool(info.flags & _IS_DMABUF),
        exported=bool(info.flags & _EXPORTED),
    )


def export(path: Path) -> Buffer:
    """Returns the dma-buf of a file, which the caller must be allowed to read and write."""
    fd = _check(_lib.dmaheap_export(os.fsencode(path)), path)
    return _buffer(fd, path, True)


def memory(path: Path, write: bool = False) -> Buffer:
    """Returns the memory file of a file, on the heaps shmem and udmabuf; it is no dma-buf."""
    fd = _check(_lib.dmaheap_memory(os.fsencode(path), int(write)), path)
    return _buffer(fd, path, False)


def _buffer(fd: int, path: Path, is_dmabuf: bool) -> Buffer:
    buffer = Buffer(fd, 0, is_dmabuf)
    # an exported file can no longer grow, so its size is at most the memory's
    buffer.size = query(path).size
    return buffer


def import_dmabuf(path: Path, dmabuf: int) -> None:
    """Creates a file with a dma-buf as its memory. The fd stays the caller's."""
    if dmabuf < 0:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    _check(_lib.dmaheap_import(os.fsencode(path), dmabuf), path)
