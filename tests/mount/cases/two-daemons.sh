# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# Of several daemons that start at once on one mountpoint, one mounts. And a mount
# that has ended keeps no memory but that of files that other processes hold.

mkdir mnt
mnt=$work/mnt
for _ in {1..15}; do
	pids=()
	for _ in 1 2 3 4; do
		dmaheapfs dmaheapfs "$mnt" -o heap=shmem,size=10m 2>>said &
		pids+=($!)
	done
	mounted=0
	for pid in "${pids[@]}"; do
		! wait "$pid" || mounted=$((mounted + 1))
	done
	assert_eq "$mounted" 1 "daemons that say that they have mounted"
	assert_eq "$(findmnt --noheadings --kernel --mountpoint "$mnt" | wc -l)" 1 "mounts"
	umount "$mnt"
done
grep -q 'is mounted already' said
wait_until 10 eval '! pgrep -x dmaheapfs >/dev/null'

# one that hangs while it mounts does not keep others from mounting elsewhere
flock /run/dmaheapfs.lock sleep 30 &
holder=$!
timeout 15 dmaheapfs dmaheapfs "$mnt" -o heap=shmem,size=10m
umount "$mnt"
pkill sleep
wait "$holder" || true
wait_until 10 eval '! pgrep -x dmaheapfs >/dev/null'

mount_fs heap=shmem,size=200m
printf small >mnt/small
mkdir -p mnt/a/b/c
make_file mnt/a/b/c/large 50M
make_file mnt/large 50M
cat >hold.py <<'EOF'
import os, time
open("held", "w").write("yes")
while not os.path.exists("go"):
    time.sleep(0.05)
usage = os.fstatvfs(5)
open("uses", "w").write("%d" % ((usage.f_blocks - usage.f_bfree) * usage.f_frsize))
EOF
dmaheapctl exec --memory 5=mnt/small -- python3 hold.py &
holder=$!
wait_until 10 test -s held
umount_fs
: >go
wait "$holder"
assert_eq "$(cat uses)" "$(getconf PAGESIZE)" "bytes that the holder keeps"
