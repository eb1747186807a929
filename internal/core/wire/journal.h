// The file behind the requests in hand (ledger.h): what the broker has accepted and what was answered, in order of writing. Go reads it,
// once, at a start (journal.go).
//
// It survives the death of the process, by kill -9 too, because what write(2) has taken is the kernel's. It is not synced:
// after a power cut its end may be missing, and with it requests that no worker was told are done.
//
// A file is JOURNAL_MAGIC and records. A record is
//
//	8 bytes  how long the rest behind the checksum is, as all numbers here with the lowest byte first
//	4 bytes  CRC-32C of the rest
//	1 byte   kind
//	kind JOURNAL_REQUEST: 8 bytes when it was accepted (ms since 1970), then each frame as 8 bytes length and content, the ticket first
//	kind JOURNAL_ANSWERED: 16 bytes, the journal and the number of a ticket

#ifndef JOURNAL_H
#define JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#define JOURNAL_MAGIC "nwbrj1\r\n"
#define JOURNAL_MAGIC_LENGTH 8
#define JOURNAL_REQUEST 1
#define JOURNAL_ANSWERED 2

#define JOURNAL_BUFFER (256 << 10)

struct journal {
	int fd; // -1: there is no file, or none that can be written
	int64_t size;
	int error;       // why it cannot be written; 0: it can, or there shall be none
	size_t buffered; // bytes of buffer that are not written yet
	unsigned char buffer[JOURNAL_BUFFER];
};

struct request;

// journal_use makes j write to a file, which it then owns, from its beginning. It returns -1 and sets error on failure.
int journal_use(struct journal *j, int fd);

// journal_request and journal_answered add a record, which journal_flush writes; a large one may be written at once.
void journal_request(struct journal *j, struct request *r);
void journal_answered(struct journal *j, struct request *r);

// journal_flush writes what was added. If that cannot be done, error says why, and the file is cut to nothing and given up: what is in
// it would later be repeated as unanswered, since no answer can be noted any more.
void journal_flush(struct journal *j);

// journal_empty forgets all records. To be called when none of them matters.
void journal_empty(struct journal *j);

// journal_close closes the file; what was added and not flushed is lost.
void journal_close(struct journal *j);

#endif
