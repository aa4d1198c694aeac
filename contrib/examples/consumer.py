#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Sums up the bytes of a file's dma-buf, or of its memory: consumer.py /mnt/dmaheap/buf0
import sys

import dmaheapfs

if len(sys.argv) != 2:
    sys.exit("usage: consumer.py FILE")
path = sys.argv[1]
try:
    info = dmaheapfs.query(path)
    buffer = dmaheapfs.export(path) if info.is_dmabuf else dmaheapfs.memory(path)
    kind = "a dma-buf" if info.is_dmabuf else "shared memory"
    print(f"{path}: {info.size} bytes, {kind} of the heap {info.heap}")
    with buffer, buffer.cpu_access() as data:
        print("sum", sum(data))
except OSError as error:
    sys.exit(f"{path}: {error.strerror}")
