package store

import (
	"context"
	"encoding/binary"
	"io"
	"os"
)

// The first page of an SQLite file says where the tables begin; without it nothing can be found. In a database that this program has
// made they begin where they do in a new one, so the first page of a new one opens it again. If that is wrong no harm is
// done: no row has a valid checksum then.

const (
	grafted = ".grafted"
	fresh   = ".fresh"
)

// withNewFirstPage opens a copy of the damaged file that has the first page of a new database.
func withNewFirstPage(ctx context.Context, file string) *source {
	s := &source{link: file + grafted}
	if s.err = graft(ctx, file); s.err == nil {
		s.err = s.open(ctx, file+grafted, withoutLog)
	}
	return s
}

func graft(ctx context.Context, file string) error {
	page, err := firstPage(ctx, file+fresh)
	if err != nil {
		return err
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(file + grafted)
	if err != nil {
		return err
	}
	defer out.Close()
	size, err := io.Copy(out, in)
	if err != nil {
		return err
	}
	// https://www.sqlite.org/fileformat2.html#the_database_header: pages in the file, and the list of those that are free
	binary.BigEndian.PutUint32(page[28:], uint32(size/int64(len(page))))
	clear(page[32:40])
	_, err = out.WriteAt(page, 0)
	return err
}

// firstPage makes a new database for its first page.
func firstPage(ctx context.Context, file string) ([]byte, error) {
	remove := func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(file + suffix)
		}
	}
	remove()
	defer remove()
	s := &Store{where: file}
	err := s.attach(ctx, file)
	s.closeDatabase()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(text[16:])) // of a page
	return text[:size], nil
}
