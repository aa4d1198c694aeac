# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# -o size= and nr_inodes=, df, and a full heap.
need_cmd busybox

# the daemon can't limit passthrough writes to memory files; a guest's patched kernel can
[ "${DMAHEAPFS_TEST_HEAP:-shmem}" != udmabuf ] || [ "${rig_kernel:-stock}" != stock ] || {
	mount_fs
	! has_holes || skip "udmabuf's memory files can outgrow a mount"
	umount_fs
}

# is_within NUMBER LEAST MOST
is_within() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]; }

# df_of FIELD: blocks are KiB
df_of() { df --output="$1" -k "$mnt" | tail -n 1 | tr -d ' '; }
used() { df_of used; }

mount_fs size=16m,nr_inodes=100
assert_eq "$(df_of size) $(used) $(df_of avail)" "16384 0 16384" "df of an empty mount"
assert_eq "$(df_of itotal) $(df_of iused)" "100 1" "inodes of an empty mount"
assert_eq "$(stat -f -c %S "$mnt")" "$(getconf PAGESIZE)" "block size"

# too large a request fails at once
echo small >"$mnt/file"
assert_fails "No space left" truncate -s 17M "$mnt/file"
assert_fails "No space left" fallocate -l 17M "$mnt/file"
assert_fails "No space left" fallocate -n -l 17M "$mnt/file"
assert_fails "No space left" truncate -s 7E "$mnt/file"
assert_eq "$(cat "$mnt/file")" small "old content"
assert_eq "$(stat -c '%s %b' "$mnt/file")" "6 8" "size and blocks"
assert_eq "$(used)" 4 "used after the refusal"

# reserved is taken, and given back
fallocate -l 8M "$mnt/reserved"
assert_eq "$(used)" 8196 "used after fallocate"
assert_fails "No space left" truncate -s 9M "$mnt/other"
assert_fails "No space left" fallocate -l 9M "$mnt/other"
truncate -s 7M "$mnt/other"
rm "$mnt/reserved" "$mnt/other"
assert_eq "$(used)" 4 "used right after rm"

# a copy that is too large; if the kernel requests all the space first, no byte arrives
is_the_part_that_fits() { is_within "$1" $((15 << 20)) $((16 << 20)) || { ! has_holes && [ "$1" -eq 0 ]; }; }
make_file source 20M
assert_fails "No space left" cp source "$mnt/big"
size=$(stat -c %s "$mnt/big")
is_the_part_that_fits "$size" || fail "$size bytes arrived"
cmp -n "$size" source "$mnt/big"
[ "$size" -eq 0 ] || assert_eq "$(df_of avail)" 0 "left"
fill_by() {
	case $1 in
	cat) cat source >"$mnt/big" ;;
	dd) dd if=source of="$mnt/big" status=none ;;
	*) busybox cp source "$mnt/big" ;;
	esac
}
for tool in busybox cat dd; do
	rm "$mnt/big"
	assert_eq "$(used)" 4 "used after rm, before $tool"
	assert_fails "No space left" fill_by "$tool"
	size=$(stat -c %s "$mnt/big")
	is_the_part_that_fits "$size" || fail "$tool brought $size bytes"
	cmp -n "$size" source "$mnt/big"
done

# full as it is, the rest keeps working
assert_fails "No space left" dd if=source of="$mnt/more" bs=64K count=1 status=none
assert_eq "$(cat "$mnt/file")" small "old content"
printf 'SMALL' | dd of="$mnt/file" conv=notrunc status=none
assert_eq "$(cat "$mnt/file")" SMALL "overwritten content"
mv "$mnt/file" "$mnt/moved"
ls -l "$mnt" >/dev/null
chmod 600 "$mnt/moved"
truncate -s 1M "$mnt/big"
cp "$mnt/moved" "$mnt/copy"
assert_eq "$(cat "$mnt/copy")" SMALL "a copy after room was made"
rm "$mnt"/*
assert_eq "$(used) $(df_of iused)" "0 1" "used and inodes after rm"

# an open file keeps its memory until it is closed
exec {fd}>"$mnt/open"
head -c 1M source >&"$fd"
rm "$mnt/open"
# close returns the unused memory of a dma-buf that grew by writes
most=1024
has_holes || most=1536
is_within "$(used)" 1024 "$most" || fail "$(used) KiB used by an open file"
exec {fd}>&-
gone() { [ "$(used)" -eq 0 ]; }
wait_until 5 gone

# inodes
for i in $(seq 99); do
	: >"$mnt/$i"
done
assert_fails "No space left" touch "$mnt/100"
assert_fails "No space left" mkdir "$mnt/100"
assert_fails "No space left" ln -s x "$mnt/100"
assert_fails "No space left" mkfifo "$mnt/100"
assert_eq "$(df_of iavail)" 0 "inodes left"
echo text >"$mnt/1"
mv "$mnt/2" "$mnt/1"
touch "$mnt/100"
rm "$mnt"/*
assert_eq "$(df_of iused)" 1 "inodes after rm"
assert_eq "$(status memory_used) $(status memory_limit)" "0 16777216" "memory in status"
umount_fs

# sizes as tmpfs takes them
memory=$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)
for size in 1048576 1024k 1024K 1m 1M; do
	mount_fs "size=$size"
	assert_eq "$(df_of size)" 1024 "size=$size"
	umount_fs
done
mount_fs size=1g
assert_eq "$(df_of size)" $((1 << 20)) "size=1g"
umount_fs
mount_fs size=10%
part=$(($(df_of size) * 100 / memory))
is_within "$part" 9 10 || fail "size=10% is $part%"
umount_fs
mount_fs
part=$(($(df_of size) * 100 / memory))
is_within "$part" 49 50 || fail "without size= it is $part%"
umount_fs
mount_fs size=1,nr_inodes=1k
assert_eq "$(df_of size) $(df_of itotal)" "$(($(getconf PAGESIZE) / 1024)) 1024" "size=1,nr_inodes=1k"
umount_fs
