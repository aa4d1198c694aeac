# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: load short
#
# Directories under change. A listing shows each unchanged file exactly once. A move loses
# no file. An open of a replaced file finds the old one or the new one.
mount_fs
mkdir "$mnt/list" "$mnt/rename" "$mnt/replace"
crowd list "$mnt/list" 2
crowd rename "$mnt/rename" 2
crowd replace "$mnt/replace" 2

# rm -r while others make files: it may fail, but ends, and a second one does it
mkdir "$mnt/tree"
: >making
(while [ -e making ] && mkdir -p "$mnt/tree/a/b" && : >"$mnt/tree/a/b/$RANDOM"; do
	:
done) 2>/dev/null &
maker=$!
sleep 0.2
rm -r "$mnt/tree" 2>/dev/null || true
rm making # killed, it would leave a mkdir at work behind
wait "$maker" || true
rm -rf "$mnt/tree"
[ ! -e "$mnt/tree" ] || fail "the tree is still there"
