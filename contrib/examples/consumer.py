#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Sums up the bytes of a file's dma-buf: consumer.py /mnt/dmaheap/buf0
import ctypes, mmap, os, sys

lib = ctypes.CDLL("libdmaheapfs.so.0")
lib.dmaheap_strerror.restype = ctypes.c_char_p
fd = lib.dmaheap_export(os.fsencode(sys.argv[1]))
if fd < 0:
    sys.exit(f"{sys.argv[1]}: {lib.dmaheap_strerror(fd).decode()}")
buf = mmap.mmap(fd, os.lseek(fd, 0, os.SEEK_END), mmap.MAP_SHARED, mmap.PROT_READ)
lib.dmaheap_begin_cpu_access(fd, 1, 1000)  # DMAHEAP_CPU_READ
print("sum", sum(buf[:]))
lib.dmaheap_end_cpu_access(fd, 1)
