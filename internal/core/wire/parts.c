#include <errno.h>
#include <string.h>
#include "parts.h"

void parts_end(struct parts *p)
{
	for (int i = 0; i < p->n; i++)
		zmq_msg_close(&p->held[i]);
	p->n = 0;
}

int parts_receive(struct parts *p, void *socket)
{
	int flags = p->more ? 0 : ZMQ_DONTWAIT; // the other frames are there: libzmq delivers all or none
	parts_end(p);
	p->more = 0;
	do {
		zmq_msg_t *m = &p->held[p->n];
		int rc;
		zmq_msg_init(m);
		do
			rc = zmq_msg_recv(m, socket, flags);
		while (rc < 0 && errno == EINTR);
		if (rc < 0) {
			int error = errno;
			zmq_msg_close(m);
			return error;
		}
		p->data[p->n] = zmq_msg_data(m);
		p->size[p->n] = zmq_msg_size(m);
		p->more = zmq_msg_more(m);
		p->n++;
		flags = 0;
	} while (p->more && p->n < MAX_PARTS);
	return 0;
}

int parts_send(void *socket, const unsigned char *frames, const size_t *sizes, int n)
{
	for (int i = 0; i < n; frames += sizes[i++]) {
		int rc;
		do
			rc = zmq_send(socket, frames, sizes[i], ZMQ_DONTWAIT | (i < n - 1 ? ZMQ_SNDMORE : 0));
		while (rc < 0 && errno == EINTR);
		if (rc < 0)
			return errno;
	}
	return 0;
}
