// Package wire is ZeroMQ for the rest of the system: sockets owned by one goroutine each, addresses, and the errors an
// operator needs when a port is taken. It is the only importer of pebbe/zmq4, beside the clients for benchmarks in wirebench,
// and imports nothing of ours.
//
// Every message enters and leaves the system here. Five things talk:
//
//   - Conn: one socket and the goroutine that owns it. Others hand it batches (Send) and take batches from it (Receive).
//   - Forwarder: two sockets and the goroutine that moves messages between them, untouched (the broker). It keeps requests until
//     they are answered (ledger.c), also in a file (journal.c), and gives them again when who had them dies. Its inner loop is
//     in C (forward.c): from Go, each part of each message would be two calls that cost more than what they do.
//   - Trunk: a Conn whose endpoint can change while messages are under way (the manager's). Forwarder can, too (Rebind). libzmq
//     cannot: it drops the connections of an endpoint with the endpoint.
//   - Collector: one SUB socket that takes log records from many publishers, in large batches (collect.c).
//   - Requester: what a worker needs, one request and its reply at a time, and again if the connection breaks (Insist).
//
// Guarantees. Messages of one sender arrive in order. Frames are opaque. Every queue but a Collector's has a bound, stated
// beside it, and what happens when it is full: Receive stops reading, so that libzmq's queue fills and then TCP holds the
// sender back; Send waits; Pub and XPub drop what a slow subscriber cannot take; Router drops what it cannot deliver, or
// reports it when Mandatory. A Collector's has none on purpose: a publisher drops, unseen, what is not taken from it, so all is
// taken, and whoever is given the batches drops what is too much, and counts it.
// An idle socket costs no CPU: the owner of a Conn sleeps in the Go runtime's poller (sleeper.go), a Forwarder in poll. An
// interrupted system call (EINTR, frequent under the Go runtime) is retried and never seen outside.
//
// Ending. Each Conn and Forwarder has a libzmq context of its own, so that Close means closed: it returns when unsent messages
// were sent or Linger has passed, the ports are free again, and threads, file descriptors and goroutines are gone. With one
// context for the process a port would come free at some later moment, and a restart would find it taken. A context costs
// two sleeping threads.
package wire
