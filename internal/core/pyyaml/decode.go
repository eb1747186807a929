package pyyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// Limits on what Decode takes. They are far above what operators write and what PyYAML itself can read (it ends with a
// RecursionError at some hundred levels), and low enough that no input of the permitted size costs more than its share.
const (
	// MaxDepth is how many collections may be nested in one another.
	MaxDepth = 1000
	// maxMarks bounds the number of nodes that the general parser may have to make of one document. A node takes some
	// 200 bytes, hence a 64 MB message of nothing but commas would otherwise take gigabytes.
	maxMarks = 2 << 20
	// minExpansion and expansionFactor bound what aliases may unfold to, in nodes and characters: the larger of
	// minExpansion and expansionFactor times the document. Aliases share what they stand for, but whoever writes a value
	// out without anchors, or walks through it, meets it unfolded.
	minExpansion    = 10 << 20
	expansionFactor = 4
	// maxMerged bounds the entries that merge keys copy, which do take memory.
	maxMerged = 200_000
)

// Decode returns the one document in data as yaml.safe_load has it; an empty document is nil. It refuses what safe_load
// refuses (tags beyond the standard ones, several documents, characters that YAML does not allow), and what is made to
// exhaust its reader: see MaxDepth.
func Decode(data []byte) (Value, error) {
	if v, ok := decodeFast(data); ok {
		return v, nil
	}
	return decodeSlow(data, nil)
}

// DecodeLines is Decode for configuration: it also tells on which lines the parts of the document stand.
func DecodeLines(data []byte) (Value, *Lines, error) {
	lines := newLines()
	v, err := decodeSlow(data, lines)
	if err != nil {
		return nil, nil, err
	}
	return v, lines, nil
}

// decodeSlow takes any document there is, through yaml.v3.
func decodeSlow(data []byte, lines *Lines) (Value, error) {
	text, err := toUTF8(data)
	if err != nil {
		return nil, err
	}
	if n := countMarks(text); n > maxMarks {
		return nil, fmt.Errorf("document with some %d parts, at most %d are taken", n, maxMarks)
	}
	c := &constructor{lines: lines, limit: max(minExpansion, expansionFactor*len(text))}
	if text, err = c.mask.mask(text); err != nil {
		return nil, err
	}
	root, err := parse(text)
	if err != nil || root == nil {
		return nil, err
	}
	b, err := c.node(root, 0)
	return b.value, err
}

// parse returns the root node of the only document in text, or nil if there is none. yaml.v3 is trusted to find the
// structure and the text of scalars, and for nothing else.
func parse(text []byte) (root *yaml.Node, err error) {
	// yaml.v3 panics on input that its authors have not thought of. That ends this document, not this process.
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("yaml: parser gave up: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, fmt.Errorf("line %d: expected a single document, but found another", second.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, nil
	}
	return document.Content[0], nil
}

// countMarks returns an upper bound for the nodes in text, give or take: every node has an indicator before or after it.
func countMarks(text []byte) int {
	if len(text) < maxMarks {
		return 0
	}
	n := 0
	for i, c := range text {
		switch c {
		case ',', '[', '{', '#':
			n++
		case ':', '-', '?':
			if i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\n' || text[i+1] == '\r' || text[i+1] == '\t' {
				n += 2
			}
		}
	}
	return n
}
