# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: process short
#
# What the starter leaves behind does not matter: closed or open descriptors,
# signals, limits, priority. And what the daemon keeps is what it needs.

mkdir -p mnt source
make_file source/file 3M
mnt=$work/mnt

start() { # start SETUP: mount from a shell that has run SETUP
	bash -c "$1"'
		exec dmaheapfs dmaheapfs "$0" -o "heap=shmem,source=$1"' "$mnt" "$work/source"
	daemon=$(pgrep -o -x dmaheapfs)
	wait_until 5 worker_of "$daemon" >/dev/null
	worker=$(worker_of "$daemon")
}

end() {
	umount "$mnt"
	wait_until 10 is_gone "$daemon"
}

check_use() {
	cp source/file mnt/file
	assert_same source/file mnt/file
	cp mnt/.source/file mnt/copy
	assert_same source/file mnt/copy
	rm mnt/file mnt/copy
}

field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$process/status"; }

# --- descriptors: closed ones in every combination
for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
	start "exec $closed;"
	check_use
	end
done

# the library's user: progress must not end in the copy
start ''
for closed in '2>&-' '<&- 2>&-' '<&- >&- 2>&-'; do
	eval "dmaheapctl load --progress source/file mnt/file $closed"
	assert_same source/file mnt/file
	eval "dmaheapctl save --progress mnt/file saved $closed"
	assert_same source/file saved
	rm mnt/file saved
done
end

# --- open ones: a lock that a script holds ends with the script
start "exec 7>'$work/lock' 200>'$work/other'; flock 7;"
flock --nonblock lock true || fail "the daemon holds the script's lock"
for fd in /proc/"$worker"/fd/*; do
	target=$(readlink "$fd")
	case $target in
	/dev/null | /dev/fuse | / | "$work/source" | 'anon_inode:[eventfd]' | socket:* | \
		'/memfd:dmaheapfs-saved (deleted)' | *'/source (deleted)') ;;
	*) fail "the daemon has ${fd##*/} open: $target" ;;
	esac
done
end

# --- signals: blocked and ignored ones end it all the same
cat >odd.py <<'EOF'
import os, signal, sys
for number in range(1, signal.NSIG):
    if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
        signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
os.execvp(sys.argv[1], sys.argv[1:])
EOF
# a timer that the starter has set ends nothing
python3 -c '
import os, signal, sys
signal.setitimer(signal.ITIMER_REAL, 1)
os.execvp(sys.argv[1], sys.argv[1:])' dmaheapfs dmaheapfs "$mnt" -f -o heap=shmem &
daemon=$!
wait_until 5 is_mounted "$mnt"
sleep 1.2
is_gone "$daemon" && fail "the starter's timer ended the daemon"
umount "$mnt"
wait "$daemon"

python3 odd.py dmaheapfs dmaheapfs "$mnt" -o heap=shmem,source="$work/source"
daemon=$(pgrep -o -x dmaheapfs)
worker=$(worker_of "$daemon")
check_use
kill -TERM "$daemon"
wait_until 10 is_gone "$daemon"
is_mounted "$mnt" && fail "SIGTERM left the mount"

# --- limits: on sizes, on time, on memory, on threads; priority
memory='ulimit -v 400000;'
[ -z "$(sanitizers)" ] || memory='' # they need terabytes of addresses
start "ulimit -f 1000; ulimit -t 5; $memory renice 19 \$\$ >/dev/null;"
echo precious >mnt/other
truncate -s 30M mnt/big 2>/dev/null || true
fallocate -l 30M mnt/big 2>/dev/null || true
# a limit that may not be lifted holds for what passes through the daemon
! passes_through || check_use
assert_eq "$(cat mnt/other)" precious
assert_eq "$(awk '{ print $19 }' "/proc/$worker/stat")" 0 "its nice value"
end

# a caller with a limit gets an error, and nothing of the copy is left
start ''
make_file mnt/big 2M
(
	ulimit -f 1000
	assert_fails 'File too large' dmaheapctl save mnt/big saved
	assert_fails 'File too large' dmaheapctl load source/file mnt/loaded
)
[ ! -e saved ] && [ ! -e mnt/loaded ]
assert_eq "$(find . mnt -maxdepth 1 -name '.*.*' | wc -l)" 0 "temporary files"

# --- privileges: eight capabilities, one of them off, and no way to more
for process in "$daemon" "$worker"; do
	assert_eq "$(field CapPrm)" "$(field CapBnd)" "permitted capabilities"
	assert_eq $((0x$(field CapPrm) & ~0x8820001f)) 0 "capabilities beyond the needed ones"
	assert_eq $((0x$(field CapEff) & 0x10)) 0 "CAP_FSETID"
	assert_eq "$(field CapInh)" 0000000000000000 "inheritable capabilities"
	assert_eq "$(field NoNewPrivs)" 1
done
for task in /proc/"$worker"/task/*; do
	cmp <(grep '^Cap' "$task/status") <(grep '^Cap' "/proc/$worker/status")
done
# CAP_SYS_RESOURCE, which containers may lack
if ((0x$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/$$/status) >> 24 & 1)); then
	assert_eq "$(cat "/proc/$worker/oom_score_adj")" -1000
fi
# kernels without core dumps have no filter
if [ -e "/proc/$worker/coredump_filter" ]; then
	assert_eq "$(cat "/proc/$worker/coredump_filter")" 00000000
fi
end
