# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short source
#
# What .source shows: the tree of the source as it is, and nothing of it where
# the root directory is listed.

mkdir -p src/dir/sub src/empty
make_file src/odd 300001
make_file src/dir/sub/file 8K
printf one >src/one
: >src/nothing
ln src/one src/dir/again
ln -s dir/sub/file src/link
ln -s /etc/passwd src/absolute
ln -s ../../.. src/dir/up
mkfifo src/pipe
mknod src/null c 1 3
truncate -s 3M src/sparse
touch -d '2001-02-03 04:05:06.789012345' src/one
touch -h -d '2002-02-03' src/link
chmod 4711 src/odd
touch "src/$(printf 'new\nline')" "src/$(printf 'x%.0s' {1..255})"
setfattr -n user.note -v kept src/one
setfattr -n trusted.secret -v hidden src/one
mount_fs source="$work/src"
view=$mnt/.source

facts() { (cd "$1" && find . -printf '%p %y %m %n %U %G %s %T@ %l\n' | sort); }
diff <(facts src) <(facts "$view") || fail "the trees differ"
diff -r --no-dereference --exclude=pipe --exclude=null src "$view" || fail "contents differ"
assert_eq "$(stat -c %t:%T "$view/null")" 1:3 "the device's number"
assert_eq "$(readlink "$view/dir/up")" ../../.. "a symlink"
assert_fails "Permission denied" cat "$view/null"

# names for one file are names for one file, and no number is the tree's
assert_eq "$(stat -c %i "$view/one")" "$(stat -c %i "$view/dir/again")" "hard links"
mkdir "$mnt/d"
touch "$mnt"/d/{1..40}
assert_eq "$(find "$mnt" "$view" -printf '%i\n' | sort | uniq -d)" \
	"$(stat -c %i "$view/one")" "doubled inode numbers"
(cd "$view" && find . -printf '%i %p\n' | sort >"$work/listed")
(cd "$view" && find . -print0 | xargs -0 stat -c '%i %n' | sort | diff - "$work/listed") ||
	fail "listed inode numbers are others"

# cp takes a file without all its blocks for sparse, and reads it otherwise
assert_eq "$(stat -c %b "$view/sparse")" 6144 "blocks of a sparse file"
assert_eq "$(stat -c %b "$view/one")" 1 "blocks of a small file"

# hidden in the root's listing, and found by name
assert_eq "$(ls -A "$mnt")" d "the root directory"
[ -z "$(find "$mnt" -name .source)" ] || fail "find sees it"
tar -C "$mnt" -cf - . | tar -t | grep -q source && fail "tar carries it away"
assert_eq "$(du -s --inodes "$mnt" | cut -f 1)" 42 "du's inodes"
shopt -s dotglob
rm -rf "${mnt:?}"/*
assert_eq "$(ls -A "$mnt")" '' "after rm -rf"
facts "$view" >/dev/null
assert_eq "$(stat -f -c %T "$view")" "$(stat -f -c %T "$mnt")" "type"

# extended attributes: a user's own are shown, the system's are not
assert_eq "$(getfattr --only-values -n user.note "$view/one")" kept "user.note"
assert_eq "$(getfattr -m - "$view/one" | grep -c '^[a-z]*\.')" 1 "listed attributes"
assert_fails "" getfattr -n trusted.secret "$view/one"
assert_fails "No such attribute" getfattr -n user.none "$view/one"

# data, mapped too: that is how a program is run
cp "$(type -P true)" src/program
"$view/program"
assert_same src/odd "$view/odd"
assert_eq "$(wc -c <"$view/nothing")" 0 "an empty file"
assert_eq "$(tail -c 5 "$view/odd" | od -An -tx1)" "$(tail -c 5 src/odd | od -An -tx1)" "the end"

# without source=, .source is a name like any other
umount_fs
mount_fs
assert_fails "No such file" ls "$mnt/.source"
mkdir "$mnt/.source"
assert_eq "$(ls -A "$mnt")" .source
rmdir "$mnt/.source"

# by mount(8), in the background: the threads must survive
umount_fs
mkdir "a b"
make_file "a b/file" 3M
mount -t fuse.dmaheapfs shmem "$mnt" -o "source=$work/a b,nofail"
assert_same "a b/file" "$view/file"
cp "$view/file" "$mnt/file"
assert_same "a b/file" "$mnt/file"
# which asks for suid and dev
mknod "a b/null" c 1 3
assert_fails "Permission denied" cat "$view/null"
findmnt -n -o OPTIONS --mountpoint "$mnt" | grep nosuid | grep -q nodev || fail "suid or dev"
mv "a b/file" "a b/other"
assert_same "$view/other" "$mnt/file"
umount "$mnt"
no_daemons() { ! pgrep -x dmaheapfs >/dev/null; }
wait_until 10 no_daemons
