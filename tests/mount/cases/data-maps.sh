# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# Shared mappings and their effect on stat.
mount_fs size=16g
can_map || skip "a dma-buf can be mapped only if it had memory at open"
if passes_through; then
	maps "$mnt"
else
	maps -c "$mnt"
fi

# memory is given back when the last map is gone, too
rm -f "$mnt"/*
freed() { [ "$(status memory_used)" -eq 0 ]; }
wait_until 5 freed
