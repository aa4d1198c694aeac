#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: safetensors.py FILE...

Maps the weights of models in the safetensors format in place, as arrays of numpy: those of a
file on a mount by its dma-buf, or its memory, those of any other file by mmap. Prints how long
it takes to the first weight and to the last, and a sum, for which each one is read.

    dmaheapctl load model-*.safetensors /mnt/dmaheap && safetensors.py /mnt/dmaheap/model-*
"""
import json
import mmap
import sys
import time

import dmaheapfs
import numpy

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
         "I8": "<i1", "U8": "<u1", "BOOL": "?"}


def map_bytes(path):
    """Returns the bytes of a file as a memoryview, without a copy."""
    try:
        info = dmaheapfs.query(path)
    except OSError:
        with open(path, "rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
    with dmaheapfs.export(path) if info.is_dmabuf else dmaheapfs.memory(path) as buffer:
        return buffer.map()


def tensors(data):
    """Yields the names and arrays of a file: a length, a header in JSON, and the weights."""
    start = 8 + int.from_bytes(data[:8], "little")
    for name, entry in json.loads(bytes(data[8:start])).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        array = numpy.frombuffer(data[start + begin:start + end], TYPES[entry["dtype"]])
        yield name, array.reshape(entry["shape"])


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    begin = time.monotonic()
    first, count, total = None, 0, 0.0
    for path in sys.argv[1:]:
        for _, array in tensors(map_bytes(path)):
            total += float(array.sum(dtype="f8"))
            first = first or time.monotonic() - begin
            count += 1
    last = time.monotonic() - begin
    print(f"{count} weights, sum {total}; first after {first or 0:.6f} s, last after {last:.6f} s")


try:
    main()
except OSError as problem:
    sys.exit(f"{problem.filename}: {problem.strerror}")
