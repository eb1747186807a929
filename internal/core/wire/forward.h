// The inner loop of Forwarder (forwarder.go), in C because a call from Go costs as much as what it would do here.

#ifndef FORWARD_H
#define FORWARD_H

#include <poll.h>
#include <zmq.h>
#include "journal.h"
#include "ledger.h"

// A back is a socket that requests are passed to. There is one, and more only after a change of address: then requests go to
// the new one, and the others are there until they have answered what they were given.
struct back {
	void *socket; // NULL: this place is free
	long waiting; // requests that it was given and has not answered
	int open;     // it may be given requests: there is a peer, and no other has just left
	int leaving;  // it is given no more
};

#define MAX_BACKS 3
#define MAX_OTHERS (2 + MAX_BACKS)

// Where a test can have the process die (package fault, which C cannot call).
enum step { NOWHERE, JOURNALLED, FORWARDED, ANSWERED };

struct forward {
	void *front;
	struct back backs[MAX_BACKS], *serving;
	struct ledger ledger;
	struct journal journal;
	int journal_error;   // the last that Go was told of
	int64_t journal_max; // a larger journal is to be written anew; Go does that

	int one_way; // nothing comes from the back, and nobody waits for an answer; there are no tickets, and nothing is kept
	zmq_msg_t part; // then: the one in hand
	int held;       // and it is the first of a message that the back did not take yet

	enum step die_at;
	long die_after;

	long answered;

	// Requests that nobody could have answered (accept_one): how many, when the newest came, and from where, "" if that is not known.
	struct { long count, told; int64_t at, told_at; char peer[TICKET_PEER_MAX + 1]; } refused;

	// For other threads: it is as it was after the last turn.
	struct { long waiting; int64_t since; long answered; } shown;

	void *others[MAX_OTHERS]; // sockets that Go reads
	int n_others;
	struct pollfd fds[1 + MAX_BACKS + MAX_OTHERS]; // first n_others of others, then of front and backs
	int n_fds;
};

// forward_new returns one without sockets, and NULL if there is no memory.
struct forward *forward_new(void);

// forward_watch must be called after others or the sockets of backs have changed. It returns -1 and errno on failure.
int forward_watch(struct forward *f);

// forward_run moves messages both ways. With timeout -1 it goes on until one of the others has something to read, a back
// that leaves has answered all, or something is to be done about the journal; otherwise it waits at most timeout ms for something
// to move or to read, and moves it. It returns 0 if there was nothing, or -1 and errno.
int forward_run(struct forward *f, int timeout);

// forward_accept takes a burst of requests from the front, which are in the journal when it returns how many, or -1 and errno.
long forward_accept(struct forward *f);

// forward_replies moves a burst of messages from a back to the front and returns how many that were, or -1 and errno.
long forward_replies(struct forward *f, struct back *b);

// forward_take_back takes what a back was given and has not answered, to give it again, and returns how many those are.
long forward_take_back(struct forward *f, struct back *b);

// forward_done tells whether a back may be closed: it leaves, and nobody waits for it.
int forward_done(struct back *b);

// forward_journal has the requests in hand written to a new file, which takes the place of the one before, and is closed if
// that fails. It returns 0 or what errno was.
int forward_journal(struct forward *f, int fd);

// forward_journal_due tells whether Go has something to do about the journal.
int forward_journal_due(struct forward *f);

// forward_refused_due tells whether Go has something to say about refused requests: at most once a second.
int forward_refused_due(struct forward *f);

// forward_shown tells any thread how many requests are in hand, since when the first of them, and how many were answered.
void forward_shown(struct forward *f, long *waiting, int64_t *since, long *answered);

// forward_end lets go of everything in hand, and of f.
void forward_end(struct forward *f);

#endif
