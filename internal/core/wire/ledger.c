#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "ledger.h"

int is_ticket(const void *frame, size_t length)
{
	return length >= TICKET_PEER && memcmp(frame, TICKET_MAGIC, TICKET_FLAGS) == 0;
}

static void high_first(unsigned char *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> (56 - 8 * i));
}

// who writes "ip:port" of the connection that a frame came on, and returns its length; 0 if that is not known (any more).
static int who(zmq_msg_t *frame, char *text, size_t size)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	char ip[INET6_ADDRSTRLEN];
	int fd = zmq_msg_get(frame, ZMQ_SRCFD), n = 0;
	if (fd < 0 || getpeername(fd, (struct sockaddr *)&address, &length) < 0)
		return 0;
	if (address.ss_family == AF_INET) {
		struct sockaddr_in *a = (struct sockaddr_in *)&address;
		if (inet_ntop(AF_INET, &a->sin_addr, ip, sizeof ip))
			n = snprintf(text, size, "%s:%d", ip, ntohs(a->sin_port));
	} else if (address.ss_family == AF_INET6) {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)&address;
		int mapped = IN6_IS_ADDR_V4MAPPED(&a->sin6_addr);
		if (mapped && inet_ntop(AF_INET, &a->sin6_addr.s6_addr[12], ip, sizeof ip))
			n = snprintf(text, size, "%s:%d", ip, ntohs(a->sin6_port));
		else if (!mapped && inet_ntop(AF_INET6, &a->sin6_addr, ip, sizeof ip))
			n = snprintf(text, size, "[%s]:%d", ip, ntohs(a->sin6_port));
	}
	return n < (int)size ? n : 0;
}

static struct request *begin(int64_t since)
{
	struct request *r = malloc(sizeof *r);
	if (!r)
		return NULL;
	r->before = r->after = r->same = NULL;
	r->given = NULL;
	r->since = since;
	r->bytes = 0;
	r->n_parts = 0;
	r->room = sizeof r->few / sizeof r->few[0];
	r->parts = r->few;
	return r;
}

struct request *ledger_new(struct ledger *l, int64_t now, zmq_msg_t *first)
{
	struct request *r = begin(now);
	if (!r)
		return NULL;
	memcpy(r->ticket, TICKET_MAGIC, TICKET_FLAGS);
	r->ticket[TICKET_FLAGS] = 0;
	high_first(r->ticket + TICKET_ID, l->journal);
	high_first(r->ticket + TICKET_ID + 8, ++l->number);
	r->ticket_length = TICKET_PEER;
	if (ledger_part(r, first) < 0) {
		ledger_drop(r);
		return NULL;
	}
	return r;
}

void ledger_peer(struct ledger *l, struct request *r)
{
	zmq_msg_t *last = &r->parts[r->n_parts - 1];
	const unsigned char *id = zmq_msg_data(&r->parts[0]);
	char *text = (char *)r->ticket + TICKET_PEER;
	// A ROUTER gives each connection a name of its own: 0 and a number that counts up.
	int named = zmq_msg_size(&r->parts[0]) == sizeof l->peers->id && id[0] == 0;
	struct peer *p = named ? &l->peers[(id[3] << 8 | id[4]) % PEERS] : NULL;
	if (!p || p->length == 0 || memcmp(p->id, id, sizeof p->id) != 0) {
		int length = who(last, text, TICKET_PEER_MAX);
		r->ticket_length = TICKET_PEER + length;
		if (p) {
			memcpy(p->id, id, sizeof p->id);
			memcpy(p->text, text, (size_t)length);
			p->length = length;
		}
		return;
	}
	memcpy(text, p->text, (size_t)p->length);
	r->ticket_length = TICKET_PEER + p->length;
}

// ledger_part moves messages by their bytes, as libzmq's own zmq_msg_move does with a fresh one; libzmq keeps no address of them.
int ledger_part(struct request *r, zmq_msg_t *part)
{
	if (r->n_parts == r->room) {
		zmq_msg_t *more = malloc(2 * (size_t)r->room * sizeof *more);
		if (!more)
			return -1;
		memcpy(more, r->parts, (size_t)r->room * sizeof *more);
		if (r->parts != r->few)
			free(r->parts);
		r->parts = more;
		r->room *= 2;
	}
	zmq_msg_t *to = &r->parts[r->n_parts++];
	zmq_msg_init(to);
	zmq_msg_move(to, part);
	r->bytes += sizeof *to + zmq_msg_size(to);
	return 0;
}

static struct request **bucket(struct ledger *l, const unsigned char *ticket)
{
	const unsigned char *low = ticket + TICKET_PEER - 2; // of the number
	return &l->buckets[(low[0] << 8 | low[1]) % BUCKETS];
}

void ledger_add(struct ledger *l, struct request *r)
{
	struct request **b = bucket(l, r->ticket);
	r->same = *b;
	*b = r;
	r->before = l->last;
	if (l->last)
		l->last->after = r;
	else
		l->first = r;
	l->last = r;
	if (!l->next)
		l->next = r;
	l->count++;
	l->bytes += r->bytes;
}

static uint64_t length_of(const unsigned char *p)
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

// restore_ticket makes the ticket of an orphan from that of its request, which may have been one before.
static void restore_ticket(struct request *r, const unsigned char *was, size_t length)
{
	size_t head = TICKET_PEER;
	if (was[TICKET_FLAGS] & TICKET_TIMED && length >= TICKET_PEER + TICKET_TIME_LENGTH)
		head += TICKET_TIME_LENGTH;
	size_t peer = length - head < TICKET_PEER_MAX ? length - head : TICKET_PEER_MAX;
	memcpy(r->ticket, was, TICKET_PEER);
	r->ticket[TICKET_FLAGS] = TICKET_AGAIN | TICKET_ORPHAN | TICKET_TIMED;
	high_first(r->ticket + TICKET_PEER, (uint64_t)r->since);
	memcpy(r->ticket + TICKET_PEER + TICKET_TIME_LENGTH, was + head, peer);
	r->ticket_length = (int)(TICKET_PEER + TICKET_TIME_LENGTH + peer);
}

int ledger_restore(struct ledger *l, int64_t since, const unsigned char *frames, size_t length)
{
	struct request *r = begin(since);
	if (!r)
		return -1;
	size_t ticket = length_of(frames);
	restore_ticket(r, frames + 8, ticket);
	for (const unsigned char *p = frames + 8 + ticket; p < frames + length;) {
		zmq_msg_t part;
		size_t size = length_of(p);
		if (zmq_msg_init_size(&part, size) < 0)
			goto none;
		memcpy(zmq_msg_data(&part), p + 8, size);
		if (ledger_part(r, &part) < 0)
			goto none;
		p += 8 + size;
	}
	ledger_add(l, r);
	return 0;
none:
	ledger_drop(r);
	return -1;
}

struct request *ledger_find(struct ledger *l, const unsigned char *ticket)
{
	struct request *r = *bucket(l, ticket);
	while (r && memcmp(r->ticket + TICKET_ID, ticket + TICKET_ID, TICKET_ID_LENGTH) != 0)
		r = r->same;
	return r;
}

long ledger_take_back(struct ledger *l, struct back *b)
{
	long n = 0;
	for (struct request *r = l->first; r; r = r->after)
		if (r->given == b) {
			r->given = NULL;
			r->ticket[TICKET_FLAGS] |= TICKET_AGAIN;
			n++;
		}
	if (n > 0)
		l->next = l->first;
	return n;
}

void ledger_remove(struct ledger *l, struct request *r)
{
	struct request **b = bucket(l, r->ticket);
	while (*b != r)
		b = &(*b)->same;
	*b = r->same;
	if (r->before)
		r->before->after = r->after;
	else
		l->first = r->after;
	if (r->after)
		r->after->before = r->before;
	else
		l->last = r->before;
	if (l->next == r)
		l->next = r->after;
	l->count--;
	l->bytes -= r->bytes;
	ledger_drop(r);
}

void ledger_drop(struct request *r)
{
	for (int i = 0; i < r->n_parts; i++)
		zmq_msg_close(&r->parts[i]);
	if (r->parts != r->few)
		free(r->parts);
	free(r);
}

void ledger_end(struct ledger *l)
{
	while (l->first)
		ledger_remove(l, l->first);
}
