// The inner loop of Forwarder (forwarder.go), in C because a call from Go costs as much as what it would do here.

#include <poll.h>
#include <zmq.h>

// A lane is one direction.
struct lane {
	void *from, *to;
	zmq_msg_t part; // the one in hand
	int held;       // part is the first of a message that the other side did not take yet
};

#define MAX_OTHERS 3

struct forward {
	struct lane requests, replies;
	int one_way;   // nothing comes from the back, and nobody waits for an answer
	long waiting;  // requests passed to the back less replies that came from it
	void *others[MAX_OTHERS]; // sockets that Go reads
	int n_others;
	struct pollfd fds[2 + MAX_OTHERS]; // of front, back and others
};

// forward_init prepares f, whose sockets and one_way are set. It returns -1 and errno on failure.
int forward_init(struct forward *f);

// forward_run moves messages both ways. With timeout -1 it goes on until one of the others has something to read; otherwise
// it waits at most timeout ms for something to move or to read, and moves it. It returns 0 if there was nothing, or -1 and errno.
int forward_run(struct forward *f, int timeout);

// forward_replies moves a burst of messages from the back to the front and returns how many that were, or -1 and errno.
long forward_replies(struct forward *f);

// forward_end lets go of the messages in hand.
void forward_end(struct forward *f);
