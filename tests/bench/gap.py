#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: gap.py MOUNT FILES [KILLS]

Creates FILES files on a dmaheapfs mount, kills the process that serves it, and prints how
long statfs(2) waits for the answer of the next one. Needs root. The files are removed.
"""
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time


def worker_of(mount):
    text = subprocess.check_output(["dmaheapctl", "status", "--json", mount])
    return json.loads(text)["worker"]


def make_files(directory, count):
    for number in range(count):
        os.close(os.open(f"{directory}/{number}", os.O_CREAT | os.O_WRONLY, 0o600))


def gap(mount):
    worker = worker_of(mount)
    start = time.monotonic()
    os.kill(worker, signal.SIGKILL)
    os.statvfs(mount)
    return (time.monotonic() - start) * 1000


def resident(process):
    with open(f"/proc/{process}/status", encoding="ascii") as status:
        return next(line.split()[1] for line in status if line.startswith("VmRSS"))


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    mount, count = sys.argv[1], int(sys.argv[2])
    kills = int(sys.argv[3]) if len(sys.argv) == 4 else 21
    directory = tempfile.mkdtemp(dir=mount)
    try:
        make_files(directory, count)
        gaps = []
        for _ in range(kills):
            gaps.append(gap(mount))
            time.sleep(0.1)
        print(f"{count} files, {kills} kills: median {statistics.median(gaps):.1f} ms, "
              f"most {max(gaps):.1f} ms, the process has {resident(worker_of(mount))} KiB")
    finally:
        shutil.rmtree(directory)


main()
