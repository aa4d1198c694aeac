#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every row of dmaheap-bench runs here, with the right bytes, or names the feature that
# the kernel lacks. A wrong byte is detected. The figures mean nothing.
#
# tags: long
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mounts.sh
. "$top/tests/vm/lib/mounts.sh"

plain=$top/build-old-libfuse/dmaheapfs
tables=(read write udmabuf)
mounts=({in,out}-{dma-heap,udmabuf,shmem})

# bench ARGUMENT...: with files so small that it is soon over
bench() {
	dmaheap-bench --dir /data/ext4 --size 1 --count 3 --runs 1 --window 8 "$@"
}

# missing features of the kernel, as a pattern for the reasons
# shellcheck disable=SC2154 # run.sh sets it
missing() {
	case $rig_kernel in
	stock) echo 'this kernel has no copy_file_range between a file and ' ;;
	*) echo 'no reason at all' ;;
	esac
}

# unplanned GROUP: the rows that were left out, or failed, without a good reason
unplanned() {
	jq -r --arg group "$1" --arg missing "$(missing)" '
		.groups[] | select(.name == $group)
		| (.skipped // empty), (.rows[]? | (.failed // .skipped // empty)
			| select(startswith($missing) | not))' report.json |
		grep -vE -- '--plain names one$|--examples makes it$' || true
}

rows() {
	jq -r --arg group "$1" '.groups[] | select(.name == $group)
		| [.rows[]? | select(.figures | length > 0)] | length' report.json
}

# all_right GROUP: none is left out without a reason, and some are there
all_right() {
	local complaints
	complaints=$(unplanned "$1")
	[ -z "$complaints" ] || fail "$complaints"
	[ "$(rows "$1")" -gt 0 ] || fail "no row of it has figures"
}

runs() {
	local rows="${tables[*]} ${mounts[*]} small"
	[ ! -x "$plain" ] || set -- --plain "$plain"
	bench --rows "${rows// /,}" --json report.json --csv report.csv "$@" >text || {
		cat text
		return 1
	}
}

has_rows() {
	local there
	there="$(rows read) $(rows write) $(rows udmabuf)"
	[ "$there" = "$*" ] || fail "there are $there"
}

# tables of 23, 9 and 11 rows, each with the limit, as far as the kernel goes
all_rows_of_tables() {
	case $rig_kernel in
	stock) has_rows 16 6 10 ;;
	*) has_rows 24 10 12 ;;
	esac
}

repeats() {
	bench --rows read/4* --seed 42 | grep -q -- '--seed 42$'
}

# a toybox that spoils a byte of its copy
make_spoiler() {
	mkdir -p spoilt
	{
		printf '#!/bin/sh\n%s "$@"\n' "$(command -v toybox)"
		# shellcheck disable=SC2016 # for the script
		printf 'for to; do :; done\n[ ! -d "$to" ] ||\n'
		# shellcheck disable=SC2016
		printf 'printf x | dd of="$to/1" bs=1 seek=5000 conv=notrunc status=none\n'
	} >spoilt/toybox
	chmod +x spoilt/toybox
}

notices_a_wrong_byte() {
	make_spoiler
	! PATH=$PWD/spoilt:$PATH bench --rows 'in-shmem/toybox*' >text || fail "it did not"
	grep -q 'FAILED.*/1 has wrong bytes at 4096$' text || fail "$(<text)"
}

test_that "every group runs" runs
for group in "${tables[@]}" "${mounts[@]}" small; do
	test_that "every row of $group that this kernel can do is there, with the right bytes" \
		all_right "$group"
done
test_that "the tables have as many rows as they should" all_rows_of_tables
test_that "the order can be repeated, and says how" repeats
test_that "a wrong byte fails it" notices_a_wrong_byte
