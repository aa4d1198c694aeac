# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: short
#
# Programs get the memory of files as plain fds. On this heap that is a memory
# file; what is the same for dma-bufs is tried with it.
mount_fs heap=shmem
printf hello >"$mnt/a"
printf world >"$mnt/b=c d"

# shellcheck disable=SC2016 # for the shell inside
show='cat <&3; cat <&5; echo " $DMAHEAP_FDS"'
assert_eq "$(dmaheapctl exec --memory 3="$mnt/a" 5="$mnt/b=c d" -- sh -c "$show")" \
	"helloworld 3 5" "output of the program"
# in the other order, and with conflicting fds
assert_eq "$(dmaheapctl exec --memory 5="$mnt/b=c d" 3="$mnt/a" -- sh -c "$show" 3</dev/null 4</dev/null)" \
	"helloworld 5 3" "output of the program"
# shellcheck disable=SC2016
assert_eq "$(dmaheapctl exec --memory 0="$mnt/a" -- sh -c 'cat; echo " $DMAHEAP_FDS"')" "hello 0"
# it has these and no other
# shellcheck disable=SC2016
list='ls -v /proc/$$/fd; :'
sh -c "$list" 3</dev/null 77</dev/null >inherited
dmaheapctl exec --memory 3="$mnt/a" 77="$mnt/a" -- sh -c "$list" >fds
assert_same inherited fds
# it is the memory itself, for writing too
dmaheapctl exec --memory 3="$mnt/a" -- sh -c 'printf J >&3'
assert_eq "$(cat "$mnt/a")" Jello "file after the program's write"

status_of() {
	local status=0
	"$@" 2>stderr || status=$?
	[ "$status" -eq 0 ] || [ -s stderr ] || fail "no word from: $*"
	echo "$status"
}
assert_eq "$(status_of dmaheapctl exec --memory 3="$mnt/a" -- sh -c 'echo x >&2; exit 42')" 42
assert_eq "$(status_of dmaheapctl exec --memory 3="$mnt/a" -- nothing-of-the-kind)" 127
assert_eq "$(status_of dmaheapctl exec --memory 3="$mnt/a" -- "$mnt/a")" 126
for words in '' '--' "3=$mnt/a" "3=$mnt/a --" "-- true" "x=$mnt/a -- true" "=$mnt/a -- true" \
	"3 -- true" "3= -- true" "-3=$mnt/a -- true" "3=$mnt/a 3=$mnt/a -- true" \
	"9999999999=$mnt/a -- true" "--nonsense 3=$mnt/a -- true"; do
	# shellcheck disable=SC2086 # words are wanted
	assert_eq "$(status_of dmaheapctl exec $words)" 2 "status of exec $words"
done
# a heap without dma-bufs says so, and nothing runs
assert_eq "$(status_of dmaheapctl exec 3="$mnt/a" -- touch ran)" 1
grep -q "a: not supported by the heap of the mount" stderr || fail "it says: $(cat stderr)"
assert_eq "$(status_of dmaheapctl exec --memory 3="$mnt/a" 4="$mnt/none" -- touch ran)" 1
assert_eq "$(status_of dmaheapctl exec --memory 3=/etc/passwd -- touch ran)" 1
grep -q "passwd: not a file of a dmaheapfs mount" stderr || fail "it says: $(cat stderr)"
[ ! -e ran ] || fail "it ran"

# users have the rights that the file gives them
chmod 644 "$mnt/a"
assert_fails "no permission" as_user 1000 dmaheapctl exec --memory 3="$mnt/a" -- true
chmod 666 "$mnt/a"
assert_eq "$(as_user 1000 dmaheapctl exec --memory 3="$mnt/a" -- sh -c 'cat <&3')" Jello

# holders
dmaheapctl exec --memory 3="$mnt/a" -- sleep 1000 &
holder=$!
comm_is() { [ "$(cat "/proc/$holder/comm")" = "$1" ]; }
wait_until 5 comm_is sleep
dmaheapctl status "$mnt/a" >said
grep -q "^held by      pid $holder (sleep) by fd 3$" said || fail "status says: $(cat said)"
need_cmd jq
assert_eq "$(dmaheapctl status --json "$mnt/a" | jq -c ".processes[] | select(.pid == $holder)")" \
	"{\"pid\":$holder,\"command\":\"sleep\",\"fds\":[3],\"maps\":0}" "holders, in JSON"
! dmaheapctl status "$mnt/b=c d" | grep -q sleep || fail "it holds another one, too"
kill "$holder"
wait "$holder" || true
! dmaheapctl status "$mnt/a" | grep -q sleep || fail "a dead one holds it"

# import is for heaps of dma-bufs
exec 3</dev/null
assert_fails "not supported by the heap" dmaheapctl import "$mnt/new"
[ ! -e "$mnt/new" ] || fail "something is left of an import"
assert_fails "a file of that name" dmaheapctl import "$mnt/a"
assert_fails "not a file of a dmaheapfs mount" dmaheapctl import file
[ ! -e file ] || fail "something is left of an import"
exec 3<&-
assert_fails "fd 3 is not open" dmaheapctl import "$mnt/new"
assert_eq "$(status_of dmaheapctl import --fd x "$mnt/new")" 2
assert_eq "$(status_of dmaheapctl import)" 2
