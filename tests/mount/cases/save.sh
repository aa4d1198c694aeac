# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short load
#
# dmaheapctl save: a buffer becomes a file, all of it or not at all.

mount_fs
for size in 0 1 4095 4096 4097 65536 1048577 9437185; do
	make_file "$size" "$size"
	cp "$size" "$mnt/$size"
	dmaheapctl save "$mnt/$size" saved >out 2>&1
	assert_same "$size" saved
	[ ! -s out ] || fail "said: $(cat out)"
done

# modes as cp makes them
umask 027
chmod 666 "$mnt/4097"
dmaheapctl save "$mnt/4097" new
assert_eq "$(stat -c %a new)" 640 mode
chmod 604 new
dmaheapctl save "$mnt/4096" new
assert_same 4096 new
assert_eq "$(stat -c %a new)" 604 mode
ln -s new link
dmaheapctl save "$mnt/4097" link
[ -L link ]
assert_same 4097 new

# into other kinds of files
dmaheapctl save "$mnt/9437185" - | cmp - 9437185
dmaheapctl save "$mnt/9437185" /dev/stdout | cmp - 9437185
dmaheapctl save "$mnt/9437185" - >redirected
assert_same 9437185 redirected
dmaheapctl save "$mnt/9437185" /dev/null
# into the mount itself
dmaheapctl save "$mnt/4097" "$mnt/copy"
assert_same 4097 "$mnt/copy"

# refusals leave no file behind and keep the old one
ls -A >before
assert_fails "not a file of a dmaheapfs mount" dmaheapctl save 4097 x
assert_fails "not a file of a dmaheapfs mount" dmaheapctl save "$mnt" x
assert_fails "No such file or directory" dmaheapctl save "$mnt/missing" x
assert_fails "No such file or directory" dmaheapctl save "$mnt/4097" missing/x
assert_fails "Is a directory" dmaheapctl save "$mnt/4097" .
assert_fails "needs FILE and DST" dmaheapctl save "$mnt/4097"
assert_eq "$(ls -A)" "$(cat before)" names

# a disk that is full
mkdir small
mount -t tmpfs -o size=1m none small
echo old >small/file
assert_fails "No space left on device" dmaheapctl save "$mnt/9437185" small/file
assert_eq "$(cat small/file)" old
assert_eq "$(ls -A small)" file names
umount small
