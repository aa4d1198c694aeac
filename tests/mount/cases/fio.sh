# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: load
#
# fio verifies its own writes: several jobs, several kinds of I/O.
need_cmd fio
mount_fs size=512m

# verify NAME OPTION...
verify() {
	local name=$1
	shift
	fio --name="$name" --directory="$mnt" --size=8m --bs=4k --numjobs=4 --group_reporting \
		--verify=crc32c --verify_fatal=1 --end_fsync=1 --unlink=1 --output=fio.log "$@" ||
		fail "$name: $(tail -n 20 fio.log)"
}
verify sync --rw=randwrite --ioengine=psync
verify vectors --rw=randrw --ioengine=pvsync2 --bsrange=512-64k
verify mmap --rw=randwrite --ioengine=mmap
verify direct --rw=randwrite --ioengine=libaio --iodepth=8 --direct=1
verify uring --rw=randwrite --ioengine=io_uring --iodepth=8
verify threads --rw=write --ioengine=sync --thread --bs=128k
verify filled --rw=randwrite --ioengine=psync --fallocate=posix
verify odd --rw=write --ioengine=psync --bs=1234 --size=3m
# all in one file, each its own part
fio --name=shared --filename="$mnt/shared" --size=8m --bs=4k --numjobs=4 --offset_increment=8m \
	--rw=randwrite --ioengine=psync --verify=crc32c --verify_fatal=1 --output=fio.log ||
	fail "shared: $(tail -n 20 fio.log)"
rm -f "$mnt"/*
freed() { [ "$(status memory_used)" -eq 0 ]; }
wait_until 5 freed
