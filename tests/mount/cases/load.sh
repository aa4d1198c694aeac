# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short load
#
# dmaheapctl load: the bytes, the name, the mode, and the permissions.

copied() { getfattr --only-values -n user.dmaheap.copy "$1"; }

mount_fs

# sizes around every boundary
for size in 0 1 511 512 4095 4096 4097 65535 65536 65537 1048577 4194304 4194305 9437185; do
	make_file "$size" "$size"
	dmaheapctl load "$size" "$mnt/$size" >out 2>&1
	assert_same "$size" "$mnt/$size"
	[ ! -s out ] || fail "said: $(cat out)"
done

# engine and reason; also in status, and not in an attribute that cp -a would copy
[[ $(copied "$mnt/9437185") == engine=*" direct="*" bytes=9437185 seconds="*" reason="* ]] ||
	fail "$(copied "$mnt/9437185")"
dmaheapctl status "$mnt/9437185" | grep -q "^last copy .*bytes=9437185"
dmaheapctl status "$mnt/9437185" |
	grep -q "^mmap  *$(getfattr --only-values -n user.dmaheap.map "$mnt/9437185")\$"
assert_eq "$(dmaheapctl status --json "$mnt/9437185" | jq -r .copy)" "$(copied "$mnt/9437185")"
assert_eq "$(getfattr -d -m - "$mnt/9437185")" "" "listed attributes"
assert_fails "Operation not permitted" setfattr -n trusted.dmaheap.copy -v x "$mnt/1"
assert_fails "Invalid argument" setfattr -n user.dmaheap.copy -v nonsense "$mnt/1"
# nothing was copied into an emptied file
: >"$mnt/9437185"
assert_fails "No such attribute" copied "$mnt/9437185"
# a write is not a copy that anybody has seen
echo text >"$mnt/9437185"
# (a kernel that copies by itself counts on from before)
[[ $(copied "$mnt/9437185") =~ ^engine=(passthrough|daemon|kernel)\  ]] ||
	fail "$(copied "$mnt/9437185")"
# a move keeps it
mv "$mnt/4097" "$mnt/moved"
[[ $(copied "$mnt/moved") == *" bytes=4097 "* ]]
rm -r "${mnt:?}"/*

# modes as cp makes them: new from the source, less the umask; replaced as it was
make_file source 100K
chmod 4754 source
umask 022
dmaheapctl load source "$mnt/new"
cp source "$mnt/by-cp"
assert_eq "$(stat -c %a "$mnt/new")" "$(stat -c %a "$mnt/by-cp")" mode
chmod 602 "$mnt/new"
chown 12:34 "$mnt/new"
ino=$(stat -c %i "$mnt/new")
exec 3<"$mnt/new"
make_file other 200K
dmaheapctl load other "$mnt/new"
assert_same other "$mnt/new"
assert_eq "$(stat -c '%a %u:%g' "$mnt/new")" "602 12:34" "mode and owner"
[ "$(stat -c %i "$mnt/new")" != "$ino" ] || fail "it was written over, not replaced"
# an open file keeps the old content
cmp source /proc/self/fd/3
exec 3<&-

# a link is followed, whether there is something at its end or not
ln -s new "$mnt/link"
dmaheapctl load source "$mnt/link"
[ -L "$mnt/link" ]
assert_same source "$mnt/new"
mkdir "$mnt/dir"
(cd "$mnt/dir" && dmaheapctl load "$work/source" here && dmaheapctl load "$work/other" ./here)
assert_same other "$mnt/dir/here"

# from other kinds of files
dmaheapctl load - "$mnt/stdin" <source
assert_same source "$mnt/stdin"
{ head -c 5000 >/dev/null; dmaheapctl load - "$mnt/rest"; } < <(cat source)
{ dd bs=5000 count=1 status=none >/dev/null; dmaheapctl load - "$mnt/rest"; } <source
tail -c +5001 source | cmp - "$mnt/rest"
head -c 3M other other source | dmaheapctl load - "$mnt/piped"
tail -c +1 other | dmaheapctl load /dev/stdin "$mnt/piped"
assert_same other "$mnt/piped"
dmaheapctl load /proc/version "$mnt/version"
assert_same /proc/version "$mnt/version"
dmaheapctl load "$mnt/new" "$mnt/copy"
assert_same "$mnt/new" "$mnt/copy"
dmaheapctl load "$mnt/new" "$mnt/new"
assert_same source "$mnt/new"
mount -t tmpfs none "$(mkdir "$work/tmpfs" && echo "$work/tmpfs")"
cp source tmpfs/source
dmaheapctl load tmpfs/source "$mnt/copy"
assert_same source "$mnt/copy"
umount tmpfs

# refusals leave nothing behind
ls -A "$mnt" >before
assert_fails "No such file or directory" dmaheapctl load missing "$mnt/x"
assert_fails "No such file or directory" dmaheapctl load source "$mnt/missing/x"
assert_fails "Is a directory" dmaheapctl load . "$mnt/x"
dmaheapctl load source "$mnt/dir"
assert_same source "$mnt/dir/source"
rm "$mnt/dir/source"
assert_fails "not on a dmaheapfs mount" dmaheapctl load source "$work/x"
assert_fails "needs SRC and FILE" dmaheapctl load source
mkfifo "$mnt/fifo"
assert_fails "Invalid argument" dmaheapctl load source "$mnt/fifo"
rm "$mnt/fifo"
chmod 755 "$work"
chmod 600 source
assert_fails "source: Permission denied" as_user 1234 dmaheapctl load "$work/source" "$mnt/x"
chmod 755 "$mnt/dir"
chmod 644 source
assert_fails "Permission denied" as_user 1234 dmaheapctl load "$work/source" "$mnt/dir/x"
# a file without write permission is not replaced, even if the directory allows it
chmod 777 "$mnt/dir"
chmod 644 "$mnt/dir/here"
assert_fails "Permission denied" as_user 1234 dmaheapctl load "$work/source" "$mnt/dir/here"
as_user 1234 dmaheapctl load "$work/source" "$mnt/dir/mine"
assert_eq "$(stat -c '%u %a' "$mnt/dir/mine")" "1234 644"
rm "$mnt/dir/mine"
assert_eq "$(ls -A "$mnt")" "$(cat before)" names
assert_eq "$(ls -A "$work/mnt/dir")" here names
