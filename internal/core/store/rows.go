package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
	"unicode/utf8"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
)

// A table is a list of columns, the key first. The checksum comes after those that it covers: all of them but for message's
// body, which has one of its own, so that a start need not read the bodies.
type table struct {
	name    string
	columns []column
	after   string // the column behind the checksum, "" none
}

type column struct {
	name string
	kind byte // i int64, s string, b bytes
}

// row is the values of one row in the order of the table's columns, without checksum and what is behind it.
type row []any

var (
	messages   = table{"message", columns("id:i time:s source:s type:s launch:i reply:s op:s key:s request:s sender:s prev:i bodycrc:i"), "body"}
	bases      = table{"checklist_base", columns("message:i yaml:b"), ""}
	launches   = table{"launch", columns("id:i final:i worker:s time:s record:s"), ""}
	barriers   = table{"barrier", columns("id:i open:i time:s record:s"), ""}
	alerts     = table{"alert", columns("id:i open:i time:s record:s"), ""}
	operations = table{"operation", columns("id:s time:s author:s command:s args:s reply:s"), ""}
	heads      = table{"head", columns("id:i commits:i version:i last_message:i last_launch:i last_barrier:i last_alert:i batch:i live:i"), ""}
	notes      = table{"note", columns("name:s text:s"), ""}
)

func columns(list string) (cs []column) {
	for _, c := range strings.Fields(list) {
		name, kind, _ := strings.Cut(c, ":")
		cs = append(cs, column{name, kind[0]})
	}
	return cs
}

// names lists the columns for SELECT and INSERT, with the checksum, without what is behind it.
func (t *table) names() string {
	var b strings.Builder
	for _, c := range t.columns {
		b.WriteString(c.name + ", ")
	}
	return b.String() + "crc"
}

// allNames is names with what is behind the checksum.
func (t *table) allNames() string {
	if t.after != "" {
		return t.names() + ", " + t.after
	}
	return t.names()
}

// marks returns the placeholders of one row of allNames.
func (t *table) marks() string {
	n := len(t.columns) + 1
	if t.after != "" {
		n++
	}
	return "(?" + strings.Repeat(",?", n-1) + ")"
}

// upsert is the statement that writes a row in the place of the one with the same key.
func (t *table) upsert() string {
	var sets []string
	for _, c := range append(t.columns[1:len(t.columns):len(t.columns)], column{name: "crc"}) {
		sets = append(sets, c.name+" = excluded."+c.name)
	}
	return "INSERT INTO " + t.name + " (" + t.allNames() + ") VALUES " + t.marks() +
		" ON CONFLICT (" + t.columns[0].name + ") DO UPDATE SET " + strings.Join(sets, ", ")
}

// errRow says that a row is not what was written.
var errRow = errors.New("its checksum is wrong")

// scan reads a row of names, and of what is behind the checksum into more, and verifies it. An error that wraps errRow is
// about this row only.
func (t *table) scan(scan func(...any) error, more ...any) (row, uint32, error) {
	dest := make([]any, len(t.columns), len(t.columns)+1+len(more))
	for i, c := range t.columns {
		switch c.kind {
		case 'i':
			dest[i] = new(int64)
		case 's':
			dest[i] = new(string)
		default:
			dest[i] = new([]byte)
		}
	}
	var crc int64
	if err := scan(append(append(dest, &crc), more...)...); err != nil {
		return nil, 0, fmt.Errorf("table %s: %w: %w", t.name, errRow, err)
	}
	r := row(dest)
	for i, d := range r {
		switch d := d.(type) {
		case *int64:
			r[i] = *d
		case *string:
			r[i] = *d
		case *[]byte:
			if r[i] = *d; *d == nil { // SQLite's driver has no empty bytes
				r[i] = []byte{}
			}
		}
	}
	if crc != int64(t.crc(r)) {
		return r, 0, fmt.Errorf("table %s, row %v: %w", t.name, r[0], errRow)
	}
	return r, uint32(crc), nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crc is the checksum of a row; the table's name is in it, so that a row is not taken for one of another table.
func (t *table) crc(r row) uint32 {
	var space [256]byte
	buf := append(space[:0], t.name...)
	sum := uint32(0)
	for _, v := range r {
		switch v := v.(type) {
		case int64:
			buf = binary.LittleEndian.AppendUint64(buf, uint64(v))
		case string:
			buf = append(binary.AppendUvarint(buf, uint64(len(v))), v...)
		case []byte:
			buf = binary.AppendUvarint(buf, uint64(len(v)))
			sum = crc32.Update(crc32.Update(sum, castagnoli, buf), castagnoli, v)
			buf = buf[:0]
		default:
			panic(fmt.Sprintf("table %s: a column of type %T", t.name, v))
		}
	}
	return crc32.Update(sum, castagnoli, buf)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// text is what both databases can keep of a string that a stranger may have sent: PostgreSQL has neither NUL nor bad UTF-8.
func text(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types, of strings, numbers and times
	}
	return string(b)
}

func messageRow(m *engine.Message, prev int64) row {
	return row{m.ID, stamp(m.Time), text(m.Source), text(m.Type), m.Launch, text(m.Reply), string(m.Op), text(m.Key),
		text(m.Request), text(m.Sender), prev, int64(engine.Sum(m.Body))}
}

// Where a message's row has the id of the one before, and the checksum of its body.
const (
	columnPrev    = 10
	columnBodyCRC = 11
)

// message is messageRow backwards, without the body.
func (r row) message() (m engine.Message, err error) {
	m = engine.Message{ID: r[0].(int64), Source: r[2].(string), Type: r[3].(string), Launch: r[4].(int64), Reply: r[5].(string),
		Op: checklist.Op(r[6].(string)), Key: r[7].(string), Request: r[8].(string), Sender: r[9].(string)}
	m.Time, err = time.Parse(time.RFC3339Nano, r[1].(string))
	return m, err
}

// scanMessage reads a row of messages.allNames with its body.
func scanMessage(scan func(...any) error) (m engine.Message, crc uint32, err error) {
	body := []byte{}
	r, crc, err := messages.scan(scan, &body)
	if err != nil {
		return m, crc, err
	}
	if m, err = r.message(); err != nil {
		return m, crc, err
	}
	if m.Body = body; r[columnBodyCRC].(int64) != int64(crc32.Checksum(body, castagnoli)) {
		return m, crc, fmt.Errorf("table message, body of row %d: %w", m.ID, errRow)
	}
	if m.Body == nil {
		m.Body = []byte{}
	}
	return m, crc, nil
}

func launchRow(l *launch.Launch) row {
	return row{l.ID, flag(l.State.Final()), text(l.Name()), stamp(l.Decided), asJSON(l)}
}

func barrierRow(b *engine.Barrier, open bool) row {
	return row{b.ID, flag(open), stamp(b.Opened), asJSON(b)}
}

func alertRow(a *engine.Alert) row { return row{a.ID, flag(a.Open()), stamp(a.Time), asJSON(a)} }

func operationRow(o *engine.Operation) row {
	return row{text(o.ID), stamp(o.Time), text(o.Author), text(o.Command), text(o.Args), text(o.Reply)}
}

// operation is operationRow backwards.
func (r row) operation() (o engine.Operation, err error) {
	o = engine.Operation{ID: r[0].(string), Author: r[2].(string), Command: r[3].(string), Args: r[4].(string), Reply: r[5].(string)}
	o.Time, err = time.Parse(time.RFC3339Nano, r[1].(string))
	return o, err
}

// as reads the record of a row, which is its last column.
func as[T any](r row) (v T, err error) {
	if err = json.Unmarshal([]byte(r[len(r)-1].(string)), &v); err != nil {
		err = fmt.Errorf("record %v: %w", r[0], err)
	}
	return v, err
}
