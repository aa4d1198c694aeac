# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short source
#
# Nothing changes the source through the view, not even root, and the name
# .source is taken.

mkdir -p src/dir/sub
printf text >src/file
chmod 666 src/file
chmod 777 src src/dir src/dir/sub
ln -s file src/link
setfattr -n user.note -v x src/file
touch -d 2001-01-01 src/file src/dir src
facts() { stat -c '%n %a %s %h %u %x %y %z' src src/dir src/dir/sub src/file src/link; }
before=$(facts)
mount_fs source="$work/src"
view=$mnt/.source
touch "$mnt/mine"
mkdir "$mnt/dir"
read_only="Read-only file system"

# shellcheck disable=SC2016 # for the shell inside
for user in root other; do
	as=()
	[ "$user" = root ] || as=(as_user 1234)
	assert_fails "$read_only" "${as[@]}" tee "$view/file"
	assert_fails "$read_only" "${as[@]}" tee -a "$view/file"
	assert_fails "$read_only" "${as[@]}" sh -c 'exec 3<>"$1"' - "$view/file"
	assert_fails "$read_only" "${as[@]}" truncate -s 0 "$view/file"
	assert_fails "$read_only" "${as[@]}" touch "$view/new"
	assert_fails "$read_only" "${as[@]}" mkdir "$view/dir/new"
	assert_fails "$read_only" "${as[@]}" ln -s x "$view/dir/new"
	assert_fails "$read_only" "${as[@]}" mkfifo "$view/dir/new"
	assert_fails "$read_only" "${as[@]}" ln "$view/file" "$view/dir/new"
	assert_fails "$read_only" "${as[@]}" rm -f "$view/file"
	assert_fails "$read_only" "${as[@]}" rm -f "$view/link"
	assert_fails "$read_only" "${as[@]}" rmdir "$view/dir/sub"
	assert_fails "$read_only" "${as[@]}" mv "$view/file" "$view/dir/file"
	assert_fails "$read_only" "${as[@]}" mv "$view/file" "$mnt/moved"
	assert_fails "$read_only" "${as[@]}" cp "$mnt/mine" "$view/new"
	assert_fails "$read_only" "${as[@]}" cp "$mnt/mine" "$view/file"
	"${as[@]}" rm "$mnt/moved"
done
assert_fails "cross-device" ln "$view/file" "$mnt/hard"
assert_fails "cross-device" ln "$mnt/mine" "$view/dir/hard"
assert_fails "$read_only" touch "$view/file"
assert_fails "$read_only" chmod 600 "$view/file"
assert_fails "$read_only" chown 5 "$view/file"
assert_fails "$read_only" setfattr -n user.note -v y "$view/file"
assert_fails "$read_only" setfattr -x user.note "$view/file"
assert_fails "$read_only" setfacl -m u:5:r "$view/file"
assert_fails "$read_only" mv "$mnt/mine" "$view"
assert_fails "$read_only" mv "$mnt/dir" "$view"
assert_fails "$read_only" chmod 700 "$view"
assert_fails "$read_only" rm -rf "$view"

# the name itself
assert_fails "File exists" mkdir "$view"
assert_fails "File exists" ln -s x -T "$view"
assert_fails "File exists" mkfifo "$view"
assert_fails "" ln -T "$mnt/mine" "$view"
assert_fails "Is a directory" tee "$view"
assert_fails "Is a directory" unlink "$view"
assert_fails "busy" rmdir "$view"
assert_fails "busy" mv "$view" "$mnt/other"
assert_fails "busy" mv -T "$mnt/dir" "$view"
mkdir "$mnt/dir/.source"
mv "$mnt/dir/.source" "$mnt/dir/below"
assert_fails "busy" mv -T "$mnt/dir/below" "$view"

# neither the files nor when they were read
find "$view" -type f -exec cat {} + >/dev/null
ls -laR "$view" >/dev/null
readlink "$view/link"
assert_eq "$(facts)" "$before" "the source"
