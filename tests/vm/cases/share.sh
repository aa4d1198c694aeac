#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The dma-bufs of a mount for programs and devices: they are the files' own
# memory, files stay files while others hold them, and dma-bufs of others
# become files.
#
# tags: long
set -euo pipefail
# shellcheck source=contrib/common.sh
. "${BASH_SOURCE[0]%/*}/../../../contrib/common.sh"
# shellcheck source=tests/vm/lib/mounts.sh
. "$top/tests/vm/lib/mounts.sh"

mnt=$PWD/mnt
buf=$mnt/buf
size=$(((3 << 20) + 4711))
capacity=$(((size + 4095) / 4096 * 4096))
model=/data/ext4/model
PATH=$top/build/mount-tests:$top/build/vm:$PATH

gives() {
	local means=$1 want=$2 said
	said=$(share "$means" "$buf" | xargs)
	[ "$said" = "$want" ] || fail "$means gives '$said', not '$want'"
}

is() { [ "$1" = "$2" ] || fail "${3:-it} is '$1', not '$2'"; }

# of_buf VERB WORD...: dmabuf does that with the dma-buf of the file
of_buf() {
	local verb=$1
	shift
	dmaheapctl exec 3="$buf" -- dmabuf "$verb" 3 "$@"
}

# has FILE SIZE: the dma-buf has the first SIZE bytes of FILE, then zeros
has() {
	of_buf read >seen
	head -c "$2" seen | cmp - "$1" || fail "the dma-buf differs from $1"
	tail -c "+$(($2 + 1))" seen | tr -d '\0' >rest
	[ ! -s rest ] || fail "there is something behind the end"
}

fresh() {
	rm -f "$buf"
	cp "$model" "$buf"
}

# hold DRIVER: a device has the file's dma-buf attached, until let_go of all
hold() {
	if [ ! -e held ]; then
		mkfifo -m 600 end
		exec {holding}<>end
		: >held
		holders=()
	fi
	: >said
	of_buf hold "$1" <end >said {holding}>&- &
	holders+=($!)
	until grep -q held said; do
		kill -0 $! || fail "it can't be held"
		sleep 0.1
	done
}

let_go() {
	exec {holding}>&-
	wait "${holders[@]}"
	rm end held
}

refuses() {
	local want=$1 said
	shift
	if said=$("$@" 2>&1); then
		fail "it worked: $*"
	fi
	[[ $said == *$want* ]] || fail "it said '$said', not '$want': $*"
}

# --- the program's view --------------------------------------------------------------

memory_itself() {
	fresh
	is "$(of_buf size)" "$capacity" "its size"
	has "$model" "$size"
	of_buf write 100 'written by a program'
	is "$(dd if="$buf" bs=1 skip=100 count=20 status=none)" 'written by a program' "content of the file"
	printf 'by write' | dd of="$buf" bs=1 seek=200 conv=notrunc status=none
	of_buf read >seen
	is "$(tail -c +201 seen | head -c 8)" 'by write' "content of the dma-buf"
	is "$(of_buf id)" "$(of_buf id)" "the second one"
	is "$(stat -c %s "$buf")" "$size" "the file's size"
}

rights() {
	fresh
	gives good fd
	gives read-only EACCES
	gives write-only EACCES
	# a udmabuf is also a memory file
	if [ "$heap" != udmabuf ]; then
		gives memory 'EOPNOTSUPP EOPNOTSUPP EACCES'
	else
		gives memory 'fd fd EACCES'
	fi
	: >"$mnt/empty"
	buf=$mnt/empty gives good ENODATA
	fallocate -l 4096 "$mnt/empty"
	buf=$mnt/empty gives good fd
	rm "$mnt/empty"
	chmod 644 "$buf"
	refuses 'no permission' setpriv --reuid 1000 --clear-groups \
		dmaheapctl exec 3="$buf" -- true
	chmod 666 "$buf"
	setpriv --reuid 1000 --clear-groups dmaheapctl exec 3="$buf" -- dmabuf read 3 |
		head -c "$size" | cmp - "$model"
}

# --- files that others hold --------------------------------------------------------------

does_not_grow() {
	fresh
	of_buf id >/dev/null
	refuses '' dd if=/dev/zero of="$buf" bs=1M count=1 oflag=append conv=notrunc status=none
	refuses '' truncate -s $((capacity + 1)) "$buf"
	refuses '' fallocate -l $((capacity + 1)) "$buf"
	is "$(stat -c %b "$buf")" $((capacity / 512)) "its memory"
	head -c "$size" "$buf" | cmp - "$model"
	truncate -s "$capacity" "$buf"
	is "$(stat -c %s "$buf")" "$capacity" "size of the largest write"
}

refilled_in_place() {
	local id
	fresh
	id=$(of_buf id)
	head -c 1000000 /dev/urandom >/data/ext4/other
	cp /data/ext4/other "$buf"
	same /data/ext4/other "$buf"
	is "$(of_buf id)" "$id" "the dma-buf"
	has /data/ext4/other 1000000
	# and back to all of its size
	cp "$model" "$buf"
	same "$model" "$buf"
	is "$(of_buf id)" "$id" "the dma-buf"
}

replaced() {
	fresh
	# shellcheck disable=SC2016 # for the shell inside
	dmaheapctl exec 3="$buf" -- bash -euo pipefail -c '
		head -c 5000000 /dev/urandom >"$1.new"
		mv "$1.new" "$1"
		dmabuf read 3 | head -c "$3" | cmp - "$2"
		[ "$(stat -c %s "$1")" = 5000000 ]
		rm "$1"
		dmabuf read 3 | head -c "$3" | cmp - "$2"' - "$buf" "$model" "$size"
}

removed() {
	fresh
	# shellcheck disable=SC2016
	dmaheapctl exec 3="$buf" -- bash -euo pipefail -c '
		rm "$1"
		# the memory of others is not given to the next file
		head -c "$3" /dev/zero >"$1"
		dmabuf read 3 | head -c "$3" | cmp - "$2"' - "$buf" "$model" "$size"
}

# Removing a held file does not circumvent size=.
counts_when_removed() {
	local other=$PWD/other buf
	buf=$other/buf
	mount_fs "$other" "$1" size=16m
	for _ in 1 2 3; do
		cp "$model" "$buf"
		hold vkms
		rm "$buf"
	done
	is "$(counter "$other" memory_left_behind)" $((3 * capacity)) "memory of removed files"
	[ "$(df --output=used -B 1 "$other" | tail -n 1)" -ge $((3 * capacity)) ] ||
		fail "df does not show it"
	refuses 'No space left' truncate -s 8M "$buf"
	refuses 'in use' dmaheapctl resize "$other" $((2 * capacity))
	let_go
	truncate -s 8M "$buf"
	is "$(counter "$other" memory_left_behind)" 0 "memory of removed files"
	umount "$other"
}

outlives_the_mount() {
	local other=$PWD/other lazy
	for lazy in '' -l; do
		mount_fs "$other" "$1"
		cp "$model" "$other/buf"
		# shellcheck disable=SC2016
		dmaheapctl exec 3="$other/buf" -- bash -euo pipefail -c '
			exec 5<"$1/buf"
			! umount "$1" 2>/dev/null || exit 1
			[ "$2" ] || exec 5<&-
			umount $2 "$1"
			exec 5<&-
			dmabuf read 3 | head -c "$3" | cmp - "$4"' - "$other" "$lazy" "$size" "$model"
	done
}

# held_by_a_device DRIVER
held_by_a_device() {
	fresh
	hold "$1"
	dmaheapctl status "$buf" >said
	grep -q 'held by *pid .* (dmabuf) by fd' said || fail "status says: $(<said)"
	grep -q 'held by *device' said || fail "status tells of no device: $(<said)"
	head -c 2000000 /dev/urandom >/data/ext4/other
	cp /data/ext4/other "$buf"
	same /data/ext4/other "$buf"
	cp "$buf" /data/ext4/saved
	same /data/ext4/saved /data/ext4/other
	let_go
	! dmaheapctl status "$buf" | grep -q 'held by *device' || fail "status tells of a device"
	cp "$model" "$buf"
	same "$model" "$buf"
}

# CPU access waits for a device that writes, but not for ever.
waits_for_devices() {
	fresh
	gives turn 'ok ok EINVAL EINVAL EINVAL'
	export buf
	# shellcheck disable=SC2016 # for the shell inside
	is "$(of_buf fence 'share turn "$buf"' | xargs)" 'ETIMEDOUT ETIMEDOUT EINVAL EINVAL EINVAL' \
		"result while a device writes"
	gives turn 'ok ok EINVAL EINVAL EINVAL'
	same "$model" "$buf"
}

# --- dma-bufs of others ------------------------------------------------------------------

# brought KIND: a dma-buf of that kind becomes a file
brought() {
	rm -f "$mnt/brought"
	dmabuf alloc "$1" "$capacity" 7 dmaheapctl import --fd 7 "$mnt/brought" <"$model"
	is "$(stat -c '%s %b' "$mnt/brought")" "$capacity $((capacity / 512))" "its size"
	head -c "$size" "$mnt/brought" | cmp - "$model"
	truncate -s "$size" "$mnt/brought"
	same "$model" "$mnt/brought"
	forget
	same "$model" "$mnt/brought"
	cp "$mnt/brought" /data/ext4/saved
	same "$model" /data/ext4/saved
	printf X | dd of="$mnt/brought" conv=notrunc status=none
	dmaheapctl exec 3="$mnt/brought" -- dmabuf read 3 >seen
	is "$(head -c 1 seen)" X "content of the dma-buf"
	refuses '' truncate -s $((capacity + 1)) "$mnt/brought"
	refuses 'a file of that name' dmabuf alloc "$1" 4096 3 dmaheapctl import "$mnt/brought" \
		</dev/null
	rm "$mnt/brought"
}

shared_by_two_mounts() {
	local other=$PWD/other
	fresh
	mount_fs "$other" "$1"
	dmaheapctl exec 3="$buf" -- dmaheapctl import "$other/same"
	is "$(dmaheapctl exec 3="$other/same" -- dmabuf id 3)" "$(of_buf id)" "the dma-buf"
	printf both | dd of="$other/same" conv=notrunc status=none
	is "$(head -c 4 "$buf")" both "content of the other mount's file"
	umount "$other"
}

is_no_dmabuf() {
	local file
	for file in /dev/null /dev/zero "$model" "$buf"; do
		refuses 'not a dma-buf' dmaheapctl import "$mnt/brought" 3<>"$file"
		[ ! -e "$mnt/brought" ] || fail "something is left of it"
	done
	refuses '' dmaheapctl import "$mnt/brought" 3< <(sleep 1)
}

descriptors() { find "/proc/$(counter "$mnt" pid)/fd" -type l | wc -l; }

bring_nothing() {
	local before
	fresh
	before=$(descriptors)
	is "$(dmabuf alloc system 4096 3 share bring-badly "$buf" </dev/null | xargs)" \
		"EACCES EBADF ENOENT EEXIST" "result"
	same "$model" "$buf"
	is "$(dmabuf alloc system 4096 3 dmaheapctl exec 4="$buf" -- \
		share bring-badly "$buf" </dev/null | tail -n 1)" EEXIST "result"
	rm "$buf"
	sleep 0.5
	[ "$(descriptors)" -lt "$before" ] || fail "descriptors are lost"
}

# Closing an imported fd may hang.
clinging() {
	local i
	mkdir files fuse
	touch files/clinging
	hanger "$PWD/files" "$PWD/gate" "$PWD/fuse" &
	until mountpoint -q fuse; do sleep 0.1; done
	for i in 1 2 3; do
		share bring "$mnt/new$i" 3<fuse/clinging >"said$i" &
		until [ -s "said$i" ]; do sleep 0.1; done
	done
	is "$(cat said?)" $'EINVAL\nEINVAL\nEAGAIN' "results"
	# no other client waits for that
	dmabuf alloc system "$capacity" 7 setpriv --reuid 1000 --clear-groups \
		dmaheapctl import --fd 7 "$mnt/brought" <"$model"
	head -c "$size" "$mnt/brought" | cmp - "$model"
	rm "$mnt/brought"
	fresh
	has "$model" "$size"
	touch gate
	umount fuse || umount -l fuse
	wait
	# and it is over with them
	dmabuf alloc system "$capacity" 7 dmaheapctl import --fd 7 "$mnt/brought" <"$model"
	rm -r "$mnt/brought" files fuse gate gate.waiting said?
}

# --- screens -----------------------------------------------------------------------------

picture=$((1024 * 768 * 4))

# A picture that cp has brought is the one that the screen shows.
shown() {
	local straight
	head -c "$picture" /dev/urandom >/data/ext4/picture
	straight=$(dmabuf alloc system "$picture" 3 dmabuf show 3 </data/ext4/picture)
	is "$(cp /data/ext4/picture "$buf"; of_buf show)" "$straight" "picture on the screen"
	printf change | dd of="$buf" bs=1 seek=1000 conv=notrunc status=none
	[ "$(of_buf show)" != "$straight" ] || fail "the checksum is that of every picture"
}

head -c "$size" /dev/urandom >"$model"
cards=(/dev/dri/card*)
for heap in system udmabuf "${cards[@]/#/drm:}"; do
	mount_fs "$mnt" "$heap"
	test_that "a program gets the memory itself, $heap" memory_itself
	test_that "with the rights of the file, $heap" rights
	test_that "an exported file does not grow, $heap" does_not_grow
	test_that "and is refilled in place, $heap" refilled_in_place
	test_that "a holder keeps the memory of a replaced file, $heap" replaced
	test_that "or removed, $heap" removed
	test_that "or the mount is gone, $heap" outlives_the_mount "$heap"
	test_that "the memory of a removed and held file counts, $heap" counts_when_removed "$heap"
	# a device frees its own without attaching it
	driver=vgem
	[[ $(dmaheapctl status "$mnt") != *'driver vgem'* ]] || driver=vkms
	test_that "it can be copied while a device has it, $heap" held_by_a_device "$driver"
	test_that "CPU access waits for devices, $heap" waits_for_devices
	test_that "a dma-buf of a heap becomes a file, $heap" brought system
	test_that "one of udmabuf becomes a file, $heap" brought udmabuf
	test_that "one can be the memory of files of two mounts, $heap" shared_by_two_mounts "$heap"
	test_that "only a dma-buf becomes a file, $heap" is_no_dmabuf
	test_that "an import without an fd makes no file, $heap" bring_nothing
	test_that "a hanging client delays no other, $heap" clinging
	rm "$buf"
	test_that "a screen shows the picture in a file, $heap" shown
	umount "$mnt"
done
