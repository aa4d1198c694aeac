# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tags: process hostile load
#
# The process that serves is killed, again and again: no program notices, nothing is lost,
# and nothing is left in the tables.

preloads=/usr/local/sbin/mount-tests
mkdir source
cp -r "$(dirname "$(command -v dmaheapfs)")/mount-tests" source/tree
seconds=${DMAHEAPFS_TEST_SECONDS:-6}

kill_worker() { # kill_worker SIGNAL
	local pid
	pid=$(worker_of "$daemon") || return 0
	kill -"$1" "$pid" 2>/dev/null || return 0
	kills=$((${kills:-0} + 1))
}

# another process gets the memory itself
export_file() {
	if [[ $(status dmabuf) == yes* ]]; then
		dmaheapctl exec 5="$mnt/$1" -- test -e /proc/self/fd/5
	else
		dmaheapctl exec --memory 5="$mnt/$1" -- cmp /proc/self/fd/5 "source/tree/${1##*/}"
	fi
}

# what tools do, in a loop
copy_trees() {
	local end=$((SECONDS + seconds))
	while [ "$SECONDS" -lt "$end" ]; do
		cp -r "$mnt/.source/tree" "$mnt/copy"
		diff -r source/tree "$mnt/copy"
		tar -C "$mnt" -cf - copy | tar -C "$mnt" -xf - --transform s/copy/untarred/
		diff -r source/tree "$mnt/untarred"
		export_file copy/storm
		rm -r "$mnt/copy" "$mnt/untarred"
	done
}

# go_on PAUSE SIGNAL...: the programs work while the worker gets the signals in turn
go_on() {
	local pause=$1 load trees end=$((SECONDS + seconds)) signals=("${@:2}")
	kills=0
	survive "$mnt" "$seconds" >said &
	load=$!
	copy_trees >trees.said 2>&1 &
	trees=$!
	while [ "$SECONDS" -lt "$end" ]; do
		sleep "$pause$((RANDOM % 10))"
		kill_worker "${signals[kills % ${#signals[@]}]}"
	done
	wait "$load" || fail "programs noticed: $(cat said)"
	wait "$trees" || fail "tools noticed: $(cat trees.said)"
	cat said
	echo "$kills kills, $(status restarts) restarts"
	# one that is dying already may be killed again
	[ "$(status restarts)" -ge $((kills / 2)) ] || fail "too few restarts"
}

nothing_is_left() {
	rm -rf "${mnt:?}"/*
	sync -f "$mnt"
	echo 2 >/proc/sys/vm/drop_caches 2>/dev/null || true
	is_empty() { [ "$(status nodes) $(status open_files) $(status inodes_used) $(status memory_used)" = "1 0 1 0" ]; }
	wait_until 10 is_empty
}

descriptors() { find "/proc/$daemon/fd" -mindepth 1 | wc -l; }

# a dma-buf that outlives its file counts until its holder closes it, over kills, too
if [ "${DMAHEAPFS_TEST_HEAP:-shmem}" != shmem ]; then
	mount_fs
	fallocate -l 1M "$mnt/held"
	dmaheapctl exec 5="$mnt/held" -- sh -c ': >started; exec sleep 60' &
	holder=$!
	wait_until 10 test -e started
	rm "$mnt/held"
	for _ in 1 2 3; do
		assert_eq "$(status memory_used) $(status memory_left_behind)" "1048576 1048576" "memory"
		kill -KILL "$(worker_of "$daemon")"
	done
	kill "$holder"
	wait "$holder" || true
	is_free() { [ "$(status memory_left_behind) $(status memory_used)" = "0 0" ]; }
	wait_until 10 is_free
	umount_fs
fi

mount_fs "source=$work/source"
# it has all of its own when it answers
stat -f "$mnt" >/dev/null
before=$(descriptors)
# sanitizers report the others
[ -z "$(sanitizers)" ] || go_on 0.1 KILL
[ -n "$(sanitizers)" ] || go_on 0.1 KILL SEGV KILL ABRT
nothing_is_left
assert_eq "$(descriptors)" "$before" "descriptors"
umount_fs

# copies that take longer than a worker lives get on
if [ -z "$(sanitizers)" ]; then
	make_file source/large 200M
	mount_fs "source=$work/source"
	while sleep 0.01; do
		kill_worker KILL
	done &
	killer=$!
	cp "$mnt/.source/large" "$mnt/copy"
	cp "$mnt/copy" "$mnt/again"
	kill "$killer"
	wait "$killer" || true
	assert_same source/large "$mnt/copy"
	assert_same source/large "$mnt/again"
	[ "$(status restarts)" -ge 3 ] || fail "only $(status restarts) kills"
	rm source/large
	umount_fs
fi

# most kills come between the work and the answer
if [ -z "$(sanitizers)" ]; then
	export SLOW_ANSWERS_US=3000 LD_PRELOAD=$preloads/slow_answers.so
	mount_fs "source=$work/source"
	unset LD_PRELOAD
	go_on 0.0 KILL
	nothing_is_left
	umount_fs
fi

# one request that crashes every process gets an error, and the rest goes on
if [ -z "$(sanitizers)" ]; then
	export LD_PRELOAD=$preloads/crash.so
	mount_fs "source=$work/source"
	unset LD_PRELOAD
	mkdir "$mnt/crash-once" "$mnt/other"
	assert_eq "$(status restarts)" 1 "restarts after a crash"
	assert_fails "Input/output" mkdir "$mnt/crash"
	assert_eq "$(status restarts)" 4 "restarts after three more"
	daemon_log | grep -q 'has crashed the serving process 3 times' || fail "it is not logged"
	# other threads copy
	echo 'crash when this is copied' >source/poison
	assert_fails "Input/output" cp "$mnt/.source/poison" "$mnt"
	assert_eq "$(status restarts)" 7 "restarts after three copies"
	echo text >"$mnt/other/file"
	rm -r "${mnt:?}"/*
	umount_fs
fi

# one that crashes before it serves is not started for ever, and the files can be saved
if [ -z "$(sanitizers)" ]; then
	export LD_PRELOAD=$preloads/crash.so CRASH_AT_START=$work/crash-now
	mount_fs
	unset LD_PRELOAD
	cp -a source/tree "$mnt"
	ln "$mnt/tree/storm" "$mnt/hard"
	chmod 0751 "$mnt/tree"
	printf end | dd of="$mnt/gap" bs=1M seek=100 status=none
	: >"$mnt/tree/empty"
	export_file tree/storm
	list() { (cd "$1" && find . -type f -printf '%P %m %U %n %T@ %s\n' | sort); }
	list "$mnt" >before
	assert_fails "serves its mount" dmaheapctl salvage "$daemon" saved
	expect_death
	touch crash-now
	kill -KILL "$(worker_of "$daemon")"
	is_held() { daemon_log | grep -q "dmaheapctl salvage $daemon DIR"; }
	wait_until 20 is_held
	is_mounted "$mnt" && fail "it is still mounted"
	dmaheapctl salvage "$daemon" saved
	list saved | diff before -
	cp source/tree/storm hard
	rm saved/tree/empty
	diff -r source/tree saved/tree
	cmp saved/hard hard
	cmp <(tail -c 3 saved/gap) <(printf end)
	assert_eq "$(stat -c %a saved/tree)" 751 "the mode of a directory"
	assert_fails "exists" dmaheapctl salvage "$daemon" saved
	kill -TERM "$daemon"
	status=0
	wait "$daemon" || status=$?
	assert_eq "$status" 2 "status of the daemon"
	unset "daemon_of[$mnt]"
	assert_fails "No such process" dmaheapctl salvage "$daemon" again
	assert_fails "no files of a mount" dmaheapctl salvage $$ again
	as_user 4001 sleep 60 &
	is_asleep() { sleeper=$(pgrep -u 4001 -x sleep); }
	wait_until 5 is_asleep
	assert_fails "another user's" dmaheapctl salvage "$sleeper" again
	kill "$sleeper"
	wait $! || true
	assert_eq "$(echo saved* again*)" 'saved again*' "what is left"
	daemon_log | grep -q 'ended 10 times in a row' || fail "it is not logged"
fi

# without its supervisor the mount works on, and SIGTERM ends it
mount_fs
echo text >"$mnt/file"
worker=$(worker_of "$daemon")
expect_death
kill -KILL "$daemon"
wait "$daemon" || true
unset "daemon_of[$mnt]"
assert_eq "$(cat "$mnt/file")" text "a file without a supervisor"
echo more >"$mnt/more"
kill -TERM "$worker"
wait_until 5 is_gone "$worker"
is_mounted "$mnt" && fail "it is still mounted"
true
