package workers

import (
	"strings"
	"unicode/utf8"
)

// Where argparse puts things on a terminal of 80 columns.
const (
	helpWidth  = 78
	helpColumn = 24
)

// title is what help and mistakes call it.
func (d *flag) title() string {
	switch {
	case d.name == "help":
		return "-h/--help"
	case d.option:
		return "--" + d.name
	}
	return d.name
}

// placeholder stands for the value.
func (d *flag) placeholder() string {
	switch {
	case d.isSwitch:
		return ""
	case len(d.choices) > 0:
		return "{" + strings.Join(d.choices, ",") + "}"
	case d.option:
		return strings.ToUpper(strings.ReplaceAll(d.name, "-", "_"))
	}
	return d.name
}

// usage returns the usage message, which also precedes mistakes.
func (f *Flags) usage() string {
	var options, arguments []string
	for _, d := range f.options {
		switch {
		case d.name == "help":
			options = append(options, "[-h]")
		case d.isSwitch:
			options = append(options, "[--"+d.name+"]")
		default:
			options = append(options, "[--"+d.name+" "+d.placeholder()+"]")
		}
	}
	for _, d := range f.arguments {
		arguments = append(arguments, d.placeholder())
	}
	start := "usage: " + f.program
	line := start + " " + strings.Join(append(options, arguments...), " ")
	if width(line) <= helpWidth {
		return line + "\n"
	}
	indent := strings.Repeat(" ", width(start)+1)
	if width(start) > helpWidth*3/4 {
		// The program's name leaves no room: everything else goes below it.
		indent = strings.Repeat(" ", len("usage: "))
		return start + "\n" + strings.Join(append(fill(options, indent), fill(arguments, indent)...), "\n") + "\n"
	}
	lines := append(fill(options, indent), fill(arguments, indent)...)
	return start + " " + strings.TrimLeft(strings.Join(lines, "\n"), " ") + "\n"
}

// fill puts words on as few lines as argparse does.
func fill(words []string, indent string) []string {
	var lines []string
	line := ""
	for _, w := range words {
		if line != "" && width(indent)+width(line)+1+width(w) > helpWidth {
			lines = append(lines, indent+line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += w
	}
	if line != "" {
		lines = append(lines, indent+line)
	}
	return lines
}

// help returns what --help prints.
func (f *Flags) help() string {
	var b strings.Builder
	b.WriteString(f.usage())
	if f.description != "" {
		b.WriteString("\n" + strings.Join(wrap(f.description, helpWidth), "\n") + "\n")
	}
	column := f.column()
	b.WriteString("\npositional arguments:\n")
	for _, d := range f.arguments {
		d.describe(&b, column)
	}
	b.WriteString("\noptions:\n")
	for _, d := range f.options {
		d.describe(&b, column)
	}
	return b.String()
}

// column is where the explanations start: right of the longest name, at most at helpColumn.
func (f *Flags) column() int {
	longest := 0
	for _, list := range [][]*flag{f.arguments, f.options} {
		for _, d := range list {
			longest = max(longest, width(d.synopsis())+4)
		}
	}
	return min(longest, helpColumn)
}

// synopsis is how it is written on a command line.
func (d *flag) synopsis() string {
	switch {
	case d.name == "help":
		return "-h, --help"
	case d.isSwitch:
		return "--" + d.name
	case d.option:
		return "--" + d.name + " " + d.placeholder()
	}
	return d.placeholder()
}

func (d *flag) describe(b *strings.Builder, column int) {
	left := "  " + d.synopsis()
	lines := wrap(d.help, helpWidth-column)
	if len(lines) > 0 && width(left) <= column-2 {
		left += strings.Repeat(" ", column-width(left)) + lines[0]
		lines = lines[1:]
	}
	b.WriteString(left + "\n")
	for _, line := range lines {
		b.WriteString(strings.Repeat(" ", column) + line + "\n")
	}
}

// wrap breaks a text, whose own line breaks do not count, into lines.
func wrap(text string, limit int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && width(line)+1+width(word) > limit {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

func width(s string) int { return utf8.RuneCountInString(s) }
