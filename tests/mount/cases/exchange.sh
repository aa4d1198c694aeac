# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Trees in and out: tar, rsync, cp -a, mv, and nothing is lost on the way.
need_cmd rsync tar getfacl setfacl

# tree DIR: one of everything, with attributes that are hard to keep
tree() {
	mkdir -p "$1/dir/empty"
	head -c 100000 /dev/urandom >"$1/file"
	ln "$1/file" "$1/dir/hard"
	ln -s ../file "$1/dir/link"
	ln -s nowhere "$1/dangling"
	mkfifo "$1/pipe"
	sys mknod "$1/device" char 640 >/dev/null
	sys mknod "$1/socket" socket 640 >/dev/null
	truncate -s 3M "$1/sparse"
	echo end >>"$1/sparse"
	: >"$1/none"
	touch "$1/-n" "$1/with space" "$1/ü" "$1/$(printf '%0255d' 0)"
	chown 1000:1001 "$1/file"
	chmod 6755 "$1/none"
	chmod 1777 "$1/dir"
	chmod 2750 "$1/dir/empty"
	setfattr -n user.mine -v kept "$1/file"
	setfacl -m u:1002:rw "$1/file"
	setfacl -d -m u:1002:rwx "$1/dir"
	touch -d '2001-02-03 04:05:06.123456789' "$1/file" "$1/dir/empty" "$1/pipe"
	# whole seconds apart from now: rsync takes times of the same one for equal
	touch -h -d '2002-02-03 04:05:06.5' "$1"/{dangling,dir/link,device,socket}
	touch -d '2003-02-03 04:05:06.25' "$1/dir"
}

# told DIR: all that has to come along
told() {
	(
		cd "$1" || exit
		find . -mindepth 1 ! -type d -printf '%P %y %m %U:%G %n %s %T@ %l\n' | sort
		find . -mindepth 1 -type d -printf '%P %y %m %U:%G %T@\n' | sort
		find . -type f -exec sha256sum {} + | sort
		getfattr -R -h -d -m user -P . | sort
		getfacl -RPn . | sort
	)
}

mount_fs
mkdir disk
tree disk
told disk >want

same() { diff want <(told "$1") >differences || fail "$2: $(cat differences)"; }

cp -a disk "$mnt/cp"
same "$mnt/cp" "cp -a in"
cp -a "$mnt/cp" cp-back
same cp-back "cp -a out"
cp -a "$mnt/cp" "$mnt/cp2"
same "$mnt/cp2" "cp -a within"

rsync -aHAX --specials --devices disk/ "$mnt/rsync/"
same "$mnt/rsync" "rsync in"
# a second run has nothing to do
assert_eq "$(rsync -aHAX -i disk/ "$mnt/rsync/")" "" "files that a second rsync transfers"
assert_eq "$(rsync -aHAX -ic "$mnt/rsync/" disk/)" "" "files that an rsync back transfers"
echo more >>"$mnt/rsync/file"
rsync -aHAX --inplace disk/ "$mnt/rsync/"
assert_same disk/file "$mnt/rsync/file"
rsync -aHAX "$mnt/rsync/" rsync-back/
same rsync-back "rsync out"

# tar knows no sockets
rm disk/socket "$mnt/cp/socket"
told disk >want
tar --xattrs --acls --sparse -C "$mnt/cp" -cf out.tar .
mkdir "$mnt/tar" tar-back
tar --xattrs --acls --same-owner -C "$mnt/tar" -xpf out.tar
touch -r disk/dir "$mnt/tar/dir"
same "$mnt/tar" "tar in"
tar --xattrs --acls -C "$mnt/tar" -cf - . | tar --xattrs --acls -C tar-back -xpf -
same tar-back "tar out"
busybox tar -C "$mnt/tar" -cf - file dir | busybox tar -C "$mnt" -xf -
assert_same disk/file "$mnt/file"

mv "$mnt/tar" moved
same moved "mv out"
mv moved "$mnt/moved"
same "$mnt/moved" "mv in"
mv "$mnt/moved" "$mnt/dir/moved"
same "$mnt/dir/moved" "mv within"

cp -al "$mnt/dir/moved" "$mnt/linked"
assert_eq "$(stat -c %h "$mnt/linked/file")" 4 "links after cp -al"
find "$mnt" -xdev >/dev/null
du -s "$mnt" >/dev/null
grep -rq end "$mnt/linked/sparse"
rm -r "${mnt:?}"/*
assert_eq "$(ls -A "$mnt")" "" "files after rm -r"
assert_eq "$(status memory_used) $(status inodes_used)" "0 1" "memory and inodes after rm -r"
