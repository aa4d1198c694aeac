# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: load
# timeout: 300
#
# One user keeps the mount busy in every way there is, with 300 threads each.
# Another user's ls, stat, cat and touch answer within 5 s all the while. These
# bounds are for slow machines; the point is that nobody waits for a load to end.

mkdir source
make_file source/big 64M
mount_fs "size=2g,source=$work/source"
mkdir -m 1777 mnt/own mnt/others
for i in {1..50}; do echo "$i" >"mnt/others/$i"; done
chmod 644 mnt/others/*
cp source/big mnt/own/big
chmod 644 mnt/own/big

cat >load.py <<'EOF'
import os, sys, threading, time
what, mnt, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
end = time.time() + seconds
own = mnt + "/own"
big = os.open(own + "/big", os.O_RDONLY)
source = os.open(mnt + "/.source/big", os.O_RDONLY)
page = bytes(1 << 20)

def once(kind, path, fd, i):
    if kind == "copies":
        os.copy_file_range(big, fd, 8 << 20, 0, 0)
    elif kind == "copies-in":
        os.copy_file_range(source, fd, 8 << 20, 0, 0)
    elif kind == "fallocate":
        os.posix_fallocate(fd, 0, 8 << 20)
        os.ftruncate(fd, 0)
    elif kind == "writes":
        os.pwrite(fd, page, 0)
    elif kind == "truncates":
        os.ftruncate(fd, (i % 2) * (4 << 20))
    elif kind == "names":
        os.rename(path, path + "x")
        os.rename(path + "x", path)
    elif kind == "lists":
        os.listdir(own)

def run(number):
    path = "%s/%s%d" % (own, what, number)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    i = 0
    while time.time() < end:
        i += 1
        try:
            once(what, path, fd, i)
        except OSError:
            time.sleep(0.01)
    os.close(fd)

threads = [threading.Thread(target=run, args=(i,)) for i in range(300)]
for thread in threads: thread.start()
for thread in threads: thread.join()
EOF

as_neighbour() { as_user 4002 timeout 5 "$@" >/dev/null || fail "under $load: not within 5 s: $*"; }

for load in copies copies-in fallocate writes truncates names lists; do
	as_user 4001 /usr/bin/python3 load.py "$load" "$work/mnt" 6 >"$load.said" 2>&1 &
	pid=$!
	sleep 2
	while ! is_gone "$pid" && [ "$(ps -o stat= "$pid" | cut -c1)" != Z ]; do
		# 300 callers, and threads are left for others
		threads=(/proc/"$worker"/task/*)
		[ ${#threads[@]} -le 64 ] || fail "under $load: ${#threads[@]} threads of the daemon"
		as_neighbour ls -l mnt/others
		# in "names" files have other names by the time of the stat
		if [ "$load" = names ]; then as_neighbour ls mnt/own; else as_neighbour ls -l mnt/own; fi
		as_neighbour stat mnt/own/big
		as_neighbour cat mnt/others/7
		as_neighbour touch mnt/others/new
		as_neighbour rm mnt/others/new
	done
	wait "$pid" || fail "the load $load: $(tail -n 3 "$load.said")"
	rm -f mnt/own/"$load"*
done
