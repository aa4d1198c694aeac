# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of contrib/try.sh that uses a mount, here or in a guest: sourced, never run.
# The caller sets
#
#   file    the file to copy
#   heap    an empty mount of dmaheapfs
#   tmpfs   an empty tmpfs
#   dir     a directory for temporary files
#   cold    a command to run before each timed copy
# shellcheck disable=SC2154

pairs=5 # how often the two copies are timed

# microseconds COMMAND...
microseconds() {
	local start=${EPOCHREALTIME/[.,]/}
	"$@"
	printf '%d\n' $((${EPOCHREALTIME/[.,]/} - start))
}

# timed DIR: a copy there, in microseconds
timed() {
	"$cold"
	microseconds cp "$file" "$1/timed"
	rm "$1/timed"
}

# "TO_HEAP TO_TMPFS" in microseconds, a line per pair: side by side, because
# other load changes both
time_pairs() {
	local i to_heap to_tmpfs
	for ((i = 0; i < pairs; i++)); do
		to_tmpfs=$(timed "$tmpfs")
		to_heap=$(timed "$heap")
		printf '%d %d\n' "$to_heap" "$to_tmpfs"
	done
}

median() { sort -n | sed -n "$(((pairs + 1) / 2))p"; }

# sets ratio, the speed to the buffer by that to tmpfs
show_speed() {
	local size times to_heap to_tmpfs
	size=$(stat -c %s "$file")
	times=$(time_pairs)
	# bytes per microsecond are MB/s
	to_heap=$((size / $(cut -d' ' -f1 <<<"$times" | median)))
	to_tmpfs=$((size / $(cut -d' ' -f2 <<<"$times" | median)))
	ratio=$(awk -v heap="$to_heap" -v tmpfs="$to_tmpfs" \
		'BEGIN { printf "%.2f", heap / (tmpfs ? tmpfs : 1) }')
	printf 'speed: %d MB/s to the buffer, %d MB/s to tmpfs: %s times that (medians of %d)\n' \
		"$to_heap" "$to_tmpfs" "$ratio" "$pairs"
}

# a program that gets the memory itself
show_consumer() {
	local program=$dir/consumer
	cc "$top/contrib/examples/consumer.c" -o "$program" -I "$top/src/lib" \
		"$top/build/libdmaheapfs.a"
	printf 'contrib/examples/consumer.c maps it: '
	"$program" "$heap/buf0" | paste -sd' '
}

# counter NAME: one of the mount's
counter() {
	"$top/build/dmaheapctl" status --json "$heap" |
		sed -n "s/^ *\"$1\": *\([0-9]*\),*\$/\1/p"
}

# right after the copy, before anything else has been read or written
show_path() {
	local writes
	writes=$(counter writes)
	if [ "$writes" -eq 0 ]; then
		echo "path: past the daemon, the kernel wrote the buffer's memory itself"
	else
		echo "path: through the daemon, $(counter written_bytes) bytes in $writes writes"
	fi
}

same_bytes() {
	local sums
	cmp "$file" "$heap/buf0" || die "the buffer does not hold the file's bytes"
	sums=$(sha256sum <"$file"; sha256sum <"$heap/buf0")
	[ "$(uniq <<<"$sums" | wc -l)" -eq 1 ] || die "checksums differ: $sums"
	printf 'bytes: the same, sha256 %s\n' "${sums%% *}"
}

# the copy that is looked at, and its buffer
show_copy() {
	printf 'cp %s %s/buf0\n' "$file" "$heap"
	"$cold"
	cp "$file" "$heap/buf0"
	show_path
	same_bytes
	"$top/build/dmaheapctl" status "$heap/buf0"
}
