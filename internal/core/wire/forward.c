#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "forward.h"

enum {
	// How many messages one direction may pass before the other gets its turn.
	BURST = 256,
	// How many requests a back is given before it has answered. It is half of libzmq's usual queue, so that a manager who takes its
	// time never has a full one: it would not see a heartbeat behind that, and be taken for dead.
	MAX_GIVEN = 500,
	// How many ms the journal may not know of an answer. With the next request it is told for nothing; alone it costs a write.
	ANSWERS_WAIT = 5,
};

// die_where reads the variable of package fault: NOWCAST_FAULT=journalled:3.
static void die_where(struct forward *f)
{
	static const char *const names[] = {[JOURNALLED] = "journalled:", [FORWARDED] = "forwarded:", [ANSWERED] = "answered:"};
	const char *fault = getenv("NOWCAST_FAULT");
	for (int i = JOURNALLED; fault && i <= ANSWERED; i++)
		if (strncmp(fault, names[i], strlen(names[i])) == 0 && (f->die_after = atol(fault + strlen(names[i]))) > 0)
			f->die_at = i;
}

// passed counts passages of a step.
static void passed(struct forward *f, enum step at, long n)
{
	if (f->die_at == at && (f->die_after -= n) <= 0)
		kill(getpid(), SIGKILL);
}

struct forward *forward_new(void)
{
	struct forward *f = calloc(1, sizeof *f);
	if (!f)
		return NULL;
	zmq_msg_init(&f->part);
	f->journal.fd = -1;
	die_where(f);
	return f;
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
	if (watch(f, f->front) < 0)
		return -1;
	for (int i = 0; i < MAX_BACKS; i++)
		if (f->backs[i].socket && watch(f, f->backs[i].socket) < 0)
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

// takes tells whether a back may be given a request.
static int takes(struct back *b)
{
	return b->open && b->waiting < MAX_GIVEN;
}

// movable tells whether something can be moved in either direction.
static int movable(struct forward *f)
{
	int front = ready(f->front), any = 0;
	if (f->one_way) {
		int back = ready(f->serving->socket);
		return f->held ? back & ZMQ_POLLOUT : front & ZMQ_POLLIN;
	}
	if (ledger_room(&f->ledger))
		any = front & ZMQ_POLLIN;
	for (int i = 0; i < MAX_BACKS; i++) {
		struct back *b = &f->backs[i];
		if (!b->socket)
			continue;
		int back = ready(b->socket);
		any |= back & ZMQ_POLLIN;
		if (b == f->serving && f->ledger.next && takes(b))
			any |= back & ZMQ_POLLOUT;
	}
	return any;
}

// take and pass are zmq_msg_recv and zmq_msg_send without interruptions by signals, of which the Go runtime sends many.
static int take(zmq_msg_t *part, void *from, int flags)
{
	int rc;
	do
		rc = zmq_msg_recv(part, from, flags);
	while (rc < 0 && errno == EINTR);
	return rc;
}

// pass returns -1 if the other side takes nothing now. The part is gone, or empty, in any case but that.
static int pass(zmq_msg_t *part, void *to, int more)
{
	int rc;
	do
		rc = zmq_msg_send(part, to, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0));
	while (rc < 0 && errno == EINTR);
	return rc;
}

// move passes on what has arrived at the front if nothing comes back, at most a burst.
static long move(struct forward *f)
{
	void *to = f->serving->socket;
	long moved = 0;
	for (; moved < BURST; moved++) {
		if (!f->held && take(&f->part, f->front, ZMQ_DONTWAIT) < 0)
			return errno == EAGAIN ? moved : -1;
		f->held = 1;
		int more = zmq_msg_more(&f->part);
		if (pass(&f->part, to, more) < 0)
			return errno == EAGAIN ? moved : -1;
		f->held = 0;
		// The other parts are there, and whoever took the first takes them all. If that peer has gone in
		// between, the message goes with it, as it would have done a moment later.
		while (more) {
			if (take(&f->part, f->front, 0) < 0)
				return -1;
			more = zmq_msg_more(&f->part);
			if (pass(&f->part, to, more) < 0 && errno != EAGAIN)
				return -1;
		}
	}
	return moved;
}

// enveloped tells whether a request has an empty part, as a REQ puts it, and its message behind that. Without it a REP, such as a
// Python manager has, drops a request and says nothing; it would be in hand for ever.
static int enveloped(struct request *r)
{
	for (int i = 1; i < r->n_parts - 1; i++)
		if (zmq_msg_size(&r->parts[i]) == 0)
			return 1;
	return 0;
}

static void refuse(struct forward *f, struct request *r)
{
	int length = r->ticket_length - TICKET_PEER;
	memcpy(f->refused.peer, r->ticket + TICKET_PEER, (size_t)length);
	f->refused.peer[length] = 0;
	f->refused.at = r->since;
	f->refused.count++;
	ledger_drop(r);
}

int forward_refused_due(struct forward *f)
{
	int64_t since = f->refused.at - f->refused.told_at;
	return f->refused.count > f->refused.told && (since >= 1000 || since < 0);
}

// accept_one takes a request whose first part is in hand.
static int accept_one(struct forward *f, int64_t now, zmq_msg_t *part)
{
	int more = zmq_msg_more(part);
	struct request *r = ledger_new(&f->ledger, now, part);
	if (!r)
		return -1;
	while (more) { // it has arrived as a whole
		if (take(part, f->front, 0) < 0)
			goto none;
		more = zmq_msg_more(part);
		if (ledger_part(r, part) < 0)
			goto none;
	}
	ledger_peer(&f->ledger, r);
	if (!enveloped(r)) {
		refuse(f, r);
		return 0;
	}
	ledger_add(&f->ledger, r);
	journal_request(&f->journal, r);
	return 0;
none:
	ledger_drop(r);
	return -1;
}

long forward_accept(struct forward *f)
{
	struct timespec t;
	long n = 0;
	zmq_msg_t part;
	zmq_msg_init(&part);
	for (; n < BURST && ledger_room(&f->ledger); n++) {
		if (take(&part, f->front, ZMQ_DONTWAIT) < 0) {
			if (errno == EAGAIN)
				break;
			return -1;
		}
		if (n == 0)
			clock_gettime(CLOCK_REALTIME, &t);
		if (accept_one(f, t.tv_sec * 1000LL + t.tv_nsec / 1000000, &part) < 0) {
			zmq_msg_close(&part);
			return -1;
		}
	}
	zmq_msg_close(&part);
	if (n > 0) {
		journal_flush(&f->journal); // before anybody acts on one of them
		passed(f, JOURNALLED, n);
	}
	return n;
}

// give_one returns 0 if nobody takes it now, and -1 and errno on failure. What is sent shares its bytes with what is kept.
static int give_one(struct forward *f, struct request *r)
{
	void *to = f->serving->socket;
	zmq_msg_t m;
	if (zmq_msg_init_size(&m, (size_t)r->ticket_length) < 0)
		return -1;
	memcpy(zmq_msg_data(&m), r->ticket, (size_t)r->ticket_length);
	if (pass(&m, to, 1) < 0) {
		zmq_msg_close(&m);
		return errno == EAGAIN ? 0 : -1;
	}
	for (int i = 0; i < r->n_parts; i++) {
		zmq_msg_init(&m);
		zmq_msg_copy(&m, &r->parts[i]);
		if (pass(&m, to, i < r->n_parts - 1) < 0) {
			zmq_msg_close(&m);
			if (errno != EAGAIN) // the peer has gone: it is taken back when the monitor says so
				return -1;
		}
	}
	return 1;
}

// give passes on the requests that nobody has, the oldest first.
static long give(struct forward *f)
{
	long n = 0;
	for (struct ledger *l = &f->ledger; l->next; l->next = l->next->after) {
		if (l->next->given)
			continue;
		if (!takes(f->serving))
			break;
		int rc = give_one(f, l->next);
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
		l->next->given = f->serving;
		f->serving->waiting++;
		n++;
	}
	if (n > 0)
		passed(f, FORWARDED, n);
	return n;
}

// answer passes on a reply whose first part is in hand, without that part if skip is set; with to NULL it drops all.
static int answer(struct forward *f, struct back *b, zmq_msg_t *part, void *to, int skip)
{
	for (int more = 1; more; skip = 0) {
		more = zmq_msg_more(part);
		// A ROUTER takes everything and drops what it cannot deliver: the worker has gone.
		if (!skip && to && pass(part, to, more) < 0 && errno != EAGAIN)
			return -1;
		if (more && take(part, b->socket, 0) < 0)
			return -1;
	}
	return 0;
}

// forward_replies passes on what has no ticket of ours as it is. The answer to what was answered before is dropped: it may have been
// given to two managers, and the worker, who asks something else by now, would take it for the answer to that.
long forward_replies(struct forward *f, struct back *b)
{
	long n = 0, answered = 0;
	zmq_msg_t part;
	if (f->one_way)
		return 0;
	zmq_msg_init(&part);
	for (; n < BURST; n++) {
		if (take(&part, b->socket, ZMQ_DONTWAIT) < 0) {
			if (errno == EAGAIN)
				break;
			return -1;
		}
		void *to = f->front;
		struct request *r = NULL;
		int ours = zmq_msg_more(&part) && is_ticket(zmq_msg_data(&part), zmq_msg_size(&part));
		if (ours) {
			r = ledger_find(&f->ledger, zmq_msg_data(&part));
			if (!r || r->ticket[TICKET_FLAGS] & TICKET_ORPHAN)
				to = NULL;
			if (r && r->ticket[TICKET_FLAGS] & TICKET_ORPHAN && !r->given)
				r = NULL; // by a manager that was given it by the broker that died: it is to learn that the worker waits in vain
		}
		if (answer(f, b, &part, to, ours) < 0)
			return -1;
		if (r) {
			if (r->given)
				r->given->waiting--;
			journal_answered(&f->journal, r);
			ledger_remove(&f->ledger, r);
			answered++;
		}
	}
	zmq_msg_close(&part);
	if (answered > 0) {
		f->answered += answered;
		passed(f, ANSWERED, answered);
	}
	return n;
}

long forward_take_back(struct forward *f, struct back *b)
{
	b->waiting = 0;
	return ledger_take_back(&f->ledger, b);
}

int forward_done(struct back *b)
{
	return b->leaving && b->waiting == 0;
}

int forward_journal(struct forward *f, int fd)
{
	struct journal *j = &f->journal;
	journal_flush(j);
	int old = j->fd, error = 0;
	int64_t size = j->size;
	if (journal_use(j, fd) == 0) {
		for (struct request *r = f->ledger.first; r; r = r->after)
			journal_request(j, r);
		journal_flush(j);
	}
	if ((error = j->error) == 0) {
		if (old >= 0)
			close(old);
	} else if (old >= 0) { // it is as good as it was
		j->fd = old;
		j->size = size;
		j->error = 0;
	}
	return error;
}

int forward_journal_due(struct forward *f)
{
	return f->journal.error != f->journal_error || f->journal.size > f->journal_max;
}

// A journal is emptied when no request in it is unanswered and it is larger than this.
enum { EMPTY_ABOVE = 1 << 20 };

// tidy keeps the journal small.
static void tidy(struct forward *f)
{
	if (f->ledger.count == 0 && f->journal.size > EMPTY_ABOVE)
		journal_empty(&f->journal);
}

static void show(struct forward *f)
{
	__atomic_store_n(&f->shown.waiting, f->ledger.count, __ATOMIC_RELAXED);
	__atomic_store_n(&f->shown.since, f->ledger.first ? f->ledger.first->since : 0, __ATOMIC_RELAXED);
	__atomic_store_n(&f->shown.answered, f->answered, __ATOMIC_RELAXED);
}

void forward_shown(struct forward *f, long *waiting, int64_t *since, long *answered)
{
	*waiting = __atomic_load_n(&f->shown.waiting, __ATOMIC_RELAXED);
	*since = __atomic_load_n(&f->shown.since, __ATOMIC_RELAXED);
	*answered = __atomic_load_n(&f->shown.answered, __ATOMIC_RELAXED);
}

// turn moves a burst in each direction. Replies go first: they make room, and the last words of a peer that left count as answers.
static long turn(struct forward *f, int *done)
{
	if (f->one_way)
		return move(f);
	long moved = 0;
	for (int i = 0; i < MAX_BACKS; i++) {
		struct back *b = &f->backs[i];
		if (!b->socket)
			continue;
		long n = forward_replies(f, b);
		if (n < 0)
			return -1;
		moved += n;
		*done |= forward_done(b);
	}
	long accepted = forward_accept(f), given = accepted < 0 ? -1 : give(f);
	if (given < 0)
		return -1;
	tidy(f);
	show(f);
	return moved + accepted + given;
}

int forward_run(struct forward *f, int timeout)
{
	for (int i = 0; i < f->n_others; i++)
		if (ready(f->others[i]) & ZMQ_POLLIN)
			return 1;
	for (;;) {
		int now = movable(f) ? 0 : timeout, done = 0;
		if (f->journal.buffered > 0 && (now < 0 || now > ANSWERS_WAIT))
			now = ANSWERS_WAIT;
		int n = poll(f->fds, f->n_fds, now);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n == 0 && now > 0)
			journal_flush(&f->journal);
		for (int i = 0; n > 0 && i < f->n_others; i++)
			if (f->fds[i].revents)
				return 1;
		long moved = turn(f, &done);
		if (moved < 0)
			return -1;
		done |= forward_journal_due(f) | forward_refused_due(f);
		if (timeout >= 0 || done)
			return moved > 0 || done;
	}
}

void forward_end(struct forward *f)
{
	zmq_msg_close(&f->part);
	journal_flush(&f->journal);
	if (f->ledger.count == 0)
		journal_empty(&f->journal);
	journal_close(&f->journal);
	ledger_end(&f->ledger);
	free(f);
}
