package feed

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"nowcast/internal/core/wire"
)

// PublisherOptions are what a publisher may be given; the zero value will do.
type PublisherOptions struct {
	Now    func() time.Time // time.Now if nil
	Linger time.Duration    // how long Close waits for the hub while it takes nothing of what is left; 0 is 500 ms
}

const (
	linger        = 500 * time.Millisecond
	lingerLongest = 10 * time.Second // however little at a time the hub takes
	handOver      = 256              // events that are handed to the connection at once
	sendQueue     = 16               // of libzmq: what is in it is not seen to be taken. An event of log records has up to 64 KiB
)

// Publisher sends one source's events to the feed hub. Its methods are safe for concurrent use and none but Close ever
// waits for anything: while there is no broker, or it is too slow, events are kept in bounded queues. What had to be dropped is told by
// a warning in the log stream as soon as the hub takes events again.
type Publisher struct {
	o      PublisherOptions
	source string
	epoch  string
	conn   *wire.Conn
	logs   logBatch

	wake    chan struct{} // capacity 1: there is something in the queues, or closed has changed
	sending sync.WaitGroup

	mu     sync.Mutex // guards what follows; held when a sequence number is given until the event is queued, so that both have one order
	seq    map[string]uint64
	state  queue  // every stream but log
	lines  queue  // log, in a queue of its own: a flood of log lines must not push out what leads to new snapshots
	told   uint64 // how many dropped events were told of
	closed bool
}

// NewPublisher returns a publisher for source with a new epoch. It connects to the hub's feed-in socket; the broker
// need not be there yet, and may restart.
func NewPublisher(endpoint, source string, o PublisherOptions) (*Publisher, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Linger == 0 {
		o.Linger = linger
	}
	conn, err := wire.Open(wire.Options{Kind: wire.Dealer, Connect: []string{endpoint}, SendQueue: sendQueue, Linger: o.Linger})
	if err != nil {
		return nil, fmt.Errorf("connect to the feed: %w", err)
	}
	p := &Publisher{
		o: o, source: source, epoch: newEpoch(o.Now()), conn: conn,
		wake: make(chan struct{}, 1),
		seq:  map[string]uint64{},
	}
	p.logs.flush = p.flushLogs
	p.sending.Go(p.send)
	return p, nil
}

// newEpoch returns a name that no other start has; epochs sort by time as long as the clock is right, which is for
// people only: nothing relies on it.
func newEpoch(now time.Time) string {
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails (documented)
	return fmt.Sprintf("%012x-%s", now.UnixMilli(), hex.EncodeToString(random[:]))
}

// Publish sends body, as JSON, on a topic. Events of one stream are numbered in the order of the calls. A body that
// cannot be JSON is a bug in us; its number is used up, so that readers ask for a snapshot.
func (p *Publisher) Publish(topic string, body any) {
	text, err := marshal(body)
	if err != nil {
		text = nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.enqueue(topic, text)
}

// Position returns the epoch and the numbers of the last events published, by stream: what a snapshot taken now
// contains. The owner of the state calls it from the goroutine that changes state and publishes.
func (p *Publisher) Position() (epoch string, seq map[string]uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epoch, maps.Clone(p.seq)
}

// Log sends a log record. Records wait up to 10 ms for others to share an event with; see logBatch.
func (p *Publisher) Log(r LogRecord) { p.logs.add(r) }

// Close sends what is queued, as long as the hub takes some of it within Linger. If it does not, the error says how much is lost; of what libzmq
// had, which is no more than some log lines, only that it may be. What is published later is dropped.
func (p *Publisher) Close() error {
	p.logs.close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.signal()

	handed := make(chan struct{})
	go func() { p.sending.Wait(); close(handed) }()
	p.waitFor(handed)
	err := p.conn.Close()
	<-handed // Close has released the sender
	p.mu.Lock()
	defer p.mu.Unlock()
	if left := len(p.state.events) + len(p.lines.events); left > 0 {
		err = fmt.Errorf("%d events and more, of log lines and changes: %w", left, wire.ErrUnsent)
	}
	return err
}

// waitFor waits until all events are handed to the connection, or the hub has taken none for Linger.
func (p *Publisher) waitFor(handed <-chan struct{}) {
	latest := time.After(lingerLongest)
	for before := p.conn.Taken(); ; {
		select {
		case <-handed:
			return
		case <-latest:
			return
		case <-time.After(p.o.Linger):
		}
		taken := p.conn.Taken()
		if taken == before {
			return
		}
		before = taken
	}
}

// enqueue numbers an event and queues it. The caller holds mu.
func (p *Publisher) enqueue(topic string, body []byte) {
	if p.closed {
		return
	}
	stream, _, _ := strings.Cut(topic, ".")
	p.seq[stream]++
	if body == nil {
		return
	}
	f := wire.Frames{[]byte(topic), p.encode(stream, body)}
	if stream == StreamLog {
		p.lines.push(f)
	} else {
		p.state.push(f)
	}
	p.signal()
}

// encode writes an Event around a body that is JSON already. json.Marshal would read and copy the body twice more.
func (p *Publisher) encode(stream string, body []byte) []byte {
	b := make([]byte, 0, len(body)+len(p.source)+len(p.epoch)+len(stream)+160)
	b = append(b, `{"source":`...)
	b = appendString(b, p.source)
	b = append(b, `,"stream":`...)
	b = appendString(b, stream)
	b = append(b, `,"epoch":"`...)
	b = append(b, p.epoch...)
	b = append(b, `","seq":`...)
	b = strconv.AppendUint(b, p.seq[stream], 10)
	b = append(b, `,"time":"`...)
	b = p.o.Now().UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	if stream == StreamDaemon {
		b = append(b, `,"last":`...)
		b = p.appendLast(b)
	}
	b = append(b, `,"body":`...)
	b = append(b, body...)
	return append(b, '}')
}

// appendLast writes the positions of the other streams. Log is left out: its events travel in a queue of their own, so
// a heartbeat may overtake them, and nobody asks for a snapshot because of a log line.
func (p *Publisher) appendLast(b []byte) []byte {
	last := maps.Clone(p.seq)
	delete(last, StreamDaemon)
	delete(last, StreamLog)
	text, _ := json.Marshal(last) // a map of numbers always can be
	return append(b, text...)
}

func (p *Publisher) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// losses returns an event that tells operators how many events were dropped because the hub did not take them, if there
// are new ones. It travels as a line of the log, and last, so that once per jam there is one. The caller holds mu.
func (p *Publisher) losses() []wire.Frames {
	dropped := p.state.dropped + p.lines.dropped
	if dropped == p.told {
		return nil
	}
	r := LogRecord{
		Time: p.o.Now().UTC(), Level: slog.LevelWarn, Name: p.source, PID: os.Getpid(),
		Message: fmt.Sprintf("%d events of %s (log lines and changes) were dropped: the broker was away or too slow for them", dropped-p.told, p.source),
	}
	body, err := json.Marshal([]LogRecord{r})
	if err != nil {
		return nil // a record of ours always can be
	}
	p.told = dropped
	p.seq[StreamLog]++
	return []wire.Frames{{[]byte(r.Topic()), p.encode(StreamLog, body)}}
}

// send is the goroutine that hands events to the socket. Only it waits when the socket's queue is full.
func (p *Publisher) send() {
	for range p.wake {
		for {
			p.mu.Lock()
			batch := p.state.take(handOver)
			if len(batch) == 0 {
				batch = p.lines.take(handOver)
			}
			if len(batch) == 0 {
				batch = p.losses()
			}
			closed := p.closed
			p.mu.Unlock()
			if len(batch) == 0 {
				if closed {
					return
				}
				break
			}
			if p.conn.Send(batch...) != nil {
				return // closed: what is left was waited for long enough
			}
		}
	}
}
