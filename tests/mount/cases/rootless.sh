# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# A user without rights mounts in a user namespace of their own, as in a rootless
# container. All goes through the daemon there, and status says so.

[ "${DMAHEAPFS_TEST_HEAP:-shmem}" = shmem ] || skip "other heaps need the machine's root"
as_user 4001 unshare --user --map-root-user true || skip "no user namespaces for users here"
# everyone may open the device on most systems, but not here perhaps
mkdir dev
mount -t tmpfs -o mode=755 tmpfs dev
mknod -m 666 dev/fuse c 10 229
mount --bind dev/fuse /dev/fuse
mkdir -p mnt
chmod 777 . mnt
make_file text 300K
chmod 644 text
cat >inside.sh <<'EOF'
set -eu
dmaheapfs label mnt -o heap=shmem,size=16m
cp text mnt/file
cmp text mnt/file
dmaheapctl load text mnt/loaded
cmp text mnt/loaded
dmaheapctl save mnt/loaded saved
cmp text saved
dmaheapctl exec --memory 5=mnt/file -- cmp text /proc/self/fd/5
cp /bin/true mnt/program
mnt/program
rm mnt/loaded
dmaheapctl status mnt
umount mnt
EOF
as_user 4001 unshare --user --map-root-user --mount bash inside.sh >said 2>&1 ||
	fail "$(cat said)"
grep -q 'passthrough no$' said || fail "status: $(cat said)"
grep -q '^opens *0 passthrough' said || fail "status: $(cat said)"
umount /dev/fuse
umount dev
