# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: source load
# timeout: 240
#
# cp from .source is one request, whatever the size; nothing of it passes
# through reads and writes, and the file says which engine it was.

mkdir src
mount_fs source="$work/src"
view=$mnt/.source

counter() { getfattr --absolute-names --only-values -n user.dmaheap.status "$mnt" | sed -n "s/^$1=//p"; }
engine_of() { getfattr --absolute-names --only-values -n user.dmaheap.copy "$1" | sed 's/^engine=\([^ ]*\) .*/\1/'; }

begin_copy() { before=$(counter copies) restarts=$(counter restarts); }

# was_one_copy WHAT: one request since then; or some, if a kill cut it short
was_one_copy() {
	local copies=$(($(counter copies) - before))
	[ "$copies" -eq 1 ] ||
		{ [ "$copies" -gt 1 ] && [ "$(counter restarts)" -gt "$restarts" ]; } ||
		fail "$copies copy requests for $1"
}

# copied FILE [COMMAND...]: cp (or COMMAND) of FILE is one request more, and right
copied() {
	local file=$1 reads writes
	shift
	[ $# -gt 0 ] || set -- cp
	begin_copy
	reads=$(counter reads) writes=$(counter writes)
	"$@" "$view/$file" "$mnt/$file"
	was_one_copy "$file"
	assert_eq "$(counter reads) $(counter writes)" "$reads $writes" "reads and writes for $file"
	assert_same "src/$file" "$mnt/$file"
	assert_eq "$(stat -c %s "$mnt/$file")" "$(stat -c %s "src/$file")" "size of $file"
}

for size in 1 511 512 4095 4096 4097 65536 1048575 1048577 3000001 16777216 40000003; do
	make_file "src/$size" "$size"
	copied "$size"
	case $(engine_of "$mnt/$size") in
	direct | buffered | bounce | copy_file_range) ;;
	*) fail "$size: $(getfattr --absolute-names --only-values -n user.dmaheap.copy "$mnt/$size")" ;;
	esac
done
: >src/nothing
cp "$view/nothing" "$mnt"
assert_eq "$(stat -c %s "$mnt/nothing")" 0 "an empty file"

# over existing files, shorter and longer
cp "$view/3000001" "$mnt/4097"
assert_same src/3000001 "$mnt/4097"
cp "$view/4095" "$mnt/3000001"
assert_same src/4095 "$mnt/3000001"
assert_eq "$(stat -c %s "$mnt/3000001")" 4095 "size of a shorter one"

# holes: at the end, in the middle, everywhere
truncate -s 10M src/all
cp src/1048577 src/end
truncate -s 9000001 src/end
cp src/1048577 src/middle
dd if=src/4097 of=src/middle bs=1M seek=7 status=none
for file in all end middle; do
	copied "$file"
done

# other tools
make_file src/tools 5000001
for tool in 'install -m 600' 'cp -p' 'cp --reflink=auto'; do
	rm -f "$mnt/tools"
	# shellcheck disable=SC2086 # words are wanted
	copied tools $tool
done
begin_copy
cat "$view/tools" >"$mnt/cat"
assert_same src/tools "$mnt/cat"
was_one_copy cat
dd if="$view/tools" of="$mnt/dd" bs=77777 status=none
assert_same src/tools "$mnt/dd"
cp --sparse=always "$view/tools" "$mnt/always"
assert_same src/tools "$mnt/always"
tail -c +12345 "$view/tools" >"$mnt/tail"
tail -c +12345 src/tools | cmp - "$mnt/tail"

# a tree of small files
mkdir -p src/tree/{a,b}/{c,d}
for i in {1..300}; do
	make_file "src/tree/$([ $((i % 2)) = 0 ] && echo a/c || echo b/d)/$i" $((i * 97))
done
before=$(counter copies)
cp -a "$view/tree" "$mnt/tree"
diff -r src/tree "$mnt/tree"
assert_eq $(($(counter copies) - before)) 300 "copy requests for a tree"
assert_eq "$(cd "$mnt/tree" && find . -printf '%p %T@ %m\n' | sort)" \
	"$(cd src/tree && find . -printf '%p %T@ %m\n' | sort)" "the tree's facts"

# to /dev/null, and back
assert_fails "Read-only file system" cp "$mnt/tools" "$view/tools2"
cp "$view/tools" out
assert_same src/tools out
