#include <errno.h>
#include <string.h>
#include "collect.h"

void collect_init(struct collector *c, void *socket)
{
	c->socket = socket;
	c->frames = 0;
	zmq_msg_init(&c->topic);
	zmq_msg_init(&c->text);
}

// take receives one message. It returns -1 and EAGAIN if there is none.
static int take(struct collector *c)
{
	zmq_msg_close(&c->text);
	zmq_msg_init(&c->text); // a message of one frame has none
	if (zmq_msg_recv(&c->topic, c->socket, ZMQ_DONTWAIT) < 0)
		return -1;
	unsigned frames = 1;
	int more = zmq_msg_more(&c->topic);
	// The other frames are there: libzmq delivers all or none.
	if (more) {
		if (zmq_msg_recv(&c->text, c->socket, 0) < 0)
			return -1;
		more = zmq_msg_more(&c->text);
		frames++;
	}
	while (more) {
		zmq_msg_t rest;
		zmq_msg_init(&rest);
		if (zmq_msg_recv(&rest, c->socket, 0) < 0)
			return -1;
		more = zmq_msg_more(&rest);
		zmq_msg_close(&rest);
		frames++;
	}
	c->frames = frames;
	return 0;
}

long collect(struct collector *c, unsigned char *out, size_t room)
{
	size_t used = 0;
	c->needed = 0;
	for (;;) {
		if (!c->frames && take(c) < 0) {
			if (errno == EINTR)
				continue;
			return errno == EAGAIN ? (long)used : -1;
		}
		// What the peer said of itself when it connected; libzmq keeps it with the connection.
		const char *type = zmq_msg_gets(&c->topic, "Socket-Type");
		const char *peer = zmq_msg_gets(&c->topic, "Peer-Address");
		size_t peer_size = peer ? strlen(peer) : 0;
		if (peer_size > 255)
			peer_size = 255;
		struct collected head = {
			.topic = zmq_msg_size(&c->topic),
			.text = zmq_msg_size(&c->text),
			.frames = c->frames > 0xffff ? 0xffff : c->frames,
			.xpub = type && strcmp(type, "XPUB") == 0,
			.peer = peer_size,
		};
		size_t size = sizeof head + head.peer + (size_t)head.topic + head.text;
		if (size > room - used) {
			c->needed = size;
			return used;
		}
		unsigned char *p = out + used;
		memcpy(p, &head, sizeof head);
		p += sizeof head;
		if (head.peer)
			memcpy(p, peer, head.peer);
		p += head.peer;
		memcpy(p, zmq_msg_data(&c->topic), head.topic);
		memcpy(p + head.topic, zmq_msg_data(&c->text), head.text);
		used += size;
		c->frames = 0;
	}
}

void collect_end(struct collector *c)
{
	zmq_msg_close(&c->topic);
	zmq_msg_close(&c->text);
}
