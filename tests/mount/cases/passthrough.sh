# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# Data goes past the daemon: its counters prove it.
need_cmd busybox toybox
has_passthrough || skip "this build or this kernel has no FUSE passthrough"
make_file source 5M
mount_fs size=4g
has_holes || skip "a dma-buf is written past the daemon once it is there"
assert_eq "$(status passthrough)" yes "passthrough in status"

# no_data_passes COMMAND...: the daemon neither reads nor writes for it
no_data_passes() {
	local opens
	opens=$(status opens_passthrough)
	"$@"
	assert_eq "$(status reads) $(status writes)" "0 0" "reads and writes after '$*'"
	[ "$(status opens_passthrough)" -gt "$opens" ] || fail "nothing was opened by: $*"
}

into() { cat source >"$mnt/$1"; }
out_of() { cat "$mnt/$1" >out; }
appending() { head -c 100 source >>"$mnt/$1"; }

no_data_passes cp source "$mnt/a"
no_data_passes cp "$mnt/a" out
no_data_passes cp -a source "$mnt/archive"
no_data_passes install source "$mnt/installed"
no_data_passes busybox cp source "$mnt/b"
no_data_passes toybox cp source "$mnt/c"
no_data_passes dd if=source of="$mnt/d" bs=64K status=none
no_data_passes dd if=source of="$mnt/d" bs=64K conv=notrunc,fsync status=none
no_data_passes dd if=source of="$mnt/d" bs=4K oflag=direct status=none
no_data_passes dd if="$mnt/d" of=/dev/null bs=4K iflag=direct status=none
no_data_passes dd if=source of="$mnt/d" bs=64K oflag=sync,append conv=notrunc status=none
no_data_passes into e
no_data_passes out_of e
no_data_passes appending e
no_data_passes sha256sum "$mnt/a"
no_data_passes cmp source "$mnt/a"
no_data_passes maps "$mnt"
no_data_passes tar -C "$mnt" -cf out.tar a b c
no_data_passes tar -C "$mnt" -xf out.tar
no_data_passes as_user 1000 cat "$mnt/a" >/dev/null
for file in a archive installed b c; do
	assert_same source "$mnt/$file"
done

# stat knows passthrough writes at once
exec {fd}<>"$mnt/fresh"
stat "$mnt/fresh" >/dev/null
assert_eq "$(sys pwrite "$fd" 100000 text)" 4
assert_eq "$(stat -c '%s %b' "$mnt/fresh")" "100004 8" "size and blocks after a write"
touch -d 2001-01-01 "$mnt/fresh"
stat "$mnt/fresh" >/dev/null
assert_eq "$(sys pwrite "$fd" 0 text)" 4
assert_eq "$(stat -c '%s %b' "$mnt/fresh")" "100004 16" "size and blocks after another"
[ "$(stat -c %Y "$mnt/fresh")" -gt 1000000000 ] || fail "the time of modification stays"
exec {fd}>&-

# copies within the mount are made by the kernel, on one request
cp --reflink=auto "$mnt/a" "$mnt/copy"
assert_same source "$mnt/copy"
assert_eq "$(status reads) $(status writes)" "0 0" "reads and writes of a copy within"
assert_eq "$(status copied_bytes)" $((5 << 20)) "bytes copied within"

# and the file says so, until it is filled in another way. It is held open: who
# made a copy is known for as long as the kernel knows the file.
way_of() {
	getfattr --absolute-names --only-values -n user.dmaheap.copy "$mnt/$1" |
		sed 's/^engine=\([^ ]*\) .* reason=\(copied\|written\).*/\1 \2/'
}
exec {held}<"$mnt/copy"
cp --reflink=auto "$mnt/a" "$mnt/copy"
assert_eq "$(way_of copy)" "daemon copied" "how a copy within is told"
cp source "$mnt/copy"
assert_eq "$(way_of copy)" "passthrough written" "how a copy into it is told"
exec {held}<&-
