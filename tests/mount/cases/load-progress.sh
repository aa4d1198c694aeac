# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# The progress of dmaheapctl load and save.

need_cmd script
make_file source 20M
mount_fs

# silent without a terminal
assert_eq "$(dmaheapctl load source "$mnt/file" 2>&1)" ""
assert_eq "$(dmaheapctl save "$mnt/file" saved 2>&1)" ""
# lines on stderr, with --progress
dmaheapctl load --progress source "$mnt/file" 2>lines >out
[ ! -s out ] || fail "stdout: $(cat out)"
tail -n 1 lines | grep -Eqx '20\.0 MiB of 20\.0 MiB, 100 %, [0-9.]+ [KMG]iB/s' ||
	fail "$(cat lines)"
dmaheapctl save --progress "$mnt/file" saved 2>lines
tail -n 1 lines | grep -Eqx '20\.0 MiB of 20\.0 MiB, 100 %, [0-9.]+ [KMG]iB/s' ||
	fail "$(cat lines)"
# a source without a size has no percentage
dmaheapctl load --progress - "$mnt/file" 2>lines < <(cat source)
tail -n 1 lines | grep -Eqx '20\.0 MiB, [0-9.]+ [KMG]iB/s' || fail "$(cat lines)"
# one line a second
dmaheapctl load --progress - "$mnt/file" 2>lines < <(head -c 10M source; sleep 2.3)
[ "$(wc -l <lines)" -ge 3 ] || fail "$(cat lines)"
# on a terminal one line, written over
script -qec "dmaheapctl load source $mnt/file" /dev/null >typescript
tr '\r' '\n' <typescript | grep -Eq '20\.0 MiB of 20\.0 MiB, 100 %' || fail "$(cat -v typescript)"
assert_eq "$(grep -c '' typescript)" 1 lines
