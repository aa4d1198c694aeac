// SPDX-License-Identifier: GPL-2.0
/*
 * Planted faults, for the debug kernel of the rigs alone: each proves that a
 * fault of its kind would be seen. Write a name to debugfs' planted_fault.
 */
#include <linux/debugfs.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static DEFINE_MUTEX(planted_first);
static DEFINE_MUTEX(planted_second);
static DEFINE_SPINLOCK(planted_spinlock);

static void planted_warn(void)
{
	WARN(1, "planted warning\n");
}

static void planted_use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	kfree(p);
	WRITE_ONCE(p[8], 1);
}

static void planted_lock_inversion(void)
{
	mutex_lock(&planted_first);
	mutex_lock(&planted_second);
	mutex_unlock(&planted_second);
	mutex_unlock(&planted_first);

	mutex_lock(&planted_second);
	mutex_lock(&planted_first);
	mutex_unlock(&planted_first);
	mutex_unlock(&planted_second);
}

static void planted_sleep_in_atomic(void)
{
	spin_lock(&planted_spinlock);
	might_sleep();
	spin_unlock(&planted_spinlock);
}

static const struct {
	const char *name;
	void (*commit)(void);
} planted_faults[] = {
	{ "warn", planted_warn },
	{ "use-after-free", planted_use_after_free },
	{ "lock-inversion", planted_lock_inversion },
	{ "sleep-in-atomic", planted_sleep_in_atomic },
};

static ssize_t planted_write(struct file *file, const char __user *buf,
			     size_t len, loff_t *pos)
{
	char name[32] = "";
	int i;

	if (len >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, buf, len))
		return -EFAULT;
	for (i = 0; i < ARRAY_SIZE(planted_faults); i++) {
		if (sysfs_streq(name, planted_faults[i].name)) {
			planted_faults[i].commit();
			return len;
		}
	}
	return -EINVAL;
}

static const struct file_operations planted_fops = {
	.write = planted_write,
};

static int __init planted_init(void)
{
	debugfs_create_file("planted_fault", 0200, NULL, NULL, &planted_fops);
	return 0;
}
late_initcall(planted_init);
