# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# Shared mappings, and what they make of stat.
mount_fs size=16g
has_holes || skip "only who opens a dma-buf that has memory can map it"
if passes_through; then
	maps "$mnt"
else
	maps -c "$mnt"
fi

# memory is given back when the last map is gone, too
rm -f "$mnt"/*
freed() { [ "$(status memory_used)" -eq 0 ]; }
wait_until 5 freed
