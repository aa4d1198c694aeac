# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: load
#
# dmaheapctl load at the limits: no room, sources that change, more than 4 GiB.

mount_fs size=64m
make_file large 80M
make_file fits 40M
echo old >"$mnt/file"
free=$(stat -f -c '%f' "$mnt")
assert_fails "No space left on device" dmaheapctl load large "$mnt/file"
assert_fails "No space left on device" dmaheapctl load - "$mnt/file" < <(cat large)
assert_eq "$(cat "$mnt/file")" old
assert_eq "$(ls -A "$mnt")" file names
# the kernel lets go of the file that was given up when the program has ended
given_back() { [ "$(stat -f -c '%f' "$mnt")" = "$free" ]; }
wait_until 10 given_back
dmaheapctl load fits "$mnt/file"
assert_same fits "$mnt/file"
# two would need more than there is: the old one is there until the new one is
assert_fails "No space left on device" dmaheapctl load fits "$mnt/file"
assert_same fits "$mnt/file"
rm "$mnt/file"
umount_fs

# a source that is cut while it is read: the copy is a prefix of it
mount_fs size=2g
# small enough for one udmabuf
make_file whole 50M
for seconds in 0 0.01 0.02 0.05; do
	cp whole shrinking
	dmaheapctl load shrinking "$mnt/file" &
	pid=$!
	sleep $seconds
	truncate -s 10000001 shrinking
	wait "$pid"
	size=$(stat -c %s "$mnt/file")
	[ "$size" -ge 10000001 ] || fail "only $size bytes"
	head -c 10000001 whole | cmp - <(head -c 10000001 "$mnt/file")
done
rm -f "$mnt/file" shrinking whole

umount_fs

# beyond 4 GiB, most of it a hole
mount_fs size=6g
has_holes || exit 0
truncate -s 5G sparse
printf begin | dd of=sparse conv=notrunc status=none
printf middle | dd of=sparse conv=notrunc status=none oflag=seek_bytes seek=4294967290
printf end >>sparse
dmaheapctl load sparse "$mnt/sparse"
assert_eq "$(stat -c %s "$mnt/sparse")" $(((5 << 30) + 3)) "st_size"
assert_eq "$(head -c 5 "$mnt/sparse")" begin
assert_eq "$(dd if="$mnt/sparse" iflag=skip_bytes,count_bytes skip=4294967290 count=6 status=none)" middle
assert_eq "$(tail -c 3 "$mnt/sparse")" end
[ "$(du -m "$mnt/sparse" | cut -f 1)" -lt 64 ] || fail "it takes $(du -h "$mnt/sparse")"
dmaheapctl save "$mnt/sparse" saved
[ "$(du -m saved | cut -f 1)" -lt 64 ] || fail "it takes $(du -h saved)"
# holes, so that 5 GiB of nothing need not be read
without_holes() {
	cp --sparse=always "$1" "$1.copy"
	tar --sparse --create --file="$1.tar" --transform='s/.*/file/' --mtime=@0 "$1.copy"
}
without_holes saved
without_holes sparse
cmp saved.tar sparse.tar

# 4 KiB of data in each MiB, and odd ends
for i in {0..63}; do
	printf 'data %s' "$i" | dd of=gaps conv=notrunc status=none bs=1M seek="$i"
done
dmaheapctl load gaps "$mnt/gaps"
cmp gaps "$mnt/gaps"
dmaheapctl save "$mnt/gaps" gaps.saved
cmp gaps gaps.saved
for file in "$mnt/gaps" gaps.saved; do
	[ "$(du -m "$file" | cut -f 1)" -le 8 ] || fail "$file takes $(du -h "$file")"
done

# a copy that starts in a hole, at an odd offset, with data in the same 64 KiB
truncate -s 8192 odd
head -c 300K /dev/urandom >>odd
exec 3<odd
dd of=/dev/null bs=1000 count=1 status=none <&3
dmaheapctl load - "$mnt/odd" <&3
exec 3<&-
tail -c +1001 odd | cmp - "$mnt/odd"
