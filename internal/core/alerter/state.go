package alerter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"nowcast/internal/core/feed"
	"nowcast/internal/core/statefile"
)

// state is what is kept in alerts.json.
type state struct {
	Version   int               `json:"version"`
	Began     time.Time         `json:"began"`   // when the file did
	Last      int64             `json:"last"`    // number of the newest incident
	Settled   time.Time         `json:"settled"` // alerts that ended before are dealt with, though no incident here tells of them
	Incidents []*record         `json:"incidents"`
	Queues    map[string]*queue `json:"queues"`             // by the name of the destination
	AllWell   string            `json:"all_well,omitempty"` // local date of the last daily message
	Saved     time.Time         `json:"saved,omitzero"`     // when this was written
	Before    time.Time         `json:"before,omitzero"`    // what the clock showed before it was set back
	Dealt     []string          `json:"dealt,omitempty"`    // alerts that ended between now and Before, by the clock that was set back
}

// record is an incident with what is not for the eyes of others.
type record struct {
	feed.Incident
	Number    int64         `json:"number,omitempty"` // ID of the manager's alert
	Opened    time.Time     `json:"opened"`           // since when it is an incident, the last time that it began
	Followers []feed.Raised `json:"followers,omitempty"`
	Follower  bool          `json:"follower,omitempty"` // it was folded under another one, which was told, before
	Merged    int64         `json:"merged,omitempty"`   // it is folded under this incident now
	Shut      []feed.Raised `json:"shut,omitempty"`     // alerts that were open when an operator closed it, as long as they are: they begin nothing
	Unshut    time.Time     `json:"unshut,omitzero"`    // when the last of them had ended

	Told     string    `json:"told,omitempty"` // what was last decided to be told: begun or ended
	ToldAt   time.Time `json:"told_at,omitzero"`
	Begun    time.Time `json:"begun,omitzero"` // when "begun" was decided last
	Tellings int       `json:"tellings,omitempty"`
}

const stateVersion = 1

func newState(now time.Time) *state {
	return &state{Version: stateVersion, Began: now, Settled: now, Queues: map[string]*queue{}}
}

// load reads the file. One that cannot be used is put aside, which the error tells, and the state is new: alerts that are open then are
// incidents again and are told again, with the keys that they were told with.
func load(path string, now time.Time) (*state, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newState(now), nil
	}
	if err == nil {
		var s *state
		if s, err = parse(data); err == nil {
			return s, nil
		}
	}
	aside, failed := statefile.PutAside(path, now)
	err = fmt.Errorf("%s cannot be used (%w): what is open becomes an incident again, acknowledgements and messages that waited are forgotten; the file is now %s", path, err, aside)
	return newState(now), errors.Join(err, failed)
}

// parse reads a state and checks what the rest relies on.
func parse(data []byte) (*state, error) {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, err
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("it is of version %d, not %d", s.Version, stateVersion)
	}
	seen := map[int64]bool{}
	for _, r := range s.Incidents {
		if r == nil || r.ID < 1 || r.ID > s.Last || seen[r.ID] {
			return nil, errors.New("its incidents have no numbers of their own")
		}
		seen[r.ID] = true
	}
	if s.Queues == nil {
		s.Queues = map[string]*queue{}
	}
	for name, q := range s.Queues {
		if q == nil {
			return nil, fmt.Errorf("the queue of %s is empty", name)
		}
	}
	return &s, nil
}

// saveWithin is how long the loop waits for the disk. One that hangs must not keep it from telling people so.
const saveWithin = 5 * time.Second

// saver writes the file on a goroutine of its own, so that a disk that hangs can be left behind.
type saver struct {
	path  string
	write func(path string, data []byte) error
	done  chan error // of the writing that was left behind; nil: there is none
}

var errHangs = fmt.Errorf("the disk has not taken it for %s", saveWithin)

func (s *saver) save(data []byte) error {
	if s.done != nil {
		select {
		case <-s.done: // what it wrote is old by now
		default:
			return errHangs
		}
	}
	done := make(chan error, 1)
	go func() { done <- s.write(s.path, data) }()
	select {
	case err := <-done:
		s.done = nil
		return err
	case <-time.After(saveWithin):
		s.done = done
		return errHangs
	}
}
