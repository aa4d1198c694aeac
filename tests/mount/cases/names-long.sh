# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
# shellcheck source=/dev/null
. "$here/compare.sh"
mount_both

lengths() {
	local name255 name256 utf
	name255=$(printf '%0255d' 0)
	name256=${name255}0
	run touch "$name255"
	run touch "$name256"
	run mkdir "$name256"
	run ln -s x "$name256"
	run mv "$name255" "$name256"
	run ln "$name255" "$name256"
	run rm "$name256"
	run cat "$name256"
	run mkdir dir
	run mv "$name255" dir
	list
	run mkdir "dir/${name255/0/d}"
	run touch "dir/${name255/0/d}/$name255"
	list
	utf=$(printf 'ä%.0s' {1..127})
	run touch "${utf}x" "${utf}xx"
	list
}

odd_names() {
	local name
	for name in ' ' $'new\nline' $'\001\377' '-rf' '*' '...' $'\\' 'a b' '"' "'" '.hidden' $'tab\t'; do
		run touch -- "./$name"
		run mkdir -p "./$name.d/$name"
	done
	find . | LC_ALL=C sort
	run mv './ ' './  '
	run rm -- './-rf' "./*" './...'
	find . | LC_ALL=C sort
	run rm -r -- ./* ./.hidden*
	run ls -A
	echo "that was all"
}

deep() {
	local i
	for i in $(seq 120); do
		mkdir "$i" && cd "$i" || exit
	done
	touch bottom
	cd - >/dev/null || exit
	find "$mnt/deep" "$work/model/deep" -name bottom -printf '%d\n' 2>/dev/null
	run rm -r 120
	show .
}

both lengths
both odd_names
both deep
assert_eq "$(stat -f -c %l "$mnt")" 255 "f_namelen"
