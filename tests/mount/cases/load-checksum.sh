# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# dmaheapctl load --checksum: a file with the wrong checksum gets no name.

make_file source 3M
make_file old 1M
sum=$(sha256sum source | cut -d ' ' -f 1)
mount_fs
cp old "$mnt/file"

# another file, a bit that fell over, an empty one
for wrong in "$(sha256sum old | cut -d ' ' -f 1)" "${sum%?}$([ "${sum: -1}" = 0 ] && echo 1 || echo 0)" \
	"$(sha256sum /dev/null | cut -d ' ' -f 1)"; do
	assert_fails "does not have this checksum" \
		dmaheapctl load --checksum "sha256:$wrong" source "$mnt/file"
	assert_same old "$mnt/file"
	assert_fails "does not have this checksum" \
		dmaheapctl load --checksum="sha256:$wrong" source "$mnt/new"
	assert_eq "$(ls -A "$mnt")" file names
done

dmaheapctl load --checksum "sha256:$sum" source "$mnt/file"
assert_same source "$mnt/file"
dmaheapctl load --checksum "sha256:${sum^^}" - "$mnt/piped" < <(cat source)
assert_same source "$mnt/piped"
: >empty
dmaheapctl load --checksum "sha256:$(sha256sum /dev/null | cut -d ' ' -f 1)" empty "$mnt/empty"
assert_same empty "$mnt/empty"

for nonsense in "$sum" "sha256:" "sha256:${sum%?}" "sha256:${sum}0" "md5:$sum" "sha256:${sum%?}g" ""; do
	assert_fails "a checksum is sha256:" dmaheapctl load --checksum "$nonsense" source "$mnt/x"
done
