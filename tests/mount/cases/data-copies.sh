# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# copy_file_range, sendfile, splice, within the mount and across its border.
# shellcheck disable=SC2094 # a file may well be open twice
# shellcheck source=/dev/null
. "$here/compare.sh"
mount_both size=16g

ranges() {
	seq 100000 >source
	exec {in}<source {out}<>target
	run sys copy "$in" 0 "$out" 0 1000000
	run cmp source target
	run sys copy "$in" 1000 "$out" 5 100
	run sys copy "$in" 588890 "$out" 0 100000
	run sys copy "$in" 600000 "$out" 0 100
	run sys copy "$in" 0 "$out" 1000000 500
	show target
	cksum target
	# within one file
	run sys copy "$out" 0 "$out" 2000000 300000
	run sys copy "$out" 0 "$out" 100 1000
	run sys copy "$out" 100 "$out" 0 1000
	run sys copy "$out" 0 "$out" 0 10
	run sys copy "$out" 0 "$out" 1000 1000
	cksum target
	show target
	# what may not be
	run sys copy "$in" 0 "$in" 600000 10
	run sys copy "$in" 0 4 0 10 4>>target
	run sys copy "$in" 0 4 0 10 4>wronly
	run sys copy 4 0 "$out" 0 10 4>wronly
	mkdir dir
	run sys copy 4 0 "$out" 0 10 4<dir
	run sys copy "$in" 0 "$out" 0 0
	run sys copy "$in" -5 "$out" 0 10
	exec {in}>&- {out}>&-
}

lengths_beyond_32_bits() {
	truncate -s 4294967396 source
	exec {in}<source {out}<>target
	run sys pwrite 3 4294967200 "$(printf '%0196d' 7)" 3<>source
	run sys copy "$in" 4294967200 "$out" 0 4294967312
	run sys copy "$in" 4294967200 "$out" 1000 4294967296
	run sys copy "$in" 4294967200 "$out" 5368709120 4294967297
	run sys sendfile "$in" 4294967200 "$out" 4294967297
	run sys copy "$in" 4294967390 "$out" 0 9223372036854775807
	show target
	run sys pread "$out" 5368709310 10
	exec {in}>&- {out}>&-
}

sparse_ones() {
	truncate -s 1M sparse
	echo data | dd of=sparse bs=1 seek=500000 conv=notrunc status=none
	head -c 1M /dev/zero | tr '\0' x >target
	exec {in}<sparse {out}<>target
	run sys copy "$in" 0 "$out" 0 1048576
	run cmp sparse target
	show sparse target
	exec {in}>&- {out}>&-
}

pipes() {
	seq 50000 >source
	exec {in}<source {out}<>target
	run sys sendfile "$in" 0 "$out" 200000
	run sys sendfile "$in" 1000 "$out" 10
	run sys splice "$in" 0 "$out" 0 30000
	run sys splice "$in" 288890 "$out" 400000 30000
	show target
	cksum target
	# shellcheck disable=SC2002 # a pipe is wanted
	cat source | cat >through
	run cmp source through
	run sys sendfile "$in" 0 4 100 4>>through
	tail -c 20 through
	exec {in}>&- {out}>&-
}

# the whole of what a tool makes of it
tools() {
	head -c 3M /dev/zero | tr '\0' y >big
	truncate -s 4M big
	for copy in 'cp' 'cp --reflink=auto' 'cp --sparse=always' 'busybox cp' 'toybox cp' 'install' \
		'rsync' 'cp -a' 'busybox cp -a' 'toybox cp -p'; do
		# shellcheck disable=SC2086 # words are wanted
		run $copy big copy
		run cmp big copy
		show copy
		# over a longer one
		truncate -s 5M copy
		# shellcheck disable=SC2086
		run $copy big copy
		run cmp big copy
		show copy
		rm copy
	done
	run dd if=big of=copy bs=64K status=none
	run cmp big copy
	run dd if=big of=copy bs=10000 conv=sparse,notrunc status=none
	run cmp big copy
	run dd if=big of=copy bs=1M iflag=direct oflag=direct status=none
	run cmp big copy
	run mv copy moved
	run cmp big moved
}

need_cmd busybox toybox rsync
both ranges
! has_holes || both lengths_beyond_32_bits
both sparse_ones
both pipes
both tools

# across the border, both ways
make_file source 20000001
for copy in cp 'cp --sparse=always' 'busybox cp' 'toybox cp' install mv rsync \
	'rsync --inplace' 'dd bs=1M status=none'; do
	cp source victim
	if [[ $copy == dd* ]]; then
		$copy if=victim of="$mnt/there"
		$copy if="$mnt/there" of=back
	else
		$copy victim "$mnt/there"
		$copy "$mnt/there" back
	fi
	assert_same source back
	rm -f "$mnt/there" back
done
cat source >"$mnt/there"
assert_same source "$mnt/there"
head -c 10000000 source >"$mnt/there"
tail -c +10000001 source >>"$mnt/there"
assert_same source "$mnt/there"
assert_eq "$(sha256sum <"$mnt/there")" "$(sha256sum <source)" "checksum"
