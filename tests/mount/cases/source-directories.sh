# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short source process
#
# Positions in directories of .source fit into 31 bits, so that 32-bit programs can list them,
# and seekdir(3) finds them again, in any order and after the process that serves was killed.
mkdir -p src/many src/empty
(cd src/many && seq 3000 | xargs touch)
mount_fs source="$work/src"

/usr/bin/python3 - "$mnt/.source/many" "$worker" <<'PYTHON'
import ctypes, os, random, signal, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.opendir.restype = libc.readdir64.restype = ctypes.c_void_p
libc.telldir.restype = ctypes.c_long
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
for call in (libc.readdir64, libc.telldir, libc.rewinddir, libc.closedir):
    call.argtypes = [ctypes.c_void_p]


def read(directory):
    entry = libc.readdir64(directory)
    return ctypes.string_at(entry + 19).decode() if entry else None  # d_name


directory = libc.opendir(sys.argv[1].encode())
names, positions = [], []
while True:
    position = libc.telldir(directory)
    name = read(directory)
    if name is None:
        break
    names.append(name)
    positions.append(position)
assert sorted(names) == sorted([".", ".."] + [str(i) for i in range(1, 3001)]), len(names)
assert all(0 <= position < 1 << 31 for position in positions), max(positions)
assert len(set(positions)) == len(positions)

random.seed(1)
for step in range(400):
    if step == 200:
        os.kill(int(sys.argv[2]), signal.SIGKILL)
    at = random.randrange(len(names))
    libc.seekdir(directory, positions[at])
    for i in range(at, min(at + 3, len(names))):
        got = read(directory)
        assert got == names[i], (step, at, got, names[i])
libc.rewinddir(directory)
assert read(directory) == names[0]
libc.closedir(directory)
PYTHON
assert_eq "$(status restarts)" 1 "restarts"
assert_eq "$(ls -A "$mnt/.source/empty")" "" "an empty directory"
