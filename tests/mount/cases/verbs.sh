# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# dmaheapctl's help, the state of all mounts, lists of buffers, and several files at once.

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
[ "$seen" -ge 11 ] || fail "only $seen verbs"
assert_fails "no verb 'helpp'" dmaheapctl helpp
assert_fails "no verb 'none'" dmaheapctl help none

# --- the state of all mounts
assert_fails "no dmaheapfs is mounted" dmaheapctl status
assert_fails "no dmaheapfs is mounted" dmaheapctl ls
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

# --- for Prometheus: a name has one block, with all mounts
dmaheapctl status --metrics >said
sed -n 's/^dmaheapfs_memory_limit_bytes{\(.*\)} /\1 /p' said | sort >limits
assert_eq "$(tail -n 1 limits)" "mount=\"$work/two words\",heap=\"$(status heap)\" 7340032" "a sample"
assert_eq "$(wc -l <limits)" 2 "mounts"
assert_eq "$(grep -v '^#' said | sed 's/{.*//' | uniq | sort | uniq -d)" "" "names with two blocks"
assert_eq "$(grep -vE '^(# (HELP|TYPE) dmaheapfs_[a-z_]+ .+|dmaheapfs_[a-z_]+\{.*\} [0-9]+)$' said || true)" "" "odd lines"
assert_eq "$(grep -c '^# TYPE' said)" "$(grep -v '^#' said | sed 's/{.*//' | uniq | wc -l)" "types"
assert_fails "none with --metrics" dmaheapctl status --metrics "$work/one"

# --- requests, by kind
asked() { dmaheapctl status --requests "$work/one" | sed -n "s/^$1  *//p"; }
before=$(asked MKDIR)
mkdir "$work/one/d" "$work/one/d/d"
# more, if some were served again after a kill
[ "$(asked MKDIR)" -ge $((${before:-0} + 2)) ] || fail "requests: $before, then $(asked MKDIR)"
rm -r "$work/one/d"
[ "$(dmaheapctl status --json "$work/one" | jq .requests.RMDIR)" -ge 2 ] || fail "requests of another kind"
touch "$work/one/file"
assert_fails "is not the root of a mount" dmaheapctl status --requests "$work/one/file"
rm "$work/one/file"

# --- buffers: of all mounts, of one, of a directory, and by name
listed() { dmaheapctl ls --json "$@" | jq -r '.[].file' | paste -sd' '; }
assert_eq "$(dmaheapctl ls; dmaheapctl ls --json | jq -c)" '[]' "no buffer"
echo two >"$work/two words/$(printf 'new\nline')"
umask 0077
mkdir -m 0755 "$work/one/dir"
echo mine >"$work/one/dir/private"
ln -s private "$work/one/dir/link"
mkfifo "$work/one/fifo"
umask 0022
make_file some 1536K
dmaheapctl load some "$work/one/b"
assert_eq "$(listed)" "$work/one/b $work/one/dir/private $work/two words/new\\x0aline" "all buffers"
assert_eq "$(listed "$work/one/")" "$work/one/b $work/one/dir/private" "those of a mount"
assert_eq "$(listed "$work/one/dir" "$work/one/b")" "$work/one/dir/private $work/one/b" "some"
dmaheapctl ls "$work/one" >said
assert_eq "$(awk 'NR > 1 && $5 == "no" && $6 == 0 { print $1, $2, $NF }' said)" \
	"1.5 MiB $work/one/b
5 B $work/one/dir/private" "lines of text: $(cat said)"
assert_fails "private: Permission denied" as_user 4001 dmaheapctl ls "$work/one"
assert_fails "none: No such file" dmaheapctl ls "$work/one/none"
assert_eq "$( (dmaheapctl ls "$work/one/none" "$work/one/b" 2>/dev/null || true) | grep -c "$work/one/b$")" 1 "the other"
assert_fails "is neither a dmaheapfs mount" dmaheapctl ls said
rm -r "$work/one/dir" "$work/one/fifo" "$work/one/b"

# --- a mount whose daemon is dead
kill -KILL "$(status pid "$work/two words")" "$(worker_of "$(status pid "$work/two words")")"
expect_death "$work/two words"
assert_fails "$work/two words: Transport endpoint is not connected" dmaheapctl status
(dmaheapctl status 2>/dev/null || true) | grep -q "^mount  *$work/one\$" || fail "the other mount is left out"
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
