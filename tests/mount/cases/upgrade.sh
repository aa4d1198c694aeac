# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: process
#
# Another version of the program goes on with a mount in use: no program notices. One that
# stores the state in another way is refused, and so is one that does not run.

[ -z "$(sanitizers)" ] || skip "sanitizers have allocators of their own"
# ulimit -f, which containers may set, leaves no way
mkdir bin source
printf text >source/file
installed=$work/bin/dmaheapfs
cp /usr/local/sbin/dmaheapfs "$installed"
PATH=$work/bin:$PATH
mount_fs "source=$work/source,size=300m"

install_new() { # install_new FILE: as a package manager does
	cp "$1" "$work/bin/new"
	chmod 755 "$work/bin/new"
	mv "$work/bin/new" "$installed"
}

# a half-read listing, a file without a name, an exported one
touch "$mnt"/{a,b,c,d,e}
exec {open}<>"$mnt/gone"
printf precious >&"$open"
rm "$mnt/gone"
dmaheapctl resize "$mnt" 200m
seconds=6
survive "$mnt" "$seconds" >said &
load=$!
for _ in 1 2 3 4 5; do
	sleep 0.7
	install_new /usr/local/sbin/dmaheapfs
	dmaheapctl upgrade "$mnt"
	[ "$(stat -L -c %i "/proc/$daemon/exe")" = "$(stat -c %i "$installed")" ] ||
		fail "the daemon still runs the old file"
done
wait "$load" || fail "programs noticed: $(cat said)"
cat said
assert_eq "$(status upgrades)" 5 "upgrades"
assert_eq "$(status memory_limit)" $((200 << 20)) "the limit"
assert_eq "$(sys pread "$open" 0 8)" "precious 8" "the file without a name"
assert_eq "$(cat "$mnt/.source/file")" text "a file of .source"
exec {open}>&-

# it has the same privileges and can be killed as before
assert_eq $((0x$(sed -n 's/^CapPrm:\t//p' "/proc/$daemon/status") & ~0x8820001f)) 0 "capabilities"
kill -KILL "$(worker_of "$daemon")"
echo more >"$mnt/after"
assert_eq "$(cat "$mnt/after")" more "a file after a kill"

# what cannot go on is refused, and the mount stays as it is
cat >other <<'END'
#!/bin/sh
echo "dmaheapfs 9.9, libfuse 3.99"
echo "state 0123456789abcdef"
END
install_new other
assert_fails "cannot be upgraded" dmaheapctl upgrade "$mnt"
daemon_log | grep -q 'its state has another layout' || fail "the log does not say why"
printf '#!/bin/sh\nsleep 60\n' >other
install_new other
assert_fails "cannot be upgraded" dmaheapctl upgrade "$mnt"
rm "$installed"
assert_fails "cannot be upgraded" dmaheapctl upgrade "$mnt"
assert_eq "$(cat "$mnt/after")" more "a file after refusals"
assert_fails "cannot signal" as_user 1000 dmaheapctl upgrade "$mnt"
assert_fails "not a dmaheapfs mount" dmaheapctl upgrade "$work"
install_new /usr/local/sbin/dmaheapfs
dmaheapctl upgrade "$mnt"

rm -r "${mnt:?}"/*
echo 2 >/proc/sys/vm/drop_caches 2>/dev/null || true
is_empty() { [ "$(status nodes) $(status open_files) $(status memory_used)" = "1 0 0" ]; }
wait_until 10 is_empty
umount_fs

# one in the background, which SIGTERM ends
mkdir -p back
dmaheapfs label "$work/back" -o heap=shmem
daemon=$(pgrep -o -x dmaheapfs)
echo text >back/file
dmaheapctl upgrade "$work/back"
assert_eq "$(cat back/file)" text "a file of the mount in the background"
kill -TERM "$daemon"
wait_until 5 is_gone "$daemon"
is_mounted "$work/back" && fail "SIGTERM left the mount"
true
