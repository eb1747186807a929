// The inner loop of Forwarder (forwarder.go), in C because a call from Go costs as much as what it would do here.

#include <poll.h>
#include <zmq.h>

// A lane is one direction.
struct lane {
	void *from, *to;
	zmq_msg_t part; // the one in hand
	int held;       // part is the first of a message that the other side did not take yet
};

// A back is a socket that requests are passed to. There is one, and more only after a change of address: then requests go to
// the new one, and the others are there until they have answered what they were given.
struct back {
	struct lane replies; // its "from" is the back's socket, NULL: this place is free
	long waiting;        // requests passed to it less replies that came from it
	int leaving;         // it is given no more
};

#define MAX_BACKS 3
#define MAX_OTHERS (2 + MAX_BACKS)

struct forward {
	struct lane requests; // its "to" is the socket of serving
	struct back backs[MAX_BACKS], *serving;
	int one_way; // nothing comes from the back, and nobody waits for an answer
	void *others[MAX_OTHERS]; // sockets that Go reads
	int n_others;
	struct pollfd fds[1 + MAX_BACKS + MAX_OTHERS]; // first n_others of others, then of front and backs
	int n_fds;
};

// forward_init prepares f, whose front and one_way are set.
void forward_init(struct forward *f);

// forward_watch must be called after others or the sockets of backs have changed. It returns -1 and errno on failure.
int forward_watch(struct forward *f);

// forward_run moves messages both ways. With timeout -1 it goes on until one of the others has something to read, or a back
// that leaves has answered all; otherwise it waits at most timeout ms for something to move or to read, and moves it. It
// returns 0 if there was nothing, or -1 and errno.
int forward_run(struct forward *f, int timeout);

// forward_replies moves a burst of messages from a back to the front and returns how many that were, or -1 and errno.
long forward_replies(struct forward *f, struct back *b);

// forward_done tells whether a back may be closed: it leaves, and nobody waits for it.
int forward_done(struct back *b);

// forward_end lets go of the messages in hand.
void forward_end(struct forward *f);
