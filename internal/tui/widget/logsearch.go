package widget

// Search highlights text, and puts the cursor on the newest line that has it, at or above the cursor. It tells whether there
// is one. An empty text ends the search.
func (p *LogPane) Search(text string) bool {
	p.query = Lower(text)
	if text == "" {
		return true
	}
	return p.find(p.cursor.index, -1)
}

// Query returns the text that is searched for, in lower case; "" if none.
func (p *LogPane) Query() string { return p.query }

// Older puts the cursor on the nearest older line with the text searched for, Newer on the nearest newer one. They
// tell whether there is one.
func (p *LogPane) Older() bool { return p.find(p.cursor.index-1, -1) }

// Newer is described at Older.
func (p *LogPane) Newer() bool { return p.find(p.cursor.index+1, 1) }

// find goes through the chosen lines from index on, in steps of step, to the first with the text.
func (p *LogPane) find(index, step int) bool {
	if p.query == "" {
		return false
	}
	for i := index; i >= 0 && i < len(p.chosen); i += step {
		l := p.buf.At(p.chosen[i])
		if IndexFold(l.Text, p.query) < 0 && IndexFold(l.Name, p.query) < 0 {
			continue
		}
		p.Follow(false)
		p.cursor = spot{i, p.matchRow(l)}
		p.reveal()
		return true
	}
	return false
}

// matchRow returns the row of a line that has the text.
func (p *LogPane) matchRow(l *LogLine) int {
	for i, row := range p.rows(l) {
		if IndexFold(row, p.query) >= 0 {
			return i
		}
	}
	return 0
}

// reveal shows the cursor, in the middle if it was out of sight, and the match in a row that is longer than the screen.
func (p *LogPane) reveal() {
	if p.cursor.above(p.top) || p.ahead(p.top, p.height-1).above(p.cursor) {
		p.top = p.back(p.cursor, p.height/2)
	}
	p.show()
	line := p.buf.At(p.chosen[p.cursor.index])
	if p.wraps(line) {
		return
	}
	row := p.rows(line)[p.cursor.row]
	room := p.width - p.prefix()
	if at := IndexFold(row, p.query); at >= 0 {
		cells := Width(row[:at])
		if cells < p.skip || cells+len(p.query) > p.skip+room {
			p.skip = max(0, cells-room/3)
		}
	}
}
