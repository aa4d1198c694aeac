# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: load
# timeout: 180
#
# The same random things on a tmpfs and on ours, with the same outcome.
# shellcheck source=/dev/null
. "$here/compare.sh"
need_cmd differ
mount_both size=64g
has_holes || skip "a dma-buf has blocks for all of its size"

unable=
passes_through || unable=-c
# seeds that once found something, and new ones
for seed in 5 21 42 51 $((RANDOM * 32768 + RANDOM)) $((RANDOM * 32768 + RANDOM)); do
	mkdir -m 1777 "model/$seed" "$mnt/$seed"
	differ $unable -n 2000 -s "$seed" "model/$seed" "$mnt/$seed" ||
		fail "try: differ -v -n 2000 -s $seed"
done
