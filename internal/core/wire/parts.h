// Receives and sends whole messages, in C because a message is a few frames, and each would be several calls from Go.

#ifndef PARTS_H
#define PARTS_H

#include <stddef.h>
#include <zmq.h>

#define MAX_PARTS 8

// parts is what was received last, at most MAX_PARTS frames of it.
struct parts {
	int n;
	int more; // the message goes on
	zmq_msg_t held[MAX_PARTS];
	void *data[MAX_PARTS];
	size_t size[MAX_PARTS];
};

// parts_receive lets go of what p holds, and receives a message into it, or with p->more the next frames of the one in hand. It
// returns 0, or what errno was: EAGAIN if there is none.
int parts_receive(struct parts *p, void *socket);

// parts_send sends n frames that stand one behind the other. It returns 0, or what errno was: EAGAIN if nothing can be sent now.
int parts_send(void *socket, const unsigned char *frames, const size_t *sizes, int n);

void parts_end(struct parts *p);

#endif
