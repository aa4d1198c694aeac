# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# A file's owner gets an fd of its memory. A lease on it would block the next
# open of the file, and all who wait for that: there must be none.

mount_fs heap=shmem,size=64m
chmod 1777 mnt
make_file text 1M

# a lease for writing needs the only fd, one for reading needs no writer
cat >lease.py <<'EOF'
import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)

def leased(fd, kind):
    for _ in range(20):
        try:
            fcntl.fcntl(fd, fcntl.F_SETLEASE, kind)
            return 1
        except OSError:
            time.sleep(0.05)
    return 0

got = leased(5, fcntl.F_WRLCK)
if not got:
    reader = os.open("/proc/self/fd/5", os.O_RDONLY)
    os.close(5)
    got = leased(reader, fcntl.F_RDLCK)
open(sys.argv[1], "w").write(str(got))
time.sleep(60)
EOF

# hold NAME: as a user, make the file and keep only the fd of its memory
hold() {
	as_user 4001 cp text "mnt/$1"
	chmod 666 "mnt/$1"
	as_user 4001 dmaheapctl exec --memory 5="mnt/$1" -- python3 lease.py "$work/said.$1" &
	holders+=($!)
}

holders=()
chmod 777 .
for name in a b c; do hold "$name"; done
for name in a b c; do
	wait_until 20 test -s "said.$name"
	assert_eq "$(cat "said.$name")" 0 "leases on $name"
done

# lease or none, no other user waits
timeout 5 ls -l mnt >/dev/null
for name in a b c; do
	assert_same "mnt/$name" text
	as_user 4002 timeout 5 dd if=text of="mnt/$name" conv=notrunc status=none
	as_user 4002 timeout 5 truncate -s 100k "mnt/$name"
	timeout 5 chown 4003 "mnt/$name"
	timeout 5 mv "mnt/$name" "mnt/$name.new"
done

# what the daemon keeps open it closes with the file
pkill -f lease.py
wait "${holders[@]}" || true
before=$(find "/proc/$daemon/fd" | wc -l)
rm mnt/*.new
assert_eq "$(find "/proc/$daemon/fd" | wc -l)" $((before - 3)) "descriptors after the removal"
is_free() { [ "$(status memory_used)" -eq 0 ]; }
wait_until 5 is_free
