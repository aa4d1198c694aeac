# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: source
# timeout: 400
#
# A sparse source of more than 4 GiB, which one reply can't count: all of it
# arrives, in as few requests as can be.

memory=$(($(sed -n 's/^MemAvailable: *\([0-9]*\) .*/\1/p' /proc/meminfo) / 1024))
[ "$memory" -gt 6000 ] || skip "too little memory for more than 4 GiB"
mkdir src
size=$(((4 << 30) + 12345))
truncate -s "$size" src/large
marks=(0 1048000 2147483600 4294963200 4294967000 4294979000)
for at in "${marks[@]}"; do
	printf 'mark at %s' "$at" | dd of=src/large oflag=seek_bytes seek="$at" conv=notrunc status=none
done
mount_fs size=5g,source="$work/src"

counter() { getfattr --absolute-names --only-values -n user.dmaheap.status "$mnt" | sed -n "s/^$1=//p"; }
cp "$mnt/.source/large" "$mnt/large"
assert_eq "$(stat -c %s "$mnt/large")" "$size" "size"
assert_eq "$(counter reads) $(counter writes)" "0 0" "reads and writes"
# a copy that a kill has interrupted is short
[ "$(counter restarts)" != 0 ] || assert_eq "$(counter copies)" 2 "copies"
assert_eq "$(counter copied_bytes)" "$size" "bytes copied"
getfattr --absolute-names --only-values -n user.dmaheap.copy "$mnt/large" | grep -q "engine=.* bytes=$size " ||
	fail "$(getfattr --absolute-names --only-values -n user.dmaheap.copy "$mnt/large") is not all of it"
for at in "${marks[@]}"; do
	text="mark at $at"
	assert_eq "$(dd if="$mnt/large" iflag=skip_bytes,count_bytes skip="$at" count=${#text} \
		status=none)" "$text" "content"
done
assert_same src/large "$mnt/large"

# there is no room for another, and no more is lost for it
assert_fails "No space left on device" cp "$mnt/.source/large" "$mnt/again"
rm "$mnt/again"
assert_eq "$(stat -c %s "$mnt/large")" "$size" "size"
