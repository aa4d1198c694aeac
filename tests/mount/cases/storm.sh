# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: load
# timeout: 180
#
# Processes that do everything at once to the same files, and are killed at
# random: no error that no honest race explains, no hang, and afterwards all
# that was held is given back.
mount_fs size=64m,nr_inodes=2000

descriptors() { find "/proc/$daemon/fd" -mindepth 1 | wc -l; }

before=$(descriptors)
storm "$mnt" "$(load_seconds)" 12
[ "$(status opens_passthrough)$(status opens_direct)$(status opens_cached)" != 000 ] ||
	fail "nothing was opened"
ls -lR "$mnt" >/dev/null
cp /etc/passwd "$mnt/after" || rm -f "$mnt"/f*
rm -r "${mnt:?}"/*
given_back() {
	[ "$(status memory_used) $(status inodes_used)" = "0 1" ] && [ "$(descriptors)" -le "$before" ]
}
wait_until 10 given_back
head -c 32M /dev/urandom >whole
cp whole "$mnt/"
assert_same whole "$mnt/whole"
