# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# Other users, users without rights, and a mount for one alone.
mount_fs
echo text >"$mnt/file"
assert_eq "$(as_user 1000 cat "$mnt/file")" text "read by another user"
as_user 1000 cp /etc/passwd "$mnt/theirs"
assert_eq "$(stat -c %u:%g "$mnt/theirs")" 1000:1000 "whose the file is"
assert_same /etc/passwd "$mnt/theirs"
as_user 1000 dd if=/dev/zero of="$mnt/theirs" bs=1M count=2 status=none
as_user 1000 mkdir "$mnt/dir"
as_user 1000 mv "$mnt/theirs" "$mnt/dir"
chmod 600 "$mnt/file"
assert_fails "Permission denied" as_user 1000 cat "$mnt/file"
assert_fails "Permission denied" as_user 1000 cp "$mnt/dir/theirs" "$mnt/file"
as_user 1000 chmod 700 "$mnt/dir"
assert_fails "Permission denied" as_user 1001 ls "$mnt/dir"
assert_fails "Permission denied" as_user 1001 cat "$mnt/dir/theirs"
as_user 1001 df "$mnt" >/dev/null

# groups that the daemon does not have
mkdir "$mnt/group"
chgrp 2000 "$mnt/group"
chmod 770 "$mnt/group"
assert_fails "Permission denied" as_user 1000 touch "$mnt/group/file"
setpriv --reuid 1000 --regid 1000 --groups 2000 touch "$mnt/group/file"
assert_eq "$(stat -c %u:%g "$mnt/group/file")" 1000:1000 "whose the member's file is"
as_user 1000 chown 1000:1000 "$mnt/group/file" 2>denied || true
grep -q "Permission denied" denied || fail "a stranger reaches into the group's directory"
setpriv --reuid 1000 --regid 1000 --groups 2000 chgrp 2000 "$mnt/group/file"

# a user who is root in his own user namespace
if unshare --user --map-root-user true 2>/dev/null; then
	as_user 1000 unshare --user --map-root-user bash -c "
		echo mine >'$mnt/dir/inside' && cat '$mnt/dir/inside' >/dev/null &&
		! cat '$mnt/file' && ! chown 5 '$mnt/dir/inside'" >/dev/null 2>&1 ||
		fail "in a user namespace"
	assert_eq "$(stat -c %u:%g "$mnt/dir/inside")" 1000:1000 "whose the namespace's file is"
fi
umount_fs

mount_fs no_allow_other
echo text >"$mnt/file"
assert_eq "$(cat "$mnt/file")" text "read by root"
assert_fails "Permission denied" as_user 1000 cat "$mnt/file"
assert_fails "Permission denied" as_user 1000 ls "$mnt"
umount_fs

# two mounts know nothing of each other
mount_fs size=8m "$work/one"
one=$mnt
mount_fs size=16m "$work/two"
two=$mnt
echo 1 >"$one/file"
echo 2 >"$two/file"
assert_eq "$(cat "$one/file" "$two/file")" $'1\n2' "files of the two"
head -c 5M /dev/zero >"$one/big"
assert_eq "$(df --output=used -k "$two" | tail -n 1 | tr -d ' ')" 4 "used of the other"
assert_eq "$(sys link "$one/file" "$two/link")" EXDEV "a link between the two"
assert_eq "$(sys rename "$one/file" "$two/renamed" 0)" EXDEV "a rename between the two"
exec {in}<"$one/big" {out}<>"$two/copy"
[[ $(sys copy "$in" 0 "$out" 0 100) == @(EXDEV|100) ]] || fail "copy_file_range between the two"
exec {in}>&- {out}>&-
mv "$one/big" "$two/"
cmp -n 5242880 /dev/zero "$two/big"
[ "$(stat -c %d "$one")" != "$(stat -c %d "$two")" ] || fail "both have one device number"
umount_fs "$one"
assert_eq "$(cat "$two/file")" 2 "file of one without the other"
