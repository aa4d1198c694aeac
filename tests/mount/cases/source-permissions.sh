# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short source
#
# The view has the source's read permissions.

need_cmd setfacl
chmod 711 .
mkdir -m 755 src
for mode in 000 400 040 004 444 640 604; do
	echo "$mode" >"src/f$mode"
	chown 1001:2001 "src/f$mode"
	chmod "$mode" "src/f$mode"
done
for mode in 700 710 711 750 755; do
	mkdir "src/d$mode"
	echo inside >"src/d$mode/file"
	chown -R 1001:2001 "src/d$mode"
	chmod "$mode" "src/d$mode"
done
# access lists that grant more, and less, than the mode's bits say
acl_file() { echo "$1" >"src/$1" && chown 1001:2001 "src/$1" && chmod "$2" "src/$1" && setfacl -m "$3" "src/$1"; }
acl_file granted 600 u:1002:r
acl_file masked 600 u:1002:r,m::-
acl_file group-named 600 g:2002:r
acl_file group-shut 640 u:1003:r,g::-,m::r
acl_file refused 644 u:1002:-
mkdir src/acl-dir
echo in >src/acl-dir/file
chmod 700 src/acl-dir
setfacl -m u:1002:rx src/acl-dir
mkdir -m 755 src/inherit
setfacl -d -m u:1002:r src/inherit
echo x >src/inherit/file

mount_fs source="$work/src"
view=$mnt/.source

# as_ids UID GID COMMAND...
as_ids() {
	local uid=$1 gid=$2
	shift 2
	setpriv --reuid "$uid" --regid "$gid" --clear-groups --inh-caps=-all "$@"
}

# a user's permissions, one line each
abilities() {
	local uid=$1 gid=$2 top=$3
	# shellcheck disable=SC2016 # for the shell inside
	(cd "$top" && find . -printf '%p\n' | sort) | as_ids "$uid" "$gid" sh -c '
		cd "$1" || exit
		while read -r path; do
			can=
			[ ! -d "$path" ] || { ls "$path" >/dev/null 2>&1 && can="$can list"; }
			[ ! -f "$path" ] || { cat "$path" >/dev/null 2>&1 && can="$can read"; }
			[ -e "$path" ] && can="$can see"
			[ -r "$path" ] && can="$can r"
			[ -x "$path" ] && can="$can x"
			echo "$path $can"
		done' - "$top"
}
for ids in '0 0' '1001 2001' '1001 9' '1002 2001' '1002 9' '1003 2001' '1003 9' '9 2002' '9 9'; do
	# shellcheck disable=SC2086 # words are wanted
	diff <(abilities $ids src) <(abilities $ids "$view") || fail "differs for $ids"
done
assert_fails "Permission denied" as_ids 9 9 cat "$view/granted"
as_ids 1002 9 cat "$view/granted"
assert_eq "$(cd "$view" && getfacl -c granted)" "$(cd src && getfacl -c granted)" "the list"

# and cp does no more than cat
assert_fails "Permission denied" as_ids 1002 9 cp "$view/refused" "$mnt/x"
as_ids 1002 9 cp "$view/granted" "$mnt/x"
assert_same src/granted "$mnt/x"
assert_eq "$(stat -c %u:%g "$mnt/x")" 1002:9 "owner of the copy"

# a change of mind is known at once
chmod 644 src/f400
as_ids 9 9 cat "$view/f400" >/dev/null
chmod 600 src/f400
sleep 0.05
assert_fails "Permission denied" as_ids 9 9 cat "$view/f400"
as_ids 9 9 cat "$view/d755/file" >/dev/null
chmod 700 src/d755
sleep 0.05
assert_fails "Permission denied" as_ids 9 9 cat "$view/d755/file"
setfacl -b src/granted
sleep 0.05
assert_fails "Permission denied" as_ids 1002 9 cat "$view/granted"

# set-id bits mean nothing here, as on every mount that is nosuid
cp "$(type -P id)" src/id
chmod 4755 src/id
assert_eq "$(as_ids 9 9 "$view/id" -u)" 9 "the user of a set-id program"
