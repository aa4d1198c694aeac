# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An emulated PC as a rig. Sourced by run.sh, which set the variables.
# shellcheck disable=SC2154

# shellcheck disable=SC2034 # for run.sh
rig_arch=x86_64

# A port whose other end is one of run.sh's pipes.
_qemu_port() {
	printf '%s\n' -chardev "file,id=$1,path=$2" \
		-device "virtserialport,chardev=$1,name=$1"
}

_qemu_disk() {
	printf '%s\n' -drive "file=$1,format=raw,if=virtio,cache=unsafe,aio=threads"
}

# rig_start IMAGE DIR: become the machine. Its processor does without the
# string instructions that the emulation is slow at.
rig_start() {
	local image=$1 dir=$2 devices=() words fs line

	for fs in ext4 xfs btrfs; do
		mapfile -t -O "${#devices[@]}" devices < <(_qemu_disk "$dir/$fs.img")
	done
	devices+=(-device virtio-serial)
	for line in out err status; do
		mapfile -t -O "${#devices[@]}" devices < <(_qemu_port "$line" "$dir/$line")
	done
	words="root=root rootfstype=9p rootflags=trans=virtio,version=9p2000.L,cache=loose,msize=512000 ro"
	words+=" init=$here/guest/init console=ttyS0 panic=-1 loglevel=7"
	words+=" rig_dir=$dir rig_disk=vd"
	# The host's load can make the kernel doubt its clock and take another in the
	# middle, which measures something else.
	words+=" clocksource=tsc tsc=reliable"
	# within reach of a camera of 32 bits
	words+=" cma=256M@0-4G"
	words+=" rig_out=out rig_err=err rig_status=status"
	exec qemu-system-x86_64 -machine q35 -accel tcg,thread=multi \
		-cpu max,-erms,-fsrm -smp "$cpus" -m "$memory" \
		-display none -monitor none -serial stdio -no-reboot -nodefaults \
		-virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
		"${devices[@]}" -kernel "$image" -append "$words $guest_words $append"
}
