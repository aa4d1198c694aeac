# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: load process
# timeout: 180
#
# Processes that do everything at once to the same files, and are killed at
# random: no error that no honest race explains, no hang, and afterwards all
# that was held is given back.
mount_fs size=64m,nr_inodes=2000

descriptors() { find "/proc/$daemon/fd" -mindepth 1 | wc -l; }

# the root stays open from its first use on
: >"$mnt/first"
rm "$mnt/first"
before=$(descriptors)
storm "$mnt" "$(load_seconds)" 12
[ "$(status opens_passthrough)$(status opens_daemon)$(status opens_cached)" != 000 ] ||
	fail "nothing was opened"
ls -lR "$mnt" >/dev/null
cp /etc/passwd "$mnt/after" || rm -f "$mnt"/f*
rm -r "${mnt:?}"/*
held() { echo "$(status memory_used) $(status inodes_used) $(descriptors)"; }
given_back() { [ "$(held)" = "0 1 $before" ]; }
for _ in {1..100}; do
	! given_back || break
	sleep 0.1
done
given_back || ls -l "/proc/$daemon/fd"
assert_eq "$(held)" "0 1 $before" "memory, inodes and descriptors held afterwards"
head -c 32M /dev/urandom >whole
cp whole "$mnt/"
assert_same whole "$mnt/whole"
