# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# What can't be mounted is refused with one line that says what to do, with
# mount(8)'s exit status, and nothing is left behind.

# refused STATUS TEXT ARGUMENT...
refused() {
	local want=$1 text=$2 status=0
	local before after
	shift 2
	before=$(_mounts)
	dmaheapfs "$@" >stdout 2>stderr || status=$?
	after=$(_mounts)
	assert_eq "$status" "$want" "status of dmaheapfs $*"
	assert_eq "$(wc -l <stderr)" 1 "lines on stderr of dmaheapfs $* ($(cat stderr))"
	[[ $(cat stderr) == *$text* ]] || fail "dmaheapfs $* says '$(cat stderr)', not '$text'"
	assert_eq "$(cat stdout)" "" "stdout of dmaheapfs $*"
	assert_eq "$after" "$before" "mounts after dmaheapfs $*"
	[ -z "$(pgrep -x dmaheapfs)" ] || fail "it still runs after dmaheapfs $*"
}

mkdir dir
touch file
for option in nonsense nonsense=1 heaps=shmem uid uid= uid=no-one-here uid=-1 uid=1.5 gid=x \
	uid=99999999999 mode=8 mode=rwx mode=77777 mode=-1 mode= size= size size=x size=12q size=-1 \
	size=1e3 'size= 1' size=101%% nr_inodes=x nr_inodes=-5 huge= heap= fsname= allow_other=1 \
	ro=1 default_permissions,nonsense 'mode=755 ' 'rw nonsense'; do
	refused 1 "" label dir -o "heap=shmem,$option"
	# the line names the fault
	[[ $(cat stderr) == *"${option%%=*}"* || $option == *,* || $option == rw* ]] ||
		fail "$option is not named: $(cat stderr)"
done
refused 32 "not a dmaheapfs mount" label dir -o remount,size=1g
refused 32 huge label dir -o heap=shmem,huge=nonsense
refused 1 --help
refused 1 "" a b dir
refused 1 "" label dir --nonsense
refused 1 "" label dir -Z
refused 1 "" label dir -o
refused 32 nothing label dir -o heap=nothing
refused 32 "not a path" label dir -o heap=../../etc
refused 32 mkdir label missing -o heap=shmem
refused 32 "not a directory" label file -o heap=shmem
refused 32 "" label file/below -o heap=shmem
refused 32 "" label '' -o heap=shmem
ln -s missing dangling
refused 32 "" label dangling -o heap=shmem

# one that is busy does not get a second on top
mount_fs
echo text >"$mnt/file"
before=$(_mounts)
for again in "$mnt" "$mnt/" "$mnt/." mnt; do
	status=0
	dmaheapfs label "$again" -o heap=shmem 2>stderr || status=$?
	assert_eq "$status $(wc -l <stderr)" "32 1" "status and lines of a second mount"
	[[ $(cat stderr) == *"mounted already"* ]] || fail "a second mount says: $(cat stderr)"
done
ln -s mnt link
assert_fails "mounted already" dmaheapfs label link -o heap=shmem
assert_eq "$(_mounts)" "$before" "mounts after a second try"
assert_eq "$(cat "$mnt/file")" text "content of the first"
umount_fs

# help and version
dmaheapfs --help >stdout 2>stderr
assert_eq "$(cat stderr)" "" "stderr of --help"
grep -q '^Usage: dmaheapfs' stdout || fail "--help shows no usage"
dmaheapfs -h | cmp - stdout
dmaheapfs --version >stdout 2>stderr
assert_eq "$(cat stderr)" "" "stderr of --version"
grep -qE '^dmaheapfs [0-9]' stdout || fail "--version: $(cat stdout)"

# without /dev/fuse, and with a refused mount(2)
mount --bind /dev/null /dev/fuse
refused 32 "" label dir -o heap=shmem
umount /dev/fuse
status=0
setpriv --bounding-set=-sys_admin dmaheapfs label dir -o heap=shmem >stdout 2>stderr || status=$?
assert_eq "$status $(wc -l <stderr)" "32 1" "status and lines without CAP_SYS_ADMIN ($(cat stderr))"
# users are told to be root
status=0
as_user 1000 dmaheapfs label dir -o heap=shmem >stdout 2>stderr || status=$?
assert_eq "$status $(wc -l <stderr)" "32 1" "status and lines for a user ($(cat stderr))"
[[ $(cat stderr) == *root* ]] || fail "a user is told: $(cat stderr)"
