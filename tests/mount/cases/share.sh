# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: process short
#
# Export of a file's memory. Wrong, stolen, late or used tickets are refused, and a
# misbehaving client does not delay others.

# gives MEANS WORD...: the output of share, one word per attempt
gives() {
	local means=$1
	shift
	assert_eq "$(share "$means" "$mnt/file" | xargs)" "$*" "result of $means"
}

descriptors() {
	local all=(/proc/"$daemon"/fd/*)
	echo ${#all[@]}
}

has_at_most() { [ "$(descriptors)" -le "$1" ]; }

# leave_descriptors COUNT: so many more can the daemon have
leave_descriptors() {
	local left=$1 number=0
	while [ "$left" -gt 0 ]; do
		[ -e "/proc/$daemon/fd/$number" ] || left=$((left - 1))
		number=$((number + 1))
	done
	prlimit --pid "$worker" --nofile="$number:"
}

mount_fs heap=shmem
# it has all of its own when it answers
stat -f "$mnt" >/dev/null
before=$(descriptors)
printf 'hello, world' >"$mnt/file"

gives good EOPNOTSUPP
gives read-only EOPNOTSUPP
gives memory fd fd EACCES
gives narrow ok EACCES EBADF EROFS EROFS EROFS
gives gone ok
gives query shmem 12 "$(getconf PAGESIZE)" 0
gives ioctls EINVAL ENOTTY ENOTTY ENOTTY EFAULT
gives written ok
assert_eq "$(cat "$mnt/file")" 'HELLO, world' "file after a write to the memory"

refused=(ESTALE ESTALE ESTALE ESTALE)
gives wrong "${refused[@]}" "${refused[@]}" "${refused[@]}" "${refused[@]}" fd
gives repeated fd ESTALE fd ENOENT
gives closed ESTALE fd
gives stolen ESTALE fd
gives late ESTALE fd
gives half EINVAL EINVAL EINVAL EINVAL EINVAL fd
gives silent fd fd
gives flood fd ESTALE fd
gives dead ok
gives burden fd
gives full EMFILE
gives forged EEXIST EEXIST EEXIST EPERM EEXIST EPERM EPERM EPERM ENXIO
# a file stays open once another process has had its memory
wait_until 10 has_at_most $((before + 1))

# a daemon without free descriptors says so, and recovers;
# one is what opening the file takes
leave_descriptors 1
gives memory ENFILE ENFILE EACCES
prlimit --pid "$worker" --nofile=1024:
gives memory fd fd EACCES

# nothing of it shows
assert_eq "$(ls -A "$mnt")" file "names"
assert_fails "No such file" stat "$mnt/.dmaheapfs"

# files of other filesystems, directories, missing files
printf x >file
assert_eq "$(share good "$work/file")" ENODEV "of a file of another filesystem"
assert_eq "$(share good "$mnt/none")" ENOENT "of a file that is not there"
assert_eq "$(share good "$mnt")" EISDIR "of a directory"

# an unused ticket does not keep the mount
share dead "$mnt/file"
umount_fs
