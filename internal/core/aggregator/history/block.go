package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// blockSize is how much is read at once. It is more than any line of ours has (feed.LongestMessage, escaped
// four times as long at most), so that a block has whole lines.
const blockSize = 2 << 20

// reader reads a segment in blocks of whole lines. What is longer than a block without a newline was not written by us, and is
// passed over.
type reader struct {
	file   *os.File
	buffer []byte
	folded []byte
	spans  []span
}

// open opens a segment. If it was the oldest and has been removed meanwhile, there is no file.
func (r *reader) open(s segment) (closeFile func() error, err error) {
	r.file, err = os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		r.file = nil
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read log history: %w", err)
	}
	return r.file.Close, nil
}

// back returns the lines that end before the given place, at most a block of them, and where they begin.
func (r *reader) back(end int64) (lines []byte, start int64, err error) {
	start = max(0, end-blockSize)
	block, err := r.read(start, end)
	if err != nil {
		return nil, 0, err
	}
	if start == 0 {
		return whole(block), 0, nil
	}
	first := bytes.IndexByte(block, '\n') + 1
	if first == 0 || first == len(block) {
		return nil, start, nil
	}
	return whole(block[first:]), start + int64(first), nil
}

// forth returns the lines from the given place on, and where the next ones begin.
func (r *reader) forth(start, end int64) (lines []byte, next int64, err error) {
	end = min(end, start+blockSize)
	block, err := r.read(start, end)
	if err != nil {
		return nil, 0, err
	}
	if lines = whole(block); len(lines) == 0 {
		return nil, end, nil
	}
	return lines, start + int64(len(lines)), nil
}

func (r *reader) read(start, end int64) ([]byte, error) {
	if r.buffer == nil {
		r.buffer = make([]byte, blockSize)
	}
	block := r.buffer[:end-start]
	n, err := r.file.ReadAt(block, start)
	if err == io.EOF { // somebody has cut it
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("read log history: %w", err)
	}
	return block[:n], nil
}

// whole leaves out what follows the last newline.
func whole(block []byte) []byte { return block[:bytes.LastIndexByte(block, '\n')+1] }

// candidates returns the lines of a block that may be wanted. They are valid until the next call.
func (r *reader) candidates(q *query, block []byte) []span {
	if len(q.needle) > 0 {
		r.folded = foldASCII(r.folded[:0], block)
	}
	r.spans = q.candidates(r.spans[:0], block, r.folded)
	return r.spans
}
