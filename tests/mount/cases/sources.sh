# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# SOURCE names a heap, or is a label, or is reported to be neither.
need_cmd findmnt strace

no_daemons() { ! pgrep -x dmaheapfs >/dev/null; }
mkdir a

# a source that names no heap: there is a message, also in the system log, and the heap that
# was taken is shown
strace -o calls -e trace=connect dmaheapfs camera-heap "$work/a" 2>said
grep -q '/dev/log' calls || fail "nothing goes to the system log"
grep -q "there is no heap camera-heap here (there are: .*shmem); took $(status heap a)" said ||
	fail "$(<said)"
assert_eq "$(findmnt -n -o SOURCE --mountpoint "$work/a")" "$(status heap a)" "findmnt"
umount a
wait_until 5 no_daemons

# a label
strace -o calls -e trace=connect dmaheapfs none "$work/a" 2>said
! grep -q '/dev/log' calls || fail "a label goes to the system log"
! grep -q 'no heap none' said || fail "$(<said)"
assert_eq "$(findmnt -n -o SOURCE --mountpoint "$work/a")" none "findmnt of a label"
umount a
wait_until 5 no_daemons

# a comma in the name
assert_fails 'heap=linux\,cma' dmaheapfs x "$work/a" -o heap=linux,cma
