#include <errno.h>
#include "forward.h"

// How many messages one direction may pass before the other gets its turn.
enum { BURST = 256 };

void forward_init(struct forward *f)
{
	zmq_msg_init(&f->requests.part);
	for (int i = 0; i < MAX_BACKS; i++) {
		zmq_msg_init(&f->backs[i].replies.part);
		f->backs[i].replies.to = f->requests.from;
	}
}

static int watch(struct forward *f, void *socket)
{
	struct pollfd *fd = &f->fds[f->n_fds++];
	size_t size = sizeof fd->fd;
	fd->events = POLLIN;
	return zmq_getsockopt(socket, ZMQ_FD, &fd->fd, &size);
}

int forward_watch(struct forward *f)
{
	f->n_fds = 0;
	for (int i = 0; i < f->n_others; i++)
		if (watch(f, f->others[i]) < 0)
			return -1;
	if (watch(f, f->requests.from) < 0)
		return -1;
	for (int i = 0; i < MAX_BACKS; i++)
		if (f->backs[i].replies.from && watch(f, f->backs[i].replies.from) < 0)
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
	int front = ready(f->requests.from), any = 0;
	for (int i = 0; i < MAX_BACKS; i++) {
		struct back *b = &f->backs[i];
		if (!b->replies.from)
			continue;
		int back = ready(b->replies.from);
		if (b == f->serving)
			any |= f->requests.held ? back & ZMQ_POLLOUT : front & ZMQ_POLLIN;
		if (!f->one_way)
			any |= b->replies.held ? front & ZMQ_POLLOUT : back & ZMQ_POLLIN;
	}
	return any;
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

long forward_replies(struct forward *f, struct back *b)
{
	long moved = f->one_way ? 0 : move(&b->replies);
	if (moved > 0)
		b->waiting = moved < b->waiting ? b->waiting - moved : 0;
	return moved;
}

int forward_done(struct back *b)
{
	return b->leaving && b->waiting == 0 && !b->replies.held;
}

int forward_run(struct forward *f, int timeout)
{
	for (int i = 0; i < f->n_others; i++)
		if (ready(f->others[i]) & ZMQ_POLLIN)
			return 1;
	for (;;) {
		int n = poll(f->fds, f->n_fds, movable(f) ? 0 : timeout), done = 0;
		if (n < 0 && errno != EINTR)
			return -1;
		for (int i = 0; n > 0 && i < f->n_others; i++)
			if (f->fds[i].revents)
				return 1;
		// Replies first: they make room, and the last words of a peer that left count as answers.
		long replies = 0;
		for (int i = 0; i < MAX_BACKS; i++) {
			struct back *b = &f->backs[i];
			if (!b->replies.from)
				continue;
			long moved = forward_replies(f, b);
			if (moved < 0)
				return -1;
			replies += moved;
			done |= forward_done(b);
		}
		long requests = move(&f->requests);
		if (requests < 0)
			return -1;
		if (!f->one_way)
			f->serving->waiting += requests;
		if (timeout >= 0 || done)
			return requests + replies > 0 || done;
	}
}

void forward_end(struct forward *f)
{
	zmq_msg_close(&f->requests.part);
	for (int i = 0; i < MAX_BACKS; i++)
		zmq_msg_close(&f->backs[i].replies.part);
}
