// The requests in hand: accepted, and not answered. They are kept until they are answered, so that they can be given to a
// manager again if the one who had them dies.

#ifndef LEDGER_H
#define LEDGER_H

#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

// The ticket that goes with a request (ticket.go): magic, flags, journal, number, when it was accepted (of an orphan), peer.
#define TICKET_MAGIC "\x01nwt"
#define TICKET_FLAGS 4
#define TICKET_ID 5 // where journal and number are
#define TICKET_ID_LENGTH 16
#define TICKET_PEER (TICKET_ID + TICKET_ID_LENGTH) // with TICKET_TIMED the time is there, and the peer behind it
#define TICKET_TIME_LENGTH 8
#define TICKET_PEER_MAX 56
#define TICKET_MAX (TICKET_PEER + TICKET_TIME_LENGTH + TICKET_PEER_MAX)
#define TICKET_AGAIN 1
#define TICKET_ORPHAN 2
#define TICKET_TIMED 4

struct back;

struct request {
	struct request *before, *after; // in the order in which they were accepted
	struct request *same;           // the next in the same bucket
	struct back *given;             // who has it; NULL: nobody
	int64_t since;                  // when it was accepted, in ms since 1970
	size_t bytes;                   // of all parts
	int ticket_length;
	unsigned char ticket[TICKET_MAX];
	int n_parts, room;
	zmq_msg_t *parts; // as they came, the identity of the connection first
	zmq_msg_t few[4]; // where they usually have room
};

// Who is at the other end of a connection, so that the system is asked once for each.
struct peer {
	unsigned char id[5];
	int length;
	char text[TICKET_PEER_MAX];
};

#define PEERS 1024 // connections in use at once; with more, some are asked for again

#define BUCKETS 16384 // twice as many as there are requests, so that hardly any two meet

struct ledger {
	struct request *first, *last;
	struct request *next; // none before it is to be given to somebody; NULL: all are
	long count, max_count;
	size_t bytes, max_bytes;
	uint64_t journal, number; // of the newest ticket
	struct request *buckets[BUCKETS];
	struct peer peers[PEERS];
};

// ledger_room tells whether one more request may be accepted.
static inline int ledger_room(struct ledger *l)
{
	return l->count < l->max_count && l->bytes < l->max_bytes;
}

// ledger_new begins a request that is accepted now, with its first part, which it takes over. It has a ticket then.
// ledger_part takes over the parts that follow, ledger_peer puts into the ticket whom the last of them came from (on the first, which a
// ROUTER makes, that is not always known), and ledger_add puts the request last in the list. NULL and -1: there is no memory.
struct request *ledger_new(struct ledger *l, int64_t now, zmq_msg_t *first);
int ledger_part(struct request *r, zmq_msg_t *part);
void ledger_peer(struct ledger *l, struct request *r);
void ledger_add(struct ledger *l, struct request *r);

// ledger_restore adds a request of an earlier broker: frames as they are in the journal, each with its length before it, the
// ticket first.
int ledger_restore(struct ledger *l, int64_t since, const unsigned char *frames, size_t length);

// ledger_find returns the request whose ticket came back, and NULL if there is none.
struct request *ledger_find(struct ledger *l, const unsigned char *ticket);

// ledger_take_back takes all requests from somebody who cannot answer any more, and returns how many those are. They are to be
// given again.
long ledger_take_back(struct ledger *l, struct back *b);

// ledger_remove forgets a request; ledger_drop is for one that was not added.
void ledger_remove(struct ledger *l, struct request *r);
void ledger_drop(struct request *r);

// ledger_end forgets all.
void ledger_end(struct ledger *l);

// is_ticket tells whether a frame is a ticket of ours.
int is_ticket(const void *frame, size_t length);

#endif
