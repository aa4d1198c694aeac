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
compare() { # compare SEED
	mkdir -m 1777 "model/$1" "$mnt/$1"
	differ $unable -n 2000 -s "$1" "model/$1" "$mnt/$1" ||
		fail "try: differ -v -n 2000 -s $1"
	rm -rf "model/$1" "${mnt:?}/$1"
}
for seed in 5 21 42 51 919469423; do compare "$seed"; done
end=$((SECONDS + ${DMAHEAPFS_TEST_SECONDS:-0}))
compare $((RANDOM * 32768 + RANDOM))
compare $((RANDOM * 32768 + RANDOM))
while [ "$SECONDS" -lt "$end" ]; do compare $((RANDOM * 32768 + RANDOM)); done
