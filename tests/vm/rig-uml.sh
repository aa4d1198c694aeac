# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# User Mode Linux as a rig. Sourced by run.sh, which set the variables.

# shellcheck disable=SC2034 # for run.sh
rig_arch=um

_shm_will_do() {
	local bytes
	# shellcheck disable=SC2154 # run.sh sets it
	bytes=$(numfmt --from=iec "$memory")

	! findmnt -rno OPTIONS --target /dev/shm | grep -qw noexec &&
		[ "$(df --output=avail -B 1 /dev/shm | tail -n 1)" -ge "$bytes" ]
}

# A directory on a tmpfs from which code may run: the guest's memory is a file
# there. If /dev/shm forbids that or is small, a private tmpfs replaces it.
_uml_memory_dir() {
	if ! _shm_will_do; then
		mount -t tmpfs -o mode=700,size="$memory" memory "$1/memory"
		printf '%s\n' "$1/memory"
	else
		printf '/dev/shm\n'
	fi
}

# rig_start IMAGE DIR: become the machine
rig_start() {
	local image=$1 dir=$2

	mkdir "$dir/memory"
	TMPDIR=$(_uml_memory_dir "$dir")
	export TMPDIR
	# shellcheck disable=SC2086,SC2154 # $guest_words and $append are words
	exec "$image" \
		umid=rig uml_dir="$dir/" mem="$memory" \
		root=none rootfstype=hostfs rootflags=/ ro init="$here/guest/init" \
		ubd0="$dir/ext4.img" ubd1="$dir/xfs.img" ubd2="$dir/btrfs.img" \
		con=null con0=null,fd:1 \
		ssl0=null,fd:4 ssl1=null,fd:5 ssl2=null,fd:6 \
		panic=-1 loglevel=7 hung_task_panic=0 \
		rig_dir="$dir" rig_disk=ubd \
		rig_out=/dev/ttyS0 rig_err=/dev/ttyS1 rig_status=/dev/ttyS2 \
		$guest_words $append 4>"$dir/out" 5>"$dir/err" 6>"$dir/status"
}
