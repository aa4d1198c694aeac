# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# The effect of each mount option.
need_cmd findmnt

shown() { findmnt -n -o "$1" --mountpoint "$mnt"; }
root_is() { assert_eq "$(stat -c '%a %u:%g' "$mnt")" "$1" "mode and owner of the root"; }

mount_fs
root_is "1777 0:0"
assert_eq "$(shown FSTYPE)" fuse.dmaheapfs "type"
assert_eq "$(shown SOURCE)" dmaheapfs "source"
[[ ,$(shown FS-OPTIONS), == *,allow_other,* ]] || fail "root's mount is root's alone"
[[ ,$(shown FS-OPTIONS), == *,default_permissions,* ]] || fail "the kernel does not check rights"
umount_fs

mount_fs mode=0750,uid=1000,gid=1001
root_is "750 1000:1001"
as_user 1000 touch "$mnt/file"
assert_fails "Permission denied" as_user 1002 ls "$mnt"
umount_fs
mount_fs mode=700
root_is "700 0:0"
umount_fs

mount_fs nosymfollow
echo text >"$mnt/file"
ln -s file "$mnt/link"
assert_fails "Too many levels" cat "$mnt/link"
assert_eq "$(readlink "$mnt/link")" file "a link with nosymfollow"
umount_fs
mount_fs
ln -s options "$mnt/link"
dmaheapfs none "$mnt" -o remount,nosymfollow
assert_fails "Too many levels" ls "$mnt/link/"
umount_fs

# the last of several counts
mount_fs mode=700,mode=755,size=1m,size=2m
root_is "755 0:0"
assert_eq "$(df --output=size -k "$mnt" | tail -n 1 | tr -d ' ')" 2048 "size"
umount_fs

mount_fs 'fsname=my buffers'
assert_eq "$(shown SOURCE)" "my buffers" "source"
umount_fs
mount_fs 'fsname=a\,b=c'
assert_eq "$(shown SOURCE)" "a,b=c" "source"
umount_fs

# options that mount(8) passes on, and options of other programs
mount_fs rw,relatime,suid,dev,exec,auto,nouser,async,nofail,_netdev,x-systemd.automount,comment=x,defaults
for flag in nosuid nodev noexec ro; do
	[[ ,$(shown VFS-OPTIONS), != *,$flag,* ]] || fail "it is mounted $flag"
done
umount_fs
mount_fs nosuid,nodev,noexec,noatime,sync
for flag in nosuid nodev noexec; do
	[[ ,$(shown VFS-OPTIONS), == *,$flag,* ]] || fail "it is not mounted $flag"
done
cp /bin/true "$mnt/true"
assert_fails "Permission denied" "$mnt/true"
sys mknod "$mnt/null" char 666
assert_eq "$(sys open "$mnt/null" rdonly 0)" EACCES "opening a device on a nodev mount"
umount_fs
mount_fs suid,dev,exec
cp -a /dev/null "$mnt/null"
echo gone >"$mnt/null"
assert_eq "$(cat "$mnt/null")" "" "read from /dev/null"
if can_map; then
	cp /bin/true "$mnt/true"
	"$mnt/true"
	# a program that is set-user-ID
	cp "$(command -v id)" "$mnt/id"
	chown 1000 "$mnt/id"
	chmod 4755 "$mnt/id"
	assert_eq "$(as_user 1001 "$mnt/id" -u)" 1000 "effective user of a set-user-ID program"
	# and a file being executed can't be written to
	cp /bin/sleep "$mnt/sleep"
	"$mnt/sleep" 60 &
	sleeper=$!
	running() { [ "$(readlink "/proc/$sleeper/exe")" = "$mnt/sleep" ]; }
	wait_until 5 running
	assert_eq "$(sys open "$mnt/sleep" rdwr 0)" ETXTBSY "opening a program that runs for writing"
	kill "$sleeper"
	wait "$sleeper" || true
fi
umount_fs

# times of access; those of a dma-buf know no options
mark() { touch -a -d 2001-01-01 "$mnt/file" && touch -m -d "$1" "$mnt/file" && cat "$mnt/file"; }
marked() { [ "$(stat -c %X "$mnt/file")" -gt 1000000000 ]; }
mount_fs noatime
echo text >"$mnt/file"
mark 2002-01-01 >/dev/null
! marked || fail "noatime marks"
umount_fs
mount_fs
echo text >"$mnt/file"
mark 2002-01-01 >/dev/null
marked || ! has_holes || fail "relatime does not mark"
umount_fs
mount_fs strictatime
echo text >"$mnt/file"
touch -m -d 2001-01-01 "$mnt/file"
touch -a -d '2 hours ago' "$mnt/file"
before=$(stat -c %X "$mnt/file")
cat "$mnt/file" >/dev/null
[ "$(stat -c %X "$mnt/file")" -gt "$before" ] || ! has_holes || fail "strictatime does not mark"
umount_fs

if [ "${DMAHEAPFS_TEST_HEAP:-shmem}" = shmem ] && [ -d /sys/kernel/mm/transparent_hugepage ]; then
	mount_fs huge=always,size=64m
	head -c 8M /dev/zero | tr '\0' x >"$mnt/huge"
	assert_eq "$(tr -d x <"$mnt/huge" | wc -c)" 0 "wrong bytes in huge pages"
	truncate -s 3M "$mnt/huge"
	truncate -s 8M "$mnt/huge"
	assert_eq "$(tr -d 'x' <"$mnt/huge" | wc -c)" $((5 << 20)) "zeros after shrinking huge pages"
	fallocate -p -o 1000000 -l 1000000 "$mnt/huge"
	assert_eq "$(tr -d 'x' <"$mnt/huge" | wc -c)" $(((5 << 20) + 1000000)) "zeros after punching"
	! passes_through || maps "$mnt" >said || fail "mappings: $(cat said)"
	umount_fs
	for when in never within_size advise; do
		mount_fs huge=$when
		umount_fs
	done
fi

# -d tells, -f stays, both given as separate -o too
dmaheapfs label "$work/mnt" -d -o heap=shmem -o mode=700 >debug 2>&1 &
pid=$!
wait_until 5 is_mounted "$work/mnt"
ls "$work/mnt"
root_is "700 0:0"
umount "$work/mnt"
wait "$pid"
grep -q INIT debug || fail "-d does not show requests"
