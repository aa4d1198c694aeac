# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: source load
# timeout: 240
#
# The source changes. The next open finds the new content, open files keep the old, and a
# copy is always a prefix of it.

mkdir -p src/dir
mount_fs source="$work/src"
view=$mnt/.source

# grows, shrinks, comes, goes: known at once
printf one >src/file
assert_eq "$(cat "$view/file")" one
for text in twofold three-times '' x; do
	printf '%s' "$text" >src/file
	cp "$view/file" "$mnt/copy"
	assert_eq "$(cat "$mnt/copy")" "$text" "a copy made right after"
	printf more >>src/file
	assert_eq "$(cat "$view/file")" "${text}more" "read right after"
done
[ ! -e "$view/new" ]
printf here >src/new
assert_eq "$(cat "$view/new")" here "a new file"
rm src/new
sleep 0.05
[ ! -e "$view/new" ] || fail "a removed file is seen"
printf other >src/other
mv src/other src/file
sleep 0.05
assert_eq "$(cat "$view/file")" other "a replaced file"
rm src/file
mkdir src/file
sleep 0.05
[ -d "$view/file" ] || fail "a directory in place of a file"
rmdir src/file
ln -s dir src/file
sleep 0.05
assert_eq "$(readlink "$view/file")" dir "a symlink in place of a directory"
rm src/file

# open files outlive their names, and their replacement
make_file src/kept 2000001
cp src/kept kept
exec {fd}<"$view/kept"
rm src/kept
make_file src/kept 1000
cmp "/proc/self/fd/$fd" kept || fail "the open file has changed"
assert_eq "$(stat -L -c %s "/proc/self/fd/$fd")" 2000001 "size of the open file"
cp "/proc/self/fd/$fd" "$mnt/kept"
assert_same kept "$mnt/kept"
sleep 0.05
assert_same src/kept "$view/kept"
exec {fd}<&-

# directories move while a process is inside
mkdir -p src/a/b/c
echo deep >src/a/b/c/file
(
	cd "$view/a/b/c" || exit
	cat file >/dev/null
	mv "$work/src/a/b" "$work/src/moved"
	sleep 0.05
	assert_eq "$(cat "$view/moved/c/file")" deep "by the new name"
	assert_eq "$(cat file)" deep "from within"
	# swapped: the child becomes the parent
	mv "$work/src/moved/c" "$work/src/c"
	mv "$work/src/moved" "$work/src/c/b"
	sleep 0.05
	assert_eq "$(cat "$view/c/file")" deep "the other way round"
	[ -d "$view/c/b" ]
)
rm -r src/c

# copies of a file that grows, shrinks and is written to meanwhile
make_file first 6M
tr '\000-\377' 'a' <first | head -c 6M >a
tr '\000-\377' 'b' <first | head -c 6M >b
cp a src/moving
change() {
	for _ in {1..20}; do
		cat b >src/next && mv src/next src/moving
		truncate -s 3000001 src/moving
		cat a >>src/moving
		cat a >src/moving
		rm src/moving
		cp a src/moving
	done
	touch stop
}
follow() {
	local size
	until [ -e stop ]; do
		if cp "$view/moving" "$mnt/moving" 2>said; then
			size=$(stat -c %s "$mnt/moving")
			[ "$(tr -d ab <"$mnt/moving" | tr -d '\000' | wc -c)" -eq 0 ] ||
				{ echo "foreign bytes in $size"; return 1; }
		else
			grep -qE 'No such file|Stale|replaced while being copied' said || { cat said; return 1; }
		fi
	done
	return 0
}
change_or_follow() { if [ "$1" = 1 ]; then change; else follow; fi; }
in_parallel 2 change_or_follow
cp "$view/moving" "$mnt/moving"
assert_same src/moving "$mnt/moving"

# replaced over and over: a reader gets one of them, whole
echo 1111111111 >one
echo 2222222222222222 >two
cp one src/swap
swap() {
	for _ in {1..120}; do
		cp two src/s && mv src/s src/swap
		cp one src/s && mv src/s src/swap
	done
	touch stop2
}
read_swap() {
	local text
	until [ -e stop2 ]; do
		text=$(cat "$view/swap") || return
		[ "$text" = 1111111111 ] || [ "$text" = 2222222222222222 ] ||
			{ echo "read '$text'"; return 1; }
	done
}
swap_or_read() { if [ "$1" = 1 ]; then swap; else read_swap; fi; }
in_parallel 2 swap_or_read
