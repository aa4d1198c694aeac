#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""model.py make FILE | check FILE | check FD

A model for the tests, in the format that FILE's ending names, .safetensors or
.gguf; and a consumer that maps it, by its name or as an fd of its dma-buf, finds
the tensors in it, and looks at each number in place.
"""
import array, ctypes, json, mmap, os, struct, sys

TENSORS = [("tok.embed", [300, 64]), ("layer.0.weight", [64, 1024]), ("layer.0.bias", [1024])]
GGUF_STRING, GGUF_F32, ALIGNMENT = 8, 0, 32


def numbers(name, shape):
    count = 1
    for length in shape:
        count *= length
    seed = sum(name.encode())
    return array.array("f", (float((seed * 31 + i * 7) % 65521) for i in range(count)))


def gguf_string(text):
    return struct.pack("<Q", len(text)) + text.encode()


def pad(data):
    return data + bytes(-len(data) % ALIGNMENT)


def make_safetensors():
    header, data = {}, b""
    for name, shape in TENSORS:
        piece = numbers(name, shape).tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def make_gguf():
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(TENSORS), 1)
    head += gguf_string("general.architecture") + struct.pack("<I", GGUF_STRING) + gguf_string("test")
    data = b""
    for name, shape in TENSORS:
        head += gguf_string(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}QIQ", *shape, GGUF_F32, len(data))
        data = pad(data + numbers(name, shape).tobytes())
    return pad(head) + data


def safetensors_tensors(view):
    (size,) = struct.unpack_from("<Q", view)
    for name, tensor in json.loads(bytes(view[8:8 + size])).items():
        begin, end = tensor["data_offsets"]
        yield name, tensor["shape"], view[8 + size + begin:8 + size + end]


def gguf_tensors(view):
    def string(at):
        (length,) = struct.unpack_from("<Q", view, at)
        return bytes(view[at + 8:at + 8 + length]).decode(), at + 8 + length

    _, version, count, pairs = struct.unpack_from("<4sIQQ", view)
    assert version == 3, version
    at, found = 24, []
    for _ in range(pairs):
        _, at = string(at)
        assert struct.unpack_from("<I", view, at) == (GGUF_STRING,)
        _, at = string(at + 4)
    for _ in range(count):
        name, at = string(at)
        (dimensions,) = struct.unpack_from("<I", view, at)
        *shape, kind, offset = struct.unpack_from(f"<{dimensions}QIQ", view, at + 4)
        assert kind == GGUF_F32, kind
        found.append((name, shape, offset))
        at += 4 + 8 * dimensions + 12
    start = at + -at % ALIGNMENT
    for name, shape, offset in found:
        begin = start + offset
        yield name, shape, view[begin:begin + 4 * len(numbers(name, shape))]


def check(view):
    reader = gguf_tensors if view[:4] == b"GGUF" else safetensors_tensors
    found = []
    for name, shape, piece in reader(view):
        assert piece.cast("f") == memoryview(numbers(name, shape)), name
        found.append((name, list(shape)))
    assert found == TENSORS, found


def check_fd(fd):
    with mmap.mmap(fd, os.lseek(fd, 0, os.SEEK_END), mmap.MAP_SHARED, mmap.PROT_READ) as whole:
        with memoryview(whole) as view:
            check(view)


def check_dmabuf(fd):
    lib = ctypes.CDLL("libdmaheapfs.so.0")
    assert lib.dmaheap_begin_cpu_access(fd, 1, 1000) == 0
    check_fd(fd)
    assert lib.dmaheap_end_cpu_access(fd, 1) == 0


verb, what = sys.argv[1:]
if verb == "make":
    with open(what, "wb") as out:
        out.write(make_gguf() if what.endswith(".gguf") else make_safetensors())
elif what.isdigit():
    check_dmabuf(int(what))
else:
    with open(what, "r+b") as model:
        check_fd(model.fileno())
