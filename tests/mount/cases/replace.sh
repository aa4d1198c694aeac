# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# load and save leave the attributes of a file that they replace as they were,
# and give a new one those that cp gives it. A name of an open file is written to.

need_cmd getfacl
need_cmd setfacl
mount_fs size=100m
mkdir disk
mount -t tmpfs tmpfs disk
trap 'status=$?; umount disk; (exit "$status"); _finish' EXIT
echo new >mnt/new
echo new >disk/new

# attributes FILE: all that the copies must keep
attributes() {
	stat -c '%a %u %g' "$1"
	getfacl --omit-header --numeric --absolute-names "$1"
	getfattr --dump --match='^(user|trusted)\.' --absolute-names "$1" 2>/dev/null | tail -n +2
}

# copy_to FILE: load or save, by the side that FILE is on
copy_to() {
	if [[ $1 == mnt/* ]]; then
		dmaheapctl load disk/new "$1"
	else
		dmaheapctl save mnt/new "$1"
	fi
}

# --- a file with everything
for file in mnt/file disk/file; do
	for access in 'u:1234:rw,g::-' 'u:1234:r,g:4321:rwx,m::r' 'o::-' ''; do
		echo old >"$file"
		chown 4001:4444 "$file"
		chmod 640 "$file"
		[ -z "$access" ] || setfacl -m "$access" "$file"
		setfattr -n user.note -v keep "$file" || true
		setfattr -n trusted.note -v keep "$file"
		before=$(attributes "$file")
		copy_to "$file"
		assert_eq "$(cat "$file")" new
		assert_eq "$(attributes "$file")" "$before" "attributes of $file with '$access'"
		rm "$file"
	done
done

# --- a directory with a default list: a new file as from cp, an old one as before
for dir in mnt/dir disk/dir; do
	mkdir "$dir"
	echo old >"$dir/old"
	chmod 600 "$dir/old"
	before=$(attributes "$dir/old")
	setfacl -d -m u:1234:rw,g::-,o::- "$dir"
	copy_to "$dir/old"
	assert_eq "$(attributes "$dir/old")" "$before" "attributes of $dir/old"
	for mask in 000 022 077; do
		(
			umask "$mask"
			if [[ $dir == mnt/* ]]; then source=disk/new; else source=mnt/new; fi
			chmod 664 "$source"
			cp "$source" "$dir/copied"
			copy_to "$dir/made"
		)
		assert_eq "$(attributes "$dir/made")" "$(attributes "$dir/copied")" \
			"attributes of $dir/made with umask $mask"
		rm "$dir/copied" "$dir/made"
	done
done

# --- in a user namespace, over a file whose owner has no number there
echo old >mnt/foreign
chmod 666 mnt/foreign
chmod 777 mnt
cat >inside.py <<'EOF'
import ctypes, os, sys
ready, go = os.pipe(), os.pipe()
pid = os.fork()
if not pid:
    assert ctypes.CDLL(None).unshare(0x10000000) == 0  # CLONE_NEWUSER
    os.write(ready[1], b"x")
    os.read(go[0], 1)
    os.setgid(0)
    os.setuid(0)
    os.execvp(sys.argv[1], sys.argv[1:])
os.read(ready[0], 1)
for name in ("uid_map", "gid_map"):
    open("/proc/%d/%s" % (pid, name), "w").write("0 100000 65536")
os.write(go[1], b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOF
python3 inside.py dmaheapctl load /etc/hostname mnt/foreign
assert_eq "$(stat -c %u:%g mnt/foreign)" 100000:100000 "owner of the foreign file"

# --- open files: written to where they are, and the next write goes behind
echo payload >mnt/payload
for name in - /dev/stdout /dev/fd/1 /proc/self/fd/1 link; do
	ln -sf /dev/stdout link
	for mode in '>' '>>'; do
		: >out
		eval "{ echo before; dmaheapctl save mnt/payload $name; echo after; } $mode out"
		assert_eq "$(cat out)" $'before\npayload\nafter' "save to $name, $mode"
		[ "$name" != - ] || continue
		: >mnt/out
		eval "{ echo before; dmaheapctl load mnt/payload $name; echo after; } $mode mnt/out"
		assert_eq "$(cat mnt/out)" $'before\npayload\nafter' "load to $name, $mode"
	done
done
{ echo before; dmaheapctl save mnt/payload /dev/fd/7 7>&1; echo after; } >>out7
assert_eq "$(cat out7)" $'before\npayload\nafter' "save to /dev/fd/7"
assert_eq "$(dmaheapctl save mnt/payload /dev/stdout | cat)" payload "save to a pipe"
assert_fails 'needs the file' dmaheapctl load --checksum \
	"sha256:$(printf '%064d' 0)" mnt/payload /dev/fd/7 7>mnt/out
make_file mnt/big 5M
for mode in '>' '>>'; do
	: >out
	eval "{ dmaheapctl save mnt/big -; dmaheapctl save mnt/big -; } $mode out"
	cat mnt/big mnt/big | cmp - out
done

# --- without /proc, as in a chroot of a rescue system; sanitizers need it
without_proc() {
	mkdir -p root/dev root/mnt root/disk
	for dir in bin lib lib64 usr; do
		[ ! -e "/$dir" ] || { mkdir -p "root/$dir" && mount --rbind "/$dir" "root/$dir"; }
	done
	mount --bind mnt root/mnt
	mount --bind disk root/disk
	chroot root /usr/local/sbin/dmaheapctl load /disk/new /mnt/loaded
	chroot root /usr/local/sbin/dmaheapctl save /mnt/loaded /disk/saved
	assert_eq "$(cat disk/saved)" new
	umount -R -l root/*/ 2>/dev/null || true
}
[ -n "$(sanitizers)" ] || without_proc

# --- text of others: names of files and of processes
name=$'odd\e[31m\nname\xff'
if dmaheapctl status "mnt/$name" 2>said; then fail "there is no such file"; fi
grep -q 'odd\\x1b\[31m\\x0aname\\xff' said || fail "said $(cat -v said)"
cat >named.py <<'EOF'
import ctypes, time
ctypes.CDLL(None).prctl(15, b"\xff\x1b[31mX", 0, 0, 0)
open("named", "w").write("yes")
time.sleep(60)
EOF
if [ "$(status heap)" = shmem ]; then
	dmaheapctl exec --memory 7=mnt/payload -- python3 named.py &
	wait_until 10 test -s named
	dmaheapctl status --json mnt/payload |
		python3 -c 'import json, sys; json.loads(sys.stdin.buffer.read().decode())'
	[[ $(dmaheapctl status mnt/payload) != *$'\e'* ]] || fail "status shows an escape sequence"
	dmaheapctl status mnt/payload | grep -q '\\xff\\x1b\[31mX' || fail "the holder is not shown"
	kill $!
	wait $! 2>/dev/null || true
fi
