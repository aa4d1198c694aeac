# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
# kill: 1500
# shellcheck disable=SC2012 # ls is under test
#
# Ten thousand files: made, listed, found, and gone without a trace.
mount_fs
mkdir "$mnt/many" "$mnt/wide"
descriptors() { find "/proc/$daemon/fd" -mindepth 1 | wc -l; }
before=$(descriptors)

content=$(printf '%01000d' 0)
printf %s "$content" >one
make() { for ((i = $1; i <= 10000; i += 4)); do printf %s "$content" >"$mnt/many/file $i"; done; }
in_parallel 4 make
assert_eq "$(find "$mnt/many" -maxdepth 1 -type f -printf x | wc -c)" 10000 "number of files found"
assert_eq "$(ls -U "$mnt/many" | sort -u | wc -l)" 10000 "number of names listed"
assert_eq "$(ls -l "$mnt/many" | awk '$5 == 1000' | wc -l)" 10000 "number of files of that size"
assert_eq "$(find "$mnt/many" -name 'file 12*' | wc -l)" 111 "number of names that match"
assert_eq "$(find "$mnt/many" -type f -exec cat {} + | wc -c)" 10000000 "bytes in all of them"
# nobody has them open, so they cost the daemon nothing but memory, or a memory file or dma-buf
mine=5
[ "$(status heap)" = shmem ] || mine=10005
few_descriptors() { [ "$(descriptors)" -le $((before + mine)) ]; }
wait_until 5 few_descriptors

seq 1000 | (cd "$mnt/wide" && xargs mkdir)
assert_eq "$(stat -c %h "$mnt/wide")" 1002 "links of a directory of directories"
for dir in "$mnt"/wide/*; do : >"$dir/below"; done
assert_eq "$(find "$mnt/wide" -type f | wc -l)" 1000 "files one below"
mv "$mnt/wide" "$mnt/many/"
cp -a "$mnt/many/wide" copied
diff -rq "$mnt/many/wide" copied

# inodes that the kernel forgot are found again
for _ in 1 2 3; do echo 2 >/proc/sys/vm/drop_caches; done
cmp one "$mnt/many/file 4711"
assert_eq "$(find "$mnt/many" -type f -size -3 | wc -l)" 11000 "files after the kernel forgot"

rm -r "$mnt/many"
assert_eq "$(ls -A "$mnt")" "" "remaining files"
assert_eq "$(status memory_used) $(status inodes_used)" "0 1" "memory and inodes in use"
forgotten() { [ "$(status nodes)" -le 2 ]; }
wait_until 5 forgotten
