# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: process
# timeout: 240
#
# One user takes as many open files, directories and names as they get. Others,
# and root, are served all the same; and what was taken comes back.

# take KIND DIRECTORY COUNT: take that many, print the number, wait for "go"
cat >take.py <<'EOF'
import os, resource, sys, time
kind, directory, count, said, go = sys.argv[1:]
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
taken, error = [], ""
for i in range(int(count)):
    path = "%s/%s%d-%d" % (directory, kind, os.getpid(), i)
    try:
        if kind == "files" or kind == "removed":
            taken.append(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            if kind == "removed":
                os.unlink(path)
        elif kind == "nameless":
            taken.append(os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o600))
        elif kind == "directories":
            taken.append(os.open(directory, os.O_RDONLY | os.O_DIRECTORY))
        elif kind == "same":
            taken.append(os.open(directory + "/shared", os.O_RDONLY))
        elif kind == "names":
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        elif kind == "links":
            os.symlink("x", path)
        elif kind == "hard":
            os.link(directory + "/own", path)
        elif kind == "subdirectories":
            os.mkdir(path)
        elif kind == "nodes":
            os.mkfifo(path)
    except OSError as e:
        error = e.strerror
        break
with open(said, "w") as out:
    print(i if error else i + 1, error, file=out)
while not os.path.exists(go):
    time.sleep(0.05)
EOF

others_are_served() {
	as_user 4002 ls -l mnt/own >/dev/null
	assert_eq "$(as_user 4002 cat mnt/other)" precious
	as_user 4002 sh -c 'echo new >mnt/new && mkdir mnt/dir && rmdir mnt/dir && rm mnt/new'
	ls -l mnt/own >/dev/null
	echo new >mnt/new
	rm mnt/new
	dmaheapctl status mnt >/dev/null
	dmaheapctl exec --memory 3=mnt/other -- true
}

# take KIND COUNT LIMIT ERROR
take() {
	local pid
	rm -f said.take go
	as_user 4001 /usr/bin/python3 take.py "$1" mnt/own "$2" said.take "$work/go" &
	pid=$!
	wait_until 60 test -s said.take
	assert_eq "$(cat said.take)" "$3 $4" "$1 that one user gets"
	others_are_served
	: >go
	wait "$pid"
}

prepare() {
	mkdir -m 1777 mnt/own
	chmod 1777 mnt
	echo precious >mnt/other
	chmod 666 mnt/other
	: >mnt/own/shared
	chmod 644 mnt/own/shared
	chmod 777 .
}

[ "${DMAHEAPFS_TEST_HEAP:-shmem}" = shmem ] || skip "a dma-buf costs a descriptor"
mount_fs size=64m,uid_opens=300,uid_files=500
prepare
for _ in 1 2; do
	for kind in files removed nameless directories same; do
		[ "$kind" != nameless ] || passes_through || continue
		take "$kind" 1000 300 'Too many open files'
		rm -f mnt/own/files*
	done
done
as_user 4001 sh -c ': >mnt/own/own'
take hard 1000 499 'Disk quota exceeded'
rm -f mnt/own/hard* mnt/own/own
for kind in names links subdirectories nodes; do
	take "$kind" 1000 500 'Disk quota exceeded'
	rm -rf mnt/own/"$kind"*
done

# attributes leave room for the names of others
cat >attributes.py <<'EOF'
import os
i = 0
try:
    while True:
        path = "mnt/own/attributes%d" % (i // 8)
        if not i % 8:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        os.setxattr(path, "user.%d" % (i % 8), bytes(4000))
        i += 1
except OSError as e:
    print(e.strerror)
EOF
if as_user 4001 setfattr -n user.a -v b mnt/own/shared 2>/dev/null || : >mnt/own/own &&
	chown 4001 mnt/own/own && as_user 4001 setfattr -n user.a -v b mnt/own/own; then
	said=$(as_user 4001 /usr/bin/python3 attributes.py)
	[[ $said == *'quota exceeded' || $said == 'No space left on device' ]] || fail "said $said"
	others_are_served
fi
rm -f mnt/own/attributes* mnt/own/own

# names move with their owner, and come back by renaming over them
for i in {1..400}; do : >"mnt/own/moved$i"; done
chown 4001 mnt/own/moved*
take names 1000 100 'Disk quota exceeded'
chown 0 mnt/own/moved*
rm mnt/own/moved* mnt/own/names*
for i in {1..600}; do
	as_user 4001 sh -c ': >mnt/own/a && mv mnt/own/a mnt/own/b'
done
rm mnt/own/b
take names 1000 500 'Disk quota exceeded'
umount_fs

# without options: half of the daemon's, and a file for each page of size=
mount_fs size=1m
prepare
assert_eq "$(df --output=itotal mnt | tail -n 1 | tr -d ' ')" 1024 "files of a small mount"
take names 2000 768 'Disk quota exceeded'
umount_fs
mount_fs size=64m
assert_eq "$(df --output=itotal mnt | tail -n 1 | tr -d ' ')" $((64 * 1024 * 1024 / $(getconf PAGESIZE)))
umount_fs

# an open directory of many names costs no memory
mount_fs size=64m
prepare
mkdir -m 1777 mnt/own/many
(cd mnt/own/many && seq 10000 | xargs touch)
rss() { awk '/^VmRSS:/ { print $2 }' "/proc/$worker/status"; }
[ "$(find mnt/own/many -mindepth 1 | wc -l)" -eq 10000 ]
before=$(rss)
cat >list.py <<'EOF'
import os, time
dirs = []
for i in range(800):
    dirs.append(os.scandir("mnt/own/many"))
    next(dirs[-1])
open("listed", "w").write("yes")
while not os.path.exists("unlist"):
    time.sleep(0.05)
EOF
/usr/bin/python3 list.py &
pid=$!
wait_until 30 test -s listed
[ -n "$(sanitizers)" ] || [ $(($(rss) - before)) -lt 4000 ] || fail "800 open directories cost $(($(rss) - before)) KiB"
: >unlist
wait "$pid"
umount_fs

# what is removed, and held without being open, costs few descriptors
cat >removed.py <<'EOF'
import os, resource, sys, time
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = []
for i in range(hard // 2 - 20):
    os.mkdir("mnt/own/removed")
    held.append(os.open("mnt/own/removed", os.O_PATH))
    os.rmdir("mnt/own/removed")
    os.close(os.open("mnt/own/a", os.O_WRONLY | os.O_CREAT, 0o600))
    held.append(os.open("mnt/own/a", os.O_PATH))
    os.close(os.open("mnt/own/b", os.O_WRONLY | os.O_CREAT, 0o600))
    os.rename("mnt/own/b", "mnt/own/a")
open("removed", "w").write("yes")
while not os.path.exists("go"):
    time.sleep(0.05)
EOF
ulimit -n 4000
mount_fs size=64m
prepare
rm -f go
as_user 4001 /usr/bin/python3 removed.py &
pid=$!
wait_until 60 test -s removed
others_are_served
: >go
wait "$pid"
rm mnt/own/a
umount_fs
