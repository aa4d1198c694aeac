// SPDX-License-Identifier: GPL-2.0-or-later
#include "options.h"

#include "util/explain.h"
#include "util/math.h"
#include "util/number.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind {
	TEXT,	/* name=VALUE, stored as written */
	FLAG,	/* a bool */
	KERNEL, /* a flag for the kernel's mount */
};

struct row {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *value; /* its name in --help */
	const char *help;  /* NULL: not in --help */
};

#define AT(field) offsetof(struct options, field)

static const struct row table[] = {
	{"heap", TEXT, AT(heap), "HEAP",
	 "auto, dmabuf, shmem, udmabuf, drm:CARD, or a name in /dev/dma_heap"},
	{"size", TEXT, AT(size), "BYTES",
	 "limit of all buffers: 512m, 4g, 1.5GiB or 50%, the default"},
	{"nr_inodes", TEXT, AT(nr_inodes), "N",
	 "limit of files; k, m, g (default: one for each page of size=)"},
	{"uid_size", TEXT, AT(uid_size), "BYTES",
	 "limit of the buffers of one user, on shmem; as size= (default: none)"},
	{"uid_opens", TEXT, AT(uid_opens), "N",
	 "limit of files that one user has open (default: half of the daemon's)"},
	{"uid_files", TEXT, AT(uid_files), "N",
	 "limit of names that one user has (default: 3/4 of nr_inodes)"},
	{"huge", TEXT, AT(huge), "WHEN",
	 "huge pages on shmem: never, always, within_size, advise (default)"},
	{"mode", TEXT, AT(mode), "OCTAL", "mode of the root directory (default: 1777)"},
	{"uid", TEXT, AT(uid), "USER", "owner of the root directory (default: the mounting user)"},
	{"gid", TEXT, AT(gid), "GROUP",
	 "group of the root directory (default: the mounting user's)"},
	{"source", TEXT, AT(source), "DIR", "show DIR read-only as .source, to copy from"},
	{"source_fuse", FLAG, AT(source_fuse), NULL,
	 "allow DIR on a FUSE filesystem, which may hang"},
	{"direct", TEXT, AT(direct), "WHEN", "direct I/O in copies: auto (default), always, never"},
	{"threads", TEXT, AT(threads), "N", "number of threads for copies (default: 4)"},
	{"fsname", TEXT, AT(fsname), "NAME", "source shown by df and findmnt"},
	{"allow_other", FLAG, AT(allow_other), NULL, "allow other users (default for root)"},
	{"no_allow_other", FLAG, AT(no_allow_other), NULL, "restrict access to the mounting user"},
	{"remount", FLAG, AT(remount), NULL,
	 "change size=, ro, rw, noatime, … of a mount that is in use"},
	{"ro", KERNEL, 0, NULL, "mount read-only; rw, suid, dev, exec, sync … are as in mount(8)"},
	{"noatime", FLAG, AT(noatime), NULL, "never update access times (default: relatime)"},
	{"strictatime", FLAG, AT(strictatime), NULL, "always update access times"},
	{"nosymfollow", FLAG, AT(nosymfollow), NULL, "never follow symbolic links of the mount"},
};

/*
 * Separated by spaces: flags for the kernel's mount, options for mount(8) only, and those of
 * a mount that is there, which remount passes.
 */
static const char kernel_flags[] = " rw suid nosuid dev nodev exec noexec sync async dirsync ";
static const char ignored[] = " atime relatime norelatime diratime nodiratime nostrictatime "
			      "lazytime nolazytime defaults auto noauto nofail _netdev user nouser "
			      "users owner group default_permissions comment silent loud iversion "
			      "noiversion mand nomand symfollow user_id group_id max_read ";

/* Prefixes of options for other programs. */
static const char *const foreign_prefixes[] = {"x-", "X-", NULL};

/* Prefixes of options for the kernel's security modules. Their values may have commas. */
static const char *const label_prefixes[] = {
	"context=", "fscontext=", "defcontext=", "rootcontext=", NULL};

static bool is_in(const char *list, const char *name, size_t length)
{
	for (const char *at = list; (at = strchr(at, ' ')) && at[1]; at++)
		if (!strncmp(at + 1, name, length) && at[1 + length] == ' ')
			return true;
	return false;
}

static const struct row *find_row(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strlen(table[i].name) == length && !strncmp(table[i].name, name, length))
			return &table[i];
	return NULL;
}

static bool begins_with_one(const char *option, const char *const prefixes[])
{
	for (size_t i = 0; prefixes[i]; i++)
		if (!strncmp(option, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static int out_of_memory(char why[static 256])
{
	return explain(why, -ENOMEM, "out of memory");
}

static int replace(char **field, const char *value, char why[static 256])
{
	free(*field);
	*field = strdup(value);
	return *field ? 0 : out_of_memory(why);
}

static int add_mount_flag(struct options *options, const char *flag, char why[static 256])
{
	char *joined;
	const char *before = options->mount_flags ?: "";

	if (asprintf(&joined, "%s%s%s", before, *before ? "," : "", flag) < 0)
		return out_of_memory(why);
	free(options->mount_flags);
	options->mount_flags = joined;
	return 0;
}

/* Quoted, as the kernel wants it, and with backslashes, as libfuse wants commas. */
static int add_label(struct options *options, const char *option, char why[static 256])
{
	const size_t name = strcspn(option, "=") + 1;
	char *const flag = malloc(2 * strlen(option) + 3), *end = flag;

	if (!flag)
		return out_of_memory(why);
	end = mempcpy(end, option, name);
	*end++ = '"';
	for (const char *at = option + name; *at; at++) {
		if (*at == ',')
			*end++ = '\\';
		*end++ = *at;
	}
	strcpy(end, "\"");
	const int error = add_mount_flag(options, flag, why);

	free(flag);
	return error;
}

/* An option that is not in the table. @after_heap: it follows heap=. */
static int take_other(struct options *options, const char *option, size_t length, bool after_heap,
		      char why[static 256])
{
	if (is_in(kernel_flags, option, length) && !option[length])
		return add_mount_flag(options, option, why);
	if (begins_with_one(option, label_prefixes))
		return add_label(options, option, why);
	if (is_in(ignored, option, length) || begins_with_one(option, foreign_prefixes) ||
	    options->sloppy)
		return 0;
	if (after_heap)
		return explain(why, -EINVAL,
			       "unknown option '%s'; if the heap is called %s,%s, write "
			       "heap=%s\\,%s",
			       option, options->heap, option, options->heap, option);
	return explain(why, -EINVAL, "unknown option '%s'; see: dmaheapfs --help", option);
}

static int take_option(struct options *options, const char *option, bool after_heap,
		       char why[static 256])
{
	const size_t length = strcspn(option, "=");
	const char *value = option[length] ? option + length + 1 : NULL;
	const struct row *row = find_row(option, length);

	if (!row)
		return take_other(options, option, length, after_heap, why);
	if (row->kind == TEXT && (!value || !*value))
		return explain(why, -EINVAL, "option '%s' needs a value; see: dmaheapfs --help",
			       row->name);
	if (row->kind != TEXT && value)
		return explain(why, -EINVAL, "option '%s' takes no value", row->name);
	char *const field = (char *)options + row->offset;

	if (row->kind == TEXT)
		return replace((char **)field, value, why);
	if (row->kind == KERNEL)
		return add_mount_flag(options, row->name, why);
	*(bool *)field = true;
	return 0;
}

/* Splits at commas that are not quoted; a backslash keeps the next character as it is. */
static int take_options(struct options *options, const char *list, char why[static 256])
{
	char *const option = malloc(strlen(list) + 1);
	bool after_heap = false;
	int error = 0;

	if (!option)
		return out_of_memory(why);
	while (*list && !error) {
		char *end = option;
		bool quoted = false;

		for (; *list && (quoted || *list != ','); list++) {
			if (*list == '"') {
				quoted = !quoted;
				continue;
			}
			if (*list == '\\' && list[1])
				list++;
			*end++ = *list;
		}
		*end = '\0';
		if (*option)
			error = take_option(options, option, after_heap, why);
		after_heap = !strncmp(option, "heap=", strlen("heap="));
		if (*list == ',')
			list++;
	}
	free(option);
	return error;
}

/* Returns the index of @word in a list that ends with NULL, or -1. */
static int find_word(const char *word, const char *const words[])
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(word, words[i]))
			return i;
	return -1;
}

/* A name, or a number. 0 or -EINVAL. */
static int parse_user(const char *text, uint32_t *id)
{
	const struct passwd *user;

	if (!parse_id(text, id))
		return 0;
	user = getpwnam(text);
	*id = user ? user->pw_uid : 0;
	return user ? 0 : -EINVAL;
}

static int parse_group(const char *text, uint32_t *id)
{
	const struct group *group;

	if (!parse_id(text, id))
		return 0;
	group = getgrnam(text);
	*id = group ? group->gr_gid : 0;
	return group ? 0 : -EINVAL;
}

/* At least as many as a mount of any size needs. */
#define FEWEST_INODES 1024

static int check_limits(struct options *options, char why[static 256])
{
	options->inodes_limit = max_u64(options->size_bytes / page_size(), FEWEST_INODES);
	if (options->nr_inodes && parse_size(options->nr_inodes, &options->inodes_limit))
		return explain(why, -EINVAL, "nr_inodes=%s is not a number", options->nr_inodes);
	if (options->uid_size && parse_size(options->uid_size, &options->uid_size_bytes))
		return explain(why, -EINVAL, "uid_size=%s is not a size", options->uid_size);
	if (options->uid_opens && parse_size(options->uid_opens, &options->opens_limit))
		return explain(why, -EINVAL, "uid_opens=%s is not a number", options->uid_opens);
	options->names_limit = options->inodes_limit / 4 * 3;
	if (options->uid_files && parse_size(options->uid_files, &options->names_limit))
		return explain(why, -EINVAL, "uid_files=%s is not a number", options->uid_files);
	return 0;
}

static int check_direct(struct options *options, char why[static 256])
{
	static const char *const words[] = {
		[COPY_DIRECT_AUTO] = "auto",
		[COPY_DIRECT_ALWAYS] = "always",
		[COPY_DIRECT_NEVER] = "never",
		NULL,
	};
	const int found = options->direct ? find_word(options->direct, words) : COPY_DIRECT_AUTO;

	if (found < 0)
		return explain(why, -EINVAL, "direct=%s is not one of auto, always, never",
			       options->direct);
	options->copy_direct = (enum copy_direct)found;
	return 0;
}

static int check_threads(struct options *options, char why[static 256])
{
	uint64_t number = COPY_THREADS;

	if (options->threads &&
	    (parse_size(options->threads, &number) || number > COPY_MAX_THREADS))
		return explain(why, -EINVAL, "threads=%s is not a number from 1 to %d",
			       options->threads, COPY_MAX_THREADS);
	options->copy_threads = (unsigned int)number;
	return 0;
}

/*
 * DIR's own mount may be nosuid and nodev, so the view of it must be, too. mount(8) requests
 * suid and dev by default, and the last option counts.
 */
static int check_source(struct options *options, char why[static 256])
{
	if (options->source_fuse && !options->source)
		return explain(why, -EINVAL, "source_fuse needs source=DIR");
	if (!options->source)
		return 0;
	return add_mount_flag(options, "nosuid", why) ?: add_mount_flag(options, "nodev", why);
}

/* As tmpfs does. */
static uint64_t whole_pages(uint64_t bytes)
{
	return page_round_up(bytes);
}

static int check_values(struct options *options, char why[static 256])
{
	uint64_t number;

	parse_size("50%", &options->size_bytes);
	options->mode_bits = 01777;
	options->uid_number = getuid();
	options->gid_number = getgid();
	if (options->size && parse_size(options->size, &options->size_bytes))
		return explain(why, -EINVAL, "size=%s is not a size; use bytes, 512m, 4g or 50%%",
			       options->size);
	options->size_bytes = whole_pages(options->size_bytes);
	if (options->mode && (parse_octal(options->mode, &number) || number > 07777))
		return explain(why, -EINVAL, "mode=%s is not an octal mode, such as 0755",
			       options->mode);
	options->mode_bits = options->mode ? number : options->mode_bits;
	if (options->uid && parse_user(options->uid, &options->uid_number))
		return explain(why, -EINVAL, "uid=%s: there is no such user", options->uid);
	if (options->gid && parse_group(options->gid, &options->gid_number))
		return explain(why, -EINVAL, "gid=%s: there is no such group", options->gid);
	return check_limits(options, why)
		       ?: check_direct(options, why)
		       ?: check_threads(options, why)
		       ?: check_source(options, why);
}

static int take_arguments(struct options *options, int count, char *const words[],
			  char why[static 256])
{
	if (count < 1)
		return explain(why, -EINVAL, "no mountpoint given; see: dmaheapfs --help");
	if (count > 2)
		return explain(why, -EINVAL, "unexpected argument '%s'; see: dmaheapfs --help",
			       words[2]);
	if (count == 2 && replace(&options->device, words[0], why))
		return -ENOMEM;
	return replace(&options->mountpoint, words[count - 1], why) ?: check_values(options, why);
}

/* Called as mount.fuse.dmaheapfs or mount.dmaheapfs, by mount(8), which has its own options. */
static bool is_mount_helper(const char *program)
{
	const char *slash = strrchr(program, '/');

	return !strncmp(slash ? slash + 1 : program, "mount.", strlen("mount."));
}

int options_parse(struct options *options, int argc, char *const argv[], char why[static 256])
{
	static const struct option words[] = {
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{"foreground", no_argument, NULL, 'f'},
		{"debug", no_argument, NULL, 'd'},
		{},
	};
	const bool helper = is_mount_helper(argv[0]);
	int letter, error = 0;

	*options = (struct options){};
	optind = 0;
	opterr = 0;
	/* -n and -v have no meaning here, and -t has led here. */
	while (!error && (letter = getopt_long(argc, argv, helper ? ":o:fhVnsvt:N:" : ":o:fdhVns",
					       words, NULL)) != -1) {
		if (letter == 'o')
			error = take_options(options, optarg, why);
		else if (letter == 'N')
			error = explain(why, -EINVAL,
					"dmaheapfs cannot mount in another namespace; "
					"try: nsenter --mount=%s mount …",
					optarg);
		else if (letter == ':')
			error = explain(why, -EINVAL,
					"option '-%c' needs a value; see: dmaheapfs --help",
					optopt);
		else if (letter == '?')
			error = explain(why, -EINVAL, "unknown option '%s'; see: dmaheapfs --help",
					argv[optind - 1]);
		options->fake |= letter == 'f' && helper;
		options->sloppy |= letter == 's' && helper;
		options->foreground |= (letter == 'f' && !helper) || letter == 'd';
		options->debug |= letter == 'd';
		options->help |= letter == 'h';
		options->version |= letter == 'V';
	}
	if (error || options->help || options->version)
		return error;
	return take_arguments(options, argc - optind, argv + optind, why);
}

void options_finish(struct options *options)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].kind == TEXT)
			free(*(char **)((char *)options + table[i].offset));
	free(options->device);
	free(options->mountpoint);
	free(options->mount_flags);
}

void options_help(FILE *out)
{
	fputs("Usage: dmaheapfs [SOURCE] MOUNTPOINT [-f] [-d] [-o OPTION,…]\n"
	      "Mounts a dma-buf heap as a directory: every regular file is a buffer.\n\n"
	      "SOURCE is the heap if this machine has one of that name, else a label.\n\n"
	      "  -f, --foreground       stay in the foreground, log to stderr\n"
	      "  -d, --debug            log requests; implies -f\n"
	      "  -h, --help             show this text\n"
	      "  -V, --version          show the version\n\n"
	      "  -o OPTION,…\n",
	      out);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct row *row = &table[i];

		if (row->help)
			fprintf(out, "    %s%s%-*s %s\n", row->name, row->value ? "=" : "",
				(int)(20 - strlen(row->name) - !!row->value), row->value ?: "",
				row->help);
	}
	fputs("\nExit status: 0 mounted, 1 wrong usage, 2 system error, 32 mount failed.\n", out);
}
