# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short process
#
# Export works from every place that can see a directory of the mount.
mount_fs heap=shmem
mkdir -p "$mnt/dir/below" "$work/jail"
printf hello >"$mnt/dir/file"
chmod 666 "$mnt/dir/file"
gives() { assert_eq "$(share memory "$1" | xargs)" "fd fd EACCES" "$2"; }

gives "$mnt/dir/file" "in a subdirectory"
gives mnt/dir/file "by a relative path"
(cd "$mnt/dir/below" && gives ../file "from below")
ln -s "$mnt/dir/file" link
gives link "by a symbolic link"
assert_eq "$(as_user 1000 share memory "$mnt/dir/file" | xargs)" "fd fd EACCES" "another user's"

# names that do not fit into a socket's address
long=$mnt/$(printf 'x%.0s' {1..200})/$(printf 'y%.0s' {1..200})
mkdir -p "$long"
cp -p "$mnt/dir/file" "$long/file"
gives "$long/file" "in a directory with a long name"

# a file whose name has gone, or has changed, since it was opened
exec {fd}<>"$mnt/dir/file"
mv "$mnt/dir/file" "$mnt/dir/moved"
gives "/proc/self/fd/$fd" "of a renamed file"
rm "$mnt/dir/moved"
gives "/proc/self/fd/$fd" "of a removed file"
exec {fd}>&-
printf hello >"$mnt/dir/file"
chmod 666 "$mnt/dir/file"

# mount namespaces and containers, which may see one directory alone, and no /proc
mkdir jail/usr jail/lib jail/lib64 jail/bin jail/programs jail/there jail/proc
for way in mnt mnt/dir; do
	path=/there/$([ $way = mnt/dir ] || echo dir/)file
	# shellcheck disable=SC2016
	found=$(unshare --mount bash -euo pipefail -c '
		for dir in usr lib lib64 bin; do mount --bind -o ro /$dir jail/$dir; done
		mount --bind /usr/local/sbin/mount-tests jail/programs
		mount --bind "$1" jail/there
		# a sanitizer does not do without /proc
		if [ "$3" ]; then
			echo fd
		else
			chroot jail /programs/share memory-of "$2"
		fi
		mount -t proc proc jail/proc
		chroot --userspec=1000:1000 jail /programs/share memory "$2"
	' - "$work/$way" "$path" "$(sanitizers)" | xargs)
	assert_eq "$found" "fd fd fd EACCES" "in a container that sees $way"
done
# with names in the path that /proc escapes
odd=$'with space\tand \\134'
mkdir "$odd"
# shellcheck disable=SC2016 # for the shell inside
found=$(unshare --mount bash -euo pipefail -c '
	mount --bind "$1" "$2"
	share memory "$2/file"' - "$mnt/dir" "$odd" | xargs)
assert_eq "$found" "fd fd EACCES" "in a directory with an odd name"

# a single file gives no access to the socket
touch one
found=$(unshare --mount bash -euo pipefail -c "mount --bind $mnt/dir/file one; share memory one" | xargs)
assert_eq "$found" "ENOENT ENOENT EACCES" "of a file mounted by itself"

# read-only mounts of the mount
mkdir ro
found=$(unshare --mount bash -euo pipefail -c "
	mount --bind $mnt ro
	mount -o remount,ro,bind ro
	share narrow ro/dir/file" | xargs)
assert_eq "$found" "ok EACCES EBADF EROFS EROFS EROFS" "by a read-only mount"

# a mount on top of the mountpoint gets no socket
mkdir over
exec {fd}<"$mnt/dir/file"
mount --bind over "$mnt"
assert_eq "$(ls -A over)" "" "names before"
assert_eq "$(share memory-of "/proc/self/fd/$fd")" ENOTCONN "below another mount"
assert_eq "$(share memory-of "/proc/self/fd/$fd")" ENOTCONN "below another mount"
assert_eq "$(ls -A over)" "" "listing of the mount on top"
assert_eq "$(daemon_log | grep -c 'cannot export buffers of')" 1 "how often the log says so"
umount "$mnt"
assert_eq "$(share memory-of "/proc/self/fd/$fd")" fd "when it is there again"
exec {fd}<&-

# a daemon in its own pid namespace does not know the caller, but knows that it is not itself
mkdir inner
unshare --pid --fork dmaheapfs inner "$work/inner" -f -o heap=shmem &
wait_until 5 is_mounted "$work/inner"
printf hello >inner/file
assert_eq "$(share memory inner/file | xargs)" "fd fd EACCES" "of a daemon elsewhere"
assert_eq "$(share forged "$work/inner/file" | xargs)" \
	"EEXIST EEXIST EEXIST EPERM EEXIST EPERM EPERM EPERM ENXIO" "forged requests there"
umount inner
wait $!
