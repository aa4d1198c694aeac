# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: source
#
# The view gives no access outside the source: over symlinks, "..", mounts
# below, or a directory that is a symlink whenever one looks away.

mkdir -p src/dir/sub src/deep outside/sub secret
echo inside | tee src/dir/file src/dir/sub/file >src/file
echo OUTSIDE | tee outside/file outside/sub/file secret/file >secret.txt
chmod 700 outside secret
chmod 600 outside/file outside/sub/file secret/file secret.txt
ln -s ../secret.txt src/up
ln -s "$work/secret.txt" src/absolute
ln -s ../../outside src/dir/out
ln -s /proc/self/root src/magic
mkdir src/mounted src/hidden
echo covered >src/hidden/file
mount --bind secret src/mounted
mount -t tmpfs none src/hidden
mount_fs source="$work/src"
view=$mnt/.source

# a symlink is followed with the caller's rights, never with the daemon's
for link in up absolute dir/out/file magic/"$work"/secret.txt; do
	cat "$view/$link" >/dev/null 2>&1 || true
	assert_fails "" as_user 1000 cat "$view/$link"
	assert_fails "" as_user 1000 cp "$view/$link" "$mnt/stolen"
done
assert_eq "$(readlink "$view/up")" ../secret.txt
# which is the mount's root, seen from there
assert_fails "No such file" cat "$view/up"

# .. of the view is the mount, and no name leads further
assert_eq "$(stat -c %i "$view/..")" "$(stat -c %i "$mnt")" ".. of .source"
assert_eq "$(stat -c %i "$view/dir/..")" "$(stat -c %i "$view")" ".. of a directory"

# mounts below do not show, be they made before or after
assert_eq "$(ls -A "$view/mounted")" '' "a bind mount below"
mkdir src/later
mount --bind secret src/later
assert_eq "$(ls -A "$view/later")" '' "one made later"
umount src/later src/mounted src/hidden

# a directory swapped for a symlink that leads out, as fast as can be, while
# others walk, read, copy and list
ln -s ../outside link
# walked N: often enough to mean something
walked() { [ "$(grep -c inside "read.$1")" -gt 20 ]; }
swap() {
	local end=$((SECONDS + 6)) last=$((SECONDS + 60))
	mv link src/link
	until [ "$SECONDS" -ge "$last" ] || { [ "$SECONDS" -ge "$end" ] && walked 2 && walked 3; }; do
		mv -T src/dir src/away && mv -T src/link src/dir
		mv -T src/dir src/link && mv -T src/away src/dir
	done
	touch stop
}
walk() {
	until [ -e stop ]; do
		cat "$view/dir/file" "$view/dir/sub/file" "$view/away/file" 2>/dev/null
		cp "$view/dir/file" "$mnt/c" 2>/dev/null && cat "$mnt/c"
		(cd "$view/dir" 2>/dev/null && cat file sub/file 2>/dev/null)
		ls "$view/dir" >/dev/null 2>&1
	done >"read.$1"
	return 0
}
both() { if [ "$1" = 1 ]; then swap; else as_user_walk "$1"; fi; }
as_user_walk() {
	# an ordinary user, for whom the kernel follows no link to the outside
	export view mnt
	export -f walk
	touch "read.$1"
	chown 1000 "read.$1"
	# shellcheck disable=SC2016 # for the shell inside
	as_user 1000 bash -c 'walk "$1"' - "$1"
}
chmod 711 .
in_parallel 3 both
for i in 2 3; do
	! grep -q OUTSIDE "read.$i" || fail "read a file outside"
	walked "$i" || fail "walked too little: $(wc -l <"read.$i")"
done

# very deep: longer than any path can be
(
	cd src/deep || exit
	name=$(printf 'n%.0s' {1..250})
	for _ in {1..40}; do
		mkdir "$name"
		cd "$name" || exit
	done
	echo bottom >file
)
(
	cd "$view/deep" || exit
	name=$(printf 'n%.0s' {1..250})
	for _ in {1..40}; do
		cd "$name" || exit
	done
	assert_eq "$(cat file)" bottom "at the bottom"
	assert_eq "$(ls)" file "listed there"
	cp file "$mnt/bottom"
)
assert_eq "$(cat "$mnt/bottom")" bottom
find "$view/deep" | wc -l
rm -r src/deep
