#include <errno.h>
#include "forward.h"

// How many messages one direction may pass before the other gets its turn.
enum { BURST = 256 };

static int descriptor(void *socket, struct pollfd *fd)
{
	size_t size = sizeof fd->fd;
	fd->events = POLLIN;
	return zmq_getsockopt(socket, ZMQ_FD, &fd->fd, &size);
}

int forward_init(struct forward *f)
{
	zmq_msg_init(&f->requests.part);
	zmq_msg_init(&f->replies.part);
	if (descriptor(f->requests.from, &f->fds[0]) < 0 || descriptor(f->requests.to, &f->fds[1]) < 0)
		return -1;
	for (int i = 0; i < f->n_others; i++)
		if (descriptor(f->others[i], &f->fds[2 + i]) < 0)
			return -1;
	return 0;
}

// ready returns what a socket is ready for. It also takes the signal off the socket's descriptor, so that poll sleeps until
// the next one: without it poll would spin, or wait for a signal that has been.
static int ready(void *socket)
{
	int events = 0;
	size_t size = sizeof events;
	zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size);
	return events;
}

// movable tells whether something can be moved in either direction.
static int movable(struct forward *f)
{
	int front = ready(f->requests.from), back = ready(f->requests.to);
	int request = f->requests.held ? back & ZMQ_POLLOUT : front & ZMQ_POLLIN;
	int reply = f->replies.held ? front & ZMQ_POLLOUT : back & ZMQ_POLLIN;
	return request || (reply && !f->one_way);
}

// move passes on what has arrived at one side, at most a burst.
static long move(struct lane *l)
{
	long moved = 0;
	for (; moved < BURST; moved++) {
		if (!l->held && zmq_msg_recv(&l->part, l->from, ZMQ_DONTWAIT) < 0)
			return errno == EAGAIN ? moved : -1;
		l->held = 1;
		int more = zmq_msg_more(&l->part);
		if (zmq_msg_send(&l->part, l->to, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0)
			return errno == EAGAIN ? moved : -1;
		l->held = 0;
		// The other parts are there, and whoever took the first takes them all. If that peer has gone in
		// between, the message goes with it, as it would have done a moment later.
		while (more) {
			if (zmq_msg_recv(&l->part, l->from, 0) < 0)
				return -1;
			more = zmq_msg_more(&l->part);
			if (zmq_msg_send(&l->part, l->to, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0 && errno != EAGAIN)
				return -1;
		}
	}
	return moved;
}

long forward_replies(struct forward *f)
{
	long moved = f->one_way ? 0 : move(&f->replies);
	if (moved > 0)
		f->waiting = moved < f->waiting ? f->waiting - moved : 0;
	return moved;
}

int forward_run(struct forward *f, int timeout)
{
	for (int i = 0; i < f->n_others; i++)
		if (ready(f->others[i]) & ZMQ_POLLIN)
			return 1;
	for (;;) {
		int n = poll(f->fds, 2 + f->n_others, movable(f) ? 0 : timeout);
		if (n < 0 && errno != EINTR)
			return -1;
		for (int i = 0; n > 0 && i < f->n_others; i++)
			if (f->fds[2 + i].revents)
				return 1;
		// Replies first: they make room, and the last words of a peer that left count as answers.
		long replies = forward_replies(f);
		if (replies < 0)
			return -1;
		long requests = move(&f->requests);
		if (requests < 0)
			return -1;
		if (!f->one_way)
			f->waiting += requests;
		if (timeout >= 0)
			return requests + replies > 0;
	}
}

void forward_end(struct forward *f)
{
	zmq_msg_close(&f->requests.part);
	zmq_msg_close(&f->replies.part);
}
