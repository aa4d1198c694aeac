# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# dmaheapctl's help, the state of all mounts, and several files at once.

# --- help
for ask in help --help -h; do
	assert_eq "$(dmaheapctl "$ask")" "$(dmaheapctl --help)" "dmaheapctl $ask"
done
seen=0
while read -r verb; do
	seen=$((seen + 1))
	assert_eq "$(dmaheapctl "$verb" --help)" "$(dmaheapctl help "$verb")" "help for $verb"
	dmaheapctl help "$verb" | grep -q "^Usage: dmaheapctl $verb" || fail "no usage of $verb"
done < <(dmaheapctl help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\).*/\1/p')
[ "$seen" -ge 9 ] || fail "only $seen verbs"
assert_fails "no verb 'helpp'" dmaheapctl helpp
assert_fails "no verb 'none'" dmaheapctl help none

# --- the state of all mounts
assert_fails "no dmaheapfs is mounted" dmaheapctl status
assert_eq "$(dmaheapctl status --json | jq -c)" '[]' "the mounts before there is one"
mount_fs '' "$work/one"
mount_fs size=7m "$work/two words"
dmaheapctl status >said
grep -q "^mount  *$work/one\$" said || fail "$(cat said)"
grep -q "^mount  *$work/two words\$" said || fail "$(cat said)"
assert_eq "$(grep -c '^heap  ' said)" 2 "heaps"
dmaheapctl status --json |
	jq -er '.[] | "\(.mount) \(.memory_limit)"' | sort >said
assert_eq "$(tail -n 1 said)" "$work/two words 7340032" "a mount and its limit"
umount_fs "$work/two words"
mnt=$work/one

# --- several files
mkdir "$mnt/dir" a
echo one >a/first
echo two >second
dmaheapctl load a/first second "$mnt/dir/"
assert_eq "$(cat "$mnt/dir/first" "$mnt/dir/second")" $'one\ntwo' "two files"
dmaheapctl load second "$mnt/dir"
echo new >a/first
assert_fails "none: No such file" dmaheapctl load none a/first "$mnt/dir"
assert_eq "$(cat "$mnt/dir/first")" new "a file beside one that fails"
assert_fails "is not a directory" dmaheapctl load a/first second "$mnt/dir/second"
assert_fails "name a file in it" dmaheapctl load - "$mnt/dir" </dev/null
assert_fails "one file" dmaheapctl load --checksum "sha256:$(printf '%064d' 0)" a/first second "$mnt/dir"
assert_fails "needs SRC and FILE" dmaheapctl load a/first
