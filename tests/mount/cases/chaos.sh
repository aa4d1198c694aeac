# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: load hostile
# timeout: 240
#
# A user without rights makes random system calls on the mount, and sends random
# messages with random fds to its socket. Another user is served meanwhile, and
# afterwards the daemon has what it had before. DMAHEAPFS_TEST_SECONDS=3600 makes
# it an hour, and DMAHEAPFS_TEST_SEED repeats a run.

seed=${DMAHEAPFS_TEST_SEED:-$((RANDOM * 32768 + RANDOM))}
printf 'seed %s\n' "$seed"
mkdir -p source/sub
make_file source/sub/big 3M
echo small >source/sub/small
chmod 755 source/sub
mount_fs "size=64m,nr_inodes=3000,source=$work/source"
mkdir -m 1777 mnt/own
echo precious >mnt/other

descriptors() { find "/proc/$daemon/fd" -mindepth 1 | wc -l; }
before=$(descriptors)
# its threads close each other's descriptors on purpose
TSAN_OPTIONS=report_bugs=0 as_user 4001 chaos "$work/mnt" "$(load_seconds)" 8 "$seed" >said 2>&1 &
pid=$!
while ! is_gone "$pid"; do
	assert_eq "$(as_user 4002 timeout 20 cat mnt/other)" precious "the file of another user"
	sleep 0.2
	[ "$(ps -o stat= "$pid" | cut -c1)" != Z ] || break
done
wait "$pid" || fail "chaos: $(cat said)"
cat said
[ "$(sed 's/ calls//' said)" -gt 1000 ] || fail "few calls"

find mnt -mindepth 1 -delete
held() { echo "$(status memory_used) $(status inodes_used)"; }
given_back() { [ "$(held)" = "0 1" ] && [ "$(descriptors)" -le "$before" ]; }
for _ in {1..100}; do
	! given_back || break
	sleep 0.1
done
given_back || { ls -l "/proc/$daemon/fd"; fail "held afterwards: $(held), $(descriptors) descriptors, not $before; nodes: $(status nodes), open files: $(status open_files)"; }
