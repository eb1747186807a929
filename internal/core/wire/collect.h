// Reads what a SUB socket has into one buffer, in C because a record is two frames, and each would be several calls from Go.

#include <stddef.h>
#include <zmq.h>

struct collector {
	void *socket;
	zmq_msg_t topic, text; // of the message in hand
	unsigned frames;       // how many it has; 0: there is none in hand
	size_t needed;         // the room that the message in hand takes, if it did not fit
};

// collected stands before each message in the buffer. The peer's address, the topic and the text follow it.
struct collected {
	unsigned topic, text; // their bytes
	unsigned short frames;
	unsigned char xpub; // the peer is an XPUB, not a PUB
	unsigned char peer; // bytes of its address
};

void collect_init(struct collector *c, void *socket);

// collect takes messages until there are no more or the next one does not fit, and returns how many bytes of out it has used;
// -1 and errno if the socket fails. Frames after the second are counted and dropped.
long collect(struct collector *c, unsigned char *out, size_t room);

void collect_end(struct collector *c);
