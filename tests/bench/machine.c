// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine.h"

#include "tools.h"
#include "util/scope.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

/* The first line, or nothing. */
static void read_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "re");

	*line = '\0';
	if (!file)
		return;
	if (fgets(line, size, file))
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
}

static bool has_word(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	char line[4096];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, word);
	if (file)
		fclose(file);
	return found;
}

static void find_kind(char kind[static 128])
{
	char product[64], vendor[40];

	read_line("/sys/class/dmi/id/product_name", product, sizeof(product));
	read_line("/sys/class/dmi/id/sys_vendor", vendor, sizeof(vendor));
	if (has_word("/proc/cpuinfo", "User Mode Linux"))
		snprintf(kind, 128,
			 "User Mode Linux: system calls are dear, the disk is a thread "
			 "of the host that copies");
	else if (has_word("/proc/cpuinfo", "TCG"))
		snprintf(kind, 128,
			 "emulated (QEMU TCG): copies by the CPU are dear, the disk's "
			 "DMA is a copy by the host");
	else if (has_word("/proc/cpuinfo", " hypervisor"))
		snprintf(kind, 128, "a virtual machine %s %s", vendor, product);
	else
		snprintf(kind, 128, "a machine %s %s", vendor, product);
	while (kind[strlen(kind) - 1] == ' ')
		kind[strlen(kind) - 1] = '\0';
}

/* "ext4 on /dev/vda" from a line of mountinfo, if it is that of the device. */
static bool parse_mount(const char *line, dev_t dev, char type[static 32], char source[static 128])
{
	unsigned int major, minor;
	const char *rest = strstr(line, " - ");

	return rest && sscanf(line, "%*d %*d %u:%u", &major, &minor) == 2 &&
	       makedev(major, minor) == dev && sscanf(rest, " - %31s %127s", type, source) == 2;
}

static void find_device(const char *dir, char device[static 256])
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[4096], type[32] = "", source[128] = "";
	struct stat st = {};

	stat(dir, &st);
	while (mounts && !*type && fgets(line, sizeof(line), mounts))
		if (!parse_mount(line, st.st_dev, type, source))
			*type = '\0';
	if (mounts)
		fclose(mounts);
	/* btrfs has devices of its own, which mountinfo does not know */
	snprintf(device, 256, "%s on %s", *type ? type : "a filesystem", *type ? source : dir);
}

static void find_heaps(char heaps[static 256])
{
	DIR *dir = opendir("/dev/dma_heap");

	*heaps = '\0';
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (*entry->d_name != '.')
			snprintf(heaps + strlen(heaps), 256 - strlen(heaps), "%s%.60s",
				 *heaps ? ", " : "", entry->d_name);
	if (dir)
		closedir(dir);
	if (!access("/dev/udmabuf", F_OK))
		snprintf(heaps + strlen(heaps), 256 - strlen(heaps), "%sudmabuf",
			 *heaps ? ", " : "");
	if (!*heaps)
		snprintf(heaps, 256, "none, shmem alone");
}

void machine_clock(char clock[static CLOCK_NAME])
{
	read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", clock,
		  CLOCK_NAME);
}

void machine_find(const struct bench *bench, struct machine *machine)
{
	struct utsname system;
	double load[3] = {};

	*machine = (struct machine){
		.processors = sysconf(_SC_NPROCESSORS_ONLN),
		.memory = memory_field("MemTotal"),
	};
	uname(&system);
	getloadavg(load, 3);
	snprintf(machine->kernel, sizeof(machine->kernel), "Linux %.60s, %.60s, %.20s",
		 system.release, system.version, system.machine);
	snprintf(machine->load, sizeof(machine->load), "%.1f", load[0]);
	read_line("/proc/sys/kernel/random/boot_id", machine->boot, sizeof(machine->boot));
	machine_clock(machine->clock);
	find_kind(machine->kind);
	find_device(bench->settings.dir, machine->device);
	find_heaps(machine->heaps);
}

void print_machine(const struct bench *bench)
{
	struct machine machine;

	machine_find(bench, &machine);
	printf("kernel: %s\n", machine.kernel);
	printf("machine: %s; %ld processors, %llu MiB, load %s, clock %s\n", machine.kind,
	       machine.processors, (unsigned long long)machine.memory >> 20, machine.load,
	       machine.clock);
	printf("disk: %s; heaps: %s; the dma-heap is %s\n", machine.device, machine.heaps,
	       bench->settings.heap);
	printf("boot: %s; figures of other boots are not to be compared with these\n",
	       machine.boot);
}
