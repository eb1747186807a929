package faults

import (
	"encoding/gob"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// What programs do to files.
const (
	DiskCreate   = "create" // it may have been there
	DiskWrite    = "write"
	DiskTruncate = "truncate" // to Offset bytes
	DiskSync     = "sync"     // of a file, or of the directory
	DiskRemove   = "remove"
)

// DiskEvent is one system call that has succeeded.
type DiskEvent struct {
	Time   time.Time // after the call, before the program knew that it had succeeded
	Op     string
	Path   string
	Offset int64
	Data   []byte
}

// ReadDisk reads what package tracer wrote.
func ReadDisk(file string) (all []DiskEvent, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for d := gob.NewDecoder(f); ; {
		var e DiskEvent
		if err := d.Decode(&e); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return all, nil // the tracer was killed in the middle of the last one
		} else if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
}

// inode is a file, whatever its name.
type inode struct {
	synced  []byte      // surely on the disk
	pending []DiskEvent // on their way, in any order and any part
}

// PowerCut writes into dir the files that a disk has after a power cut behind the last of some events: what was synced and, of what was
// not, any sectors. Names that were made or removed since the directory was synced are as they were or, from the first to any of
// them, as they became.
func PowerCut(events []DiskEvent, dir string, r *rand.Rand) error {
	now, synced := map[string]*inode{}, map[string]*inode{}
	var names []map[string]*inode // since the directory was synced
	for _, e := range events {
		f := now[e.Path]
		switch e.Op {
		case DiskCreate:
			if f == nil {
				now[e.Path] = &inode{}
				names = append(names, maps.Clone(now))
			}
		case DiskRemove:
			delete(now, e.Path)
			names = append(names, maps.Clone(now))
		case DiskSync:
			if f == nil { // the directory
				synced, names = maps.Clone(now), nil
				continue
			}
			for _, p := range f.pending {
				f.synced = p.apply(f.synced)
			}
			f.pending = nil
		default:
			if f != nil {
				f.pending = append(f.pending, e)
			}
		}
	}
	if n := r.IntN(len(names) + 1); n > 0 {
		synced = names[n-1]
	}
	for path, f := range synced {
		text := slices.Clone(f.synced)
		share := []float64{0, 0.5, 0.9, 1}[r.IntN(4)] // of what was on its way that has arrived
		for _, p := range f.pending {
			text = p.applyPart(text, r, share)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// apply does the event to a file's text, which it may change.
func (e *DiskEvent) apply(text []byte) []byte {
	end := e.Offset + int64(len(e.Data))
	if missing := end - int64(len(text)); missing > 0 {
		text = append(text, make([]byte, missing)...)
	}
	if e.Op == DiskTruncate {
		return text[:e.Offset]
	}
	copy(text[e.Offset:], e.Data)
	return text
}

const sector = 512

// applyPart does a share of the event: of a write, any of its sectors.
func (e *DiskEvent) applyPart(text []byte, r *rand.Rand, share float64) []byte {
	if e.Op == DiskTruncate {
		if r.Float64() < share {
			return e.apply(text)
		}
		return text
	}
	for at := int64(0); at < int64(len(e.Data)); {
		next := min((e.Offset+at)/sector*sector+sector-e.Offset, int64(len(e.Data)))
		if r.Float64() < share {
			part := DiskEvent{Op: DiskWrite, Offset: e.Offset + at, Data: e.Data[at:next]}
			text = part.apply(text)
		}
		at = next
	}
	return text
}
