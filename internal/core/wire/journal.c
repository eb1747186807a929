#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "journal.h"
#include "ledger.h"

// CRC-32C, eight bytes at a time.
static uint32_t crc_of[8][256];

static void crc_prepare(void)
{
	if (crc_of[0][1])
		return;
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
		crc_of[0][i] = c;
	}
	for (int i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			crc_of[k][i] = crc_of[k - 1][i] >> 8 ^ crc_of[0][crc_of[k - 1][i] & 255];
}

static uint32_t crc_add(uint32_t crc, const unsigned char *p, size_t n)
{
	for (; n >= 8; n -= 8, p += 8) {
		crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		crc = crc_of[7][crc & 255] ^ crc_of[6][crc >> 8 & 255] ^ crc_of[5][crc >> 16 & 255] ^ crc_of[4][crc >> 24] ^
		      crc_of[3][p[4]] ^ crc_of[2][p[5]] ^ crc_of[1][p[6]] ^ crc_of[0][p[7]];
	}
	for (; n > 0; n--, p++)
		crc = crc >> 8 ^ crc_of[0][(crc ^ *p) & 255];
	return crc;
}

static void low_first(unsigned char *p, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static void give_up(struct journal *j)
{
	j->error = errno ? errno : EIO;
	j->buffered = 0;
	if (ftruncate(j->fd, 0) < 0) {
		// Nothing more can be done about it, and error tells.
	}
	close(j->fd);
	j->fd = -1;
	j->size = 0;
}

static void write_all(struct journal *j, const unsigned char *p, size_t n)
{
	while (n > 0 && j->fd >= 0) {
		ssize_t written = write(j->fd, p, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			if (written == 0)
				errno = ENOSPC;
			give_up(j);
			return;
		}
		p += written;
		n -= (size_t)written;
		j->size += written;
	}
}

void journal_flush(struct journal *j)
{
	size_t n = j->buffered;
	j->buffered = 0;
	write_all(j, j->buffer, n);
}

static void put(struct journal *j, const void *p, size_t n)
{
	if (n > JOURNAL_BUFFER - j->buffered)
		journal_flush(j);
	if (n > JOURNAL_BUFFER) {
		write_all(j, p, n);
		return;
	}
	memcpy(j->buffer + j->buffered, p, n);
	j->buffered += n;
}

int journal_use(struct journal *j, int fd)
{
	crc_prepare();
	j->fd = fd;
	j->size = 0;
	j->error = 0;
	j->buffered = 0;
	put(j, JOURNAL_MAGIC, JOURNAL_MAGIC_LENGTH);
	journal_flush(j);
	return j->error ? -1 : 0;
}

enum { HEAD = 8 + 4 }; // of a record: length and checksum

void journal_request(struct journal *j, struct request *r)
{
	if (j->fd < 0)
		return;
	unsigned char head[HEAD + 1 + 8 + 8], length[8];
	head[HEAD] = JOURNAL_REQUEST;
	low_first(head + HEAD + 1, (uint64_t)r->since, 8);
	low_first(head + HEAD + 9, (uint64_t)r->ticket_length, 8);
	uint32_t crc = crc_add(~0u, head + HEAD, sizeof head - HEAD);
	crc = crc_add(crc, r->ticket, (size_t)r->ticket_length);
	size_t all = sizeof head - HEAD + (size_t)r->ticket_length;
	for (int i = 0; i < r->n_parts; i++) {
		size_t size = zmq_msg_size(&r->parts[i]);
		low_first(length, size, 8);
		crc = crc_add(crc_add(crc, length, 8), zmq_msg_data(&r->parts[i]), size);
		all += 8 + size;
	}
	low_first(head, all, 8);
	low_first(head + 8, ~crc, 4);
	put(j, head, sizeof head);
	put(j, r->ticket, (size_t)r->ticket_length);
	for (int i = 0; i < r->n_parts; i++) {
		size_t size = zmq_msg_size(&r->parts[i]);
		low_first(length, size, 8);
		put(j, length, 8);
		put(j, zmq_msg_data(&r->parts[i]), size);
	}
}

void journal_answered(struct journal *j, struct request *r)
{
	if (j->fd < 0)
		return;
	unsigned char record[HEAD + 1 + TICKET_ID_LENGTH];
	record[HEAD] = JOURNAL_ANSWERED;
	memcpy(record + HEAD + 1, r->ticket + TICKET_ID, TICKET_ID_LENGTH);
	low_first(record, sizeof record - HEAD, 8);
	low_first(record + 8, ~crc_add(~0u, record + HEAD, sizeof record - HEAD), 4);
	put(j, record, sizeof record);
}

void journal_empty(struct journal *j)
{
	j->buffered = 0;
	if (j->fd < 0)
		return;
	if (ftruncate(j->fd, JOURNAL_MAGIC_LENGTH) < 0 || lseek(j->fd, JOURNAL_MAGIC_LENGTH, SEEK_SET) < 0)
		give_up(j);
	else
		j->size = JOURNAL_MAGIC_LENGTH;
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}
