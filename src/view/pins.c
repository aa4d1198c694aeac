// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pins. Who looks a name up wants something of what it names, a moment later:
 * until then an fd keeps that, even if the name goes to something else. As the
 * inode is kept, too, and the space of a removed file with it, a pin is drawn
 * soon by a thread of its own, which sleeps while there are none.
 */
#include "util/scope.h"
#include "util/thread.h"
#include "view/inside.h"

#include <fcntl.h>
#include <string.h>

#define LIFETIME_SECONDS 1

/* --- the ring; pins->lock is held ------------------------------------------------ */

static struct pin *oldest(struct pins *pins)
{
	return &pins->ring[pins->first];
}

/* Returns the fd, to be closed without the lock: freeing a removed file takes time. */
static int draw(struct pin *pin)
{
	int fd = pin->node ? pin->fd : -1;

	if (pin->node)
		pin->node->pin = NULL;
	pin->node = NULL;
	return fd;
}

static int draw_oldest(struct pins *pins)
{
	int fd = draw(oldest(pins));

	pins->first = (pins->first + 1) % PINS;
	pins->count--;
	return fd;
}

static void push(struct pins *pins, struct view_node *node, int fd)
{
	struct pin *pin = &pins->ring[(pins->first + pins->count) % PINS];

	*pin = (struct pin){.node = node, .fd = fd};
	clock_gettime(CLOCK_MONOTONIC, &pin->until);
	pin->until.tv_sec += LIFETIME_SECONDS;
	node->pin = pin;
	if (pins->count++ == 0)
		pthread_cond_signal(&pins->changed);
}

/* --- what others call ------------------------------------------------------------ */

void pins_push(struct pins *pins, struct view_node *node, int fd)
{
	int before = -1, full = -1;

	{
		with_lock(&pins->lock);
		if (!pins->running) {
			before = fd;
		} else {
			if (node->pin)
				before = draw(node->pin);
			if (pins->count == PINS)
				full = draw_oldest(pins);
			push(pins, node, fd);
		}
	}
	close_fd(before);
	close_fd(full);
}

int pins_open(struct pins *pins, const struct view_node *node)
{
	with_lock(&pins->lock);
	if (!node->pin)
		return -ENOENT;
	int fd = fcntl(node->pin->fd, F_DUPFD_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

void pins_draw(struct pins *pins, struct view_node *node)
{
	int fd = -1;

	{
		with_lock(&pins->lock);
		if (node->pin)
			fd = draw(node->pin);
	}
	close_fd(fd);
}

/* --- the thread ------------------------------------------------------------------ */

static bool is_over(const struct pins *pins, const struct pin *pin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return !pins->running || now.tv_sec > pin->until.tv_sec ||
	       (now.tv_sec == pin->until.tv_sec && now.tv_nsec >= pin->until.tv_nsec);
}

static void *draw_in_time(void *context)
{
	struct pins *pins = context;

	pthread_mutex_lock(&pins->lock);
	while (pins->running || pins->count) {
		if (!pins->count) {
			pthread_cond_wait(&pins->changed, &pins->lock);
		} else if (is_over(pins, oldest(pins))) {
			int fd = draw_oldest(pins);

			pthread_mutex_unlock(&pins->lock);
			close_fd(fd);
			pthread_mutex_lock(&pins->lock);
		} else {
			const struct timespec until = oldest(pins)->until;

			pthread_cond_timedwait(&pins->changed, &pins->lock, &until);
		}
	}
	pthread_mutex_unlock(&pins->lock);
	return NULL;
}

void pins_init(struct pins *pins)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&pins->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&pins->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

int pins_start(struct pins *pins)
{
	with_lock(&pins->lock);
	int error = thread_start(&pins->thread, NULL, draw_in_time, pins);

	pins->running = !error;
	return error;
}

void pins_finish(struct pins *pins)
{
	bool running;

	{
		with_lock(&pins->lock);
		running = pins->running;
		pins->running = false;
		pthread_cond_signal(&pins->changed);
	}
	if (running)
		pthread_join(pins->thread, NULL);
	pthread_cond_destroy(&pins->changed);
	pthread_mutex_destroy(&pins->lock);
}
