# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a mount test stands on: tests/mount/run.sh sources this, then the case,
# in a mount and a pid namespace that are the case's own. Every command that
# fails, fails the case. $work is an empty directory and the current one; the
# programs under test are in /usr/local/sbin, so that mount(8) finds them. When
# the case ends, mounts that mount_fs made are unmounted, every daemon must exit
# with status 0 and have nothing to complain about, and no process and no mount
# may be left.
#
#   mount_fs [OPTIONS [DIR]]  mount at DIR ($work/mnt); sets mnt, daemon (its pid) and
#                             worker (the pid of its process that serves). Its heap is
#                             DMAHEAPFS_TEST_HEAP (shmem) unless OPTIONS say otherwise
#   worker_of PID             print the pid of the process that serves for the daemon PID
#   umount_fs [DIR]           unmount before the end, and wait for the daemon
#   expect_death [DIR]        the daemon of DIR is about to be killed
#   daemon_log [DIR]          print the log of the daemon of DIR
#
#   status KEY [DIR]          print KEY of the status of the mount at DIR
#   can_map                   whether programs can map a new file
#   has_holes                 whether files are memory page by page, as those of a
#                             tmpfs are; a dma-buf has all of its memory, always
#   passes_through            whether files of the mount are opened past the
#                             daemon; libfuse has O_TMPFILE where it can do that
#
#   as_user UID COMMAND...    run as that user, without groups or capabilities
#   make_file FILE SIZE       a file of random bytes; SIZE as in 4K, 300M
#   in_parallel N COMMAND...  N times at once, each with its number from 1 to N as
#                             the last argument; all must succeed. (A bare
#                             "wait" would wait for the daemon too.)
#   sanitizers                print the sanitizers of this build
#   load_seconds              how long to keep a load up in this build, on stdout
#   wait_until SECONDS COMMAND...  until COMMAND succeeds, else fail
#
#   has_passthrough           can data go past the daemon with this build, on this
#                             kernel? Not the daemon's word for it
#   need_cmd COMMAND...       programs that the case can not do without
#   skip REASON               this machine is unable; tests/mount/skips lists
#                             the reasons that are good ones
#   fail TEXT...              end the case
#   assert_eq GOT WANT [WHAT]
#   assert_same FILE FILE     the same bytes
#   assert_fails ERROR COMMAND...  COMMAND fails and says ERROR (a string) on
#                             stderr, e.g. "No space left on device"
#
# A case may set its time limit and tags in its header: "# timeout: SECONDS"
# (120 unless told), "# tags: WORD..."; and "# kill: MS", the least time between kills
# if the next process takes longer than usual to begin.

# shellcheck disable=SC2154 # run.sh sets it
readonly work
declare -A daemon_of=() mortal=()
mnt='' daemon='' worker=''

# --- outcome -------------------------------------------------------------------

# "FILE:LINE" of the case that is being run, not of this file
_where() {
	local i=0
	while [[ ${BASH_SOURCE[i]} == */lib.sh ]]; do
		i=$((i + 1))
	done
	printf '%s:%s' "${BASH_SOURCE[i]##*/}" "${BASH_LINENO[i - 1]}"
}

fail() {
	printf 'FAIL: %s: %s\n' "$(_where)" "$*"
	exit 1
}

skip() {
	printf '%s\n' "$*" >"$work.skip"
	exit 77
}

need_cmd() {
	local command
	for command; do
		command -v "$command" >/dev/null || skip "no $command here"
	done
}

assert_eq() {
	[ "$1" = "$2" ] || fail "${3:-value} is '$1', not '$2'"
}

assert_same() {
	cmp "$1" "$2" || fail "$1 and $2 differ"
}

assert_fails() {
	local want=$1 said
	shift
	if said=$("$@" 2>&1 >/dev/null); then
		fail "succeeded, but should have said '$want': $*"
	fi
	[[ $said == *"$want"* ]] || fail "said '$said', not '$want': $*"
}

# --- the world -----------------------------------------------------------------

as_user() {
	local uid=$1
	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all "$@"
}

make_file() {
	head -c "$2" /dev/urandom >"$1"
}

in_parallel() {
	local count=$1 i pids=() failed=0
	shift
	for ((i = 1; i <= count; i++)); do
		"$@" "$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || failed=$((failed + 1))
	done
	[ "$failed" -eq 0 ] || fail "$failed of $count failed: $*"
}

sanitizers() {
	sed -n 's/^DMAHEAPFS_SANITIZE:[A-Z]*=//p' /usr/local/sbin/CMakeCache.txt
}

# sanitizers may need time for their report
load_seconds() {
	if [ -n "${DMAHEAPFS_TEST_SECONDS:-}" ]; then
		echo "$DMAHEAPFS_TEST_SECONDS"
	elif [ -n "$(sanitizers)" ]; then
		echo 30
	else
		echo 5
	fi
}

wait_until() {
	local seconds=$1 end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -le "$end" ] || fail "not within $seconds s: $*"
		sleep 0.05
	done
}

# the kernel's configuration if readable, else its version
_kernel_has_passthrough() {
	local config
	config=$(zcat -f /proc/config.gz "/boot/config-$(uname -r)" 2>/dev/null) || true
	if [ -n "$config" ]; then
		grep -q '^CONFIG_FUSE_PASSTHROUGH=y' <<<"$config"
	else
		printf '%s\n' 6.9 "$(uname -r)" | sort -CV
	fi
}

has_passthrough() {
	grep -q '^DMAHEAPFS_HAVE_PASSTHROUGH:INTERNAL=1' /usr/local/sbin/CMakeCache.txt &&
		_kernel_has_passthrough
}

is_gone() { ! kill -0 "$1" 2>/dev/null; }

# is_mounted DIR: without asking the filesystem, which may hang
is_mounted() {
	findmnt --noheadings --kernel --mountpoint "$1" >/dev/null
}

_log_of() { printf '%s' "$work.daemon${1//\//-}"; }

# shellcheck disable=SC2120 # cases may pass one
daemon_log() { cat "$(_log_of "${1:-$mnt}")"; }

mount_fs() {
	local options=${1:-}

	mnt=${2:-$work/mnt}
	[[ ,$options == *,heap=* ]] || options=heap=${DMAHEAPFS_TEST_HEAP:-shmem}${options:+,$options}
	mkdir -p "$mnt"
	dmaheapfs dmaheapfs "$mnt" -f -o "$options" >"$(_log_of "$mnt")" 2>&1 &
	daemon=$! daemon_of[$mnt]=$daemon
	until is_mounted "$mnt"; do
		if is_gone "$daemon"; then
			unset "daemon_of[$mnt]"
			fail "no mount with -o $options: $(daemon_log "$mnt")"
		fi
		sleep 0.02
	done
	# shellcheck disable=SC2034 # for cases
	until worker=$(worker_of "$daemon"); do
		sleep 0.02
	done
}

worker_of() { pgrep -P "$1" -x dmaheapfs-serve; }

# shellcheck disable=SC2120 # cases may pass one
status() {
	getfattr --absolute-names --only-values -n user.dmaheap.status "${2:-$mnt}" |
		sed -n "s/^$1=//p"
}

can_map() {
	local kind
	: >"$mnt/.can_map"
	kind=$(getfattr --absolute-names --only-values -n user.dmaheap.map "$mnt/.can_map")
	rm "$mnt/.can_map"
	[ "$kind" != none ]
}

has_holes() { [[ $(status dmabuf) != yes* ]] || [ "$(status direct_mmap)" = yes ]; }

passes_through() { [ "$(status passthrough)" = yes ]; }

expect_death() { mortal[${1:-$mnt}]=1; }

# _umount DIR: unmount, and see its daemon off
_umount() {
	local dir=$1 pid=${daemon_of[$1]} status=0

	unset "daemon_of[$dir]"
	umount "$dir" || return
	# the case's time limit catches a daemon that stays
	wait "$pid" || status=$?
	if [ "$status" -ne 0 ] && [ -z "${mortal[$dir]:-}" ]; then
		printf 'the daemon of %s ended with status %s\n' "$dir" "$status"
		return 1
	fi
}

umount_fs() { _umount "${1:-$mnt}" || fail "could not unmount cleanly"; }

# --- the end -------------------------------------------------------------------

_mounts() { findmnt --noheadings --kernel --list --output TARGET | sort; }

# Is the case's own shell the only process of its namespace? Else the others
# are in $leftover. Nothing is forked here, or it would find itself.
_alone() {
	local dir words

	leftover=()
	for dir in /proc/[0-9]*; do
		[ "$dir" != "/proc/$$" ] || continue
		mapfile -d '' -t words 2>/dev/null <"$dir/cmdline" || continue
		# a dead process has no words any more
		[ ${#words[@]} -eq 0 ] || leftover+=("${dir#/proc/} ${words[*]}")
	done
	[ ${#leftover[@]} -eq 0 ]
}

# lines that no daemon may log, and sanitizer reports
_complaints() {
	local file
	for file in "$work".sanitizer.*; do
		[ ! -s "$file" ] || head -n 60 "$file"
	done
	for file in "$work".daemon*; do
		[ ! -e "$file" ] || grep -EH \
			'Sanitizer|runtime error:|Assertion|double free|corrupt' "$file" || true
	done
}

_no_leaks() {
	local found end=$((SECONDS + 10))

	found=$(comm -13 <(printf '%s\n' "$_mounts_before") <(_mounts))
	if [ -n "$found" ]; then
		printf 'FAIL: still mounted:\n%s\n' "$found"
		return 1
	fi
	# the kernel may need a moment for the memory of one that is ending
	until _alone; do
		if [ "$SECONDS" -gt "$end" ]; then
			printf 'FAIL: still running: %s\n' "${leftover[@]}"
			return 1
		fi
		sleep 0.05
	done
}

_finish() {
	local status=$? dir found

	trap - EXIT ERR
	set +e
	cd /
	for dir in "${!daemon_of[@]}"; do
		_umount "$dir" || [ "$status" -ne 0 ] || status=1
	done
	if [ "$status" -eq 0 ] || [ "$status" -eq 77 ]; then
		_no_leaks || status=1
	fi
	found=$(_complaints)
	if [ -n "$found" ]; then
		printf 'FAIL: complaints\n%s\n' "$found"
		status=1
	fi
	exit "$status"
}

# _begin: run.sh calls this in the new namespaces, before it sources the case
_begin() {
	set -E
	# of this machine's own mounts a case sees none; here, that is
	umount --all --lazy --types fuse.dmaheapfs
	_mounts_before=$(_mounts)
	trap _finish EXIT
	trap '_failed_at "$?" "$BASH_COMMAND"' ERR
}

_failed_at() { printf 'FAIL: %s: status %s: %s\n' "$(_where)" "$1" "$2"; }

# the mount helpers, as an installation has them in /sbin, for this test alone
install_helpers() {
	mkdir "$work/sbin"
	cp -a /sbin/. "$work/sbin"
	ln -sf /usr/local/sbin/dmaheapfs "$work/sbin/mount.fuse.dmaheapfs"
	ln -sf /usr/local/sbin/dmaheapfs "$work/sbin/mount.dmaheapfs"
	mount --bind "$work/sbin" "$(readlink -f /sbin)"
}

remove_helpers() { umount "$(readlink -f /sbin)"; }
