package workers

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Flags is where a worker declares its command line, in addition to CONFIG_FILE, --help and --debug which every worker
// has. Arguments are declared in the order in which they are given; options may be anywhere. Command lines are read, and
// help and mistakes are written, as Python's argparse does.
type Flags struct {
	program, description string
	arguments, options   []*flag
}

// flag is an argument or an option; name has no dashes.
type flag struct {
	name, help string
	option     bool
	isSwitch   bool // an option without a value
	choices    []string
	value      any // the default, then what was given
	parse      func(string) (any, error)
}

// newFlags returns the command line that every worker has.
func newFlags(program, description string) *Flags {
	f := &Flags{program: program, description: description}
	f.options = append(f.options, &flag{name: "help", help: "show this help message and exit", option: true, isSwitch: true, value: false})
	f.Argument(configFileArgument, "Path/name of YAML configuration file for NEMO nowcast.")
	f.Switch(debugOption, "Send logging output to the console instead of the log file, and suppress messages to the nowcast manager process. "+
		"Nowcast system messages that would normally be sent to the manager are logged to the console, suppressing interactions "+
		"with the manager such as launching other workers. Intended only for use when the worker is run in foreground from the command-line.")
	return f
}

const (
	configFileArgument = "config_file"
	debugOption        = "debug"
)

// Argument declares an argument that must be given. If there are choices, it must be one of them.
func (f *Flags) Argument(name, help string, choices ...string) {
	f.declare(&flag{name: name, help: help, choices: choices, value: "", parse: parseString})
}

// String declares the option --name VALUE. If there are choices, the value must be one of them.
func (f *Flags) String(name, value, help string, choices ...string) {
	f.declare(&flag{name: name, help: help, option: true, choices: choices, value: value, parse: parseString})
}

// Int declares the option --name VALUE with a whole number.
func (f *Flags) Int(name string, value int, help string) {
	f.declare(&flag{name: name, help: help, option: true, value: value, parse: parseInt})
}

// Float declares the option --name VALUE with a number.
func (f *Flags) Float(name string, value float64, help string) {
	f.declare(&flag{name: name, help: help, option: true, value: value, parse: parseFloat})
}

// Switch declares the option --name, which is true if it is given.
func (f *Flags) Switch(name, help string) {
	f.declare(&flag{name: name, help: help, option: true, isSwitch: true, value: false})
}

// Date declares the option --name YYYY-MM-DD. What is given becomes midnight UTC of that day, as NEMO_Nowcast has it; the
// help says what the default is.
func (f *Flags) Date(name string, value time.Time, help string) {
	help = strings.TrimSpace(help + " Use YYYY-MM-DD format. Defaults to " + value.Format(time.DateOnly) + ".")
	f.declare(&flag{name: name, help: help, option: true, value: value, parse: parseDate})
}

// declare panics if a name is used twice: that is a mistake in the program, found when it is first run.
func (f *Flags) declare(d *flag) {
	if f.find(d.name) != nil {
		panic(fmt.Sprintf("workers: the argument or option %s is declared twice", d.name))
	}
	if d.option {
		f.options = append(f.options, d)
	} else {
		f.arguments = append(f.arguments, d)
	}
}

func (f *Flags) find(name string) *flag {
	for _, d := range slices.Concat(f.arguments, f.options) {
		if d.name == name {
			return d
		}
	}
	return nil
}

// value returns what was given for a name, or its default. Asking for what was not declared, or with another type, panics:
// it is a mistake in the program.
func value[T any](f *Flags, name string) T {
	d := f.find(name)
	if d == nil {
		panic(fmt.Sprintf("workers: there is no argument or option %s; declare it in Worker.Flags", name))
	}
	v, ok := d.value.(T)
	if !ok {
		panic(fmt.Sprintf("workers: %s was declared as %T and is asked for as %T", name, d.value, v))
	}
	return v
}

// badValue is a value that has not the form its option needs; the text is the user's.
type badValue string

func (b badValue) Error() string { return string(b) }

func parseString(s string) (any, error) { return s, nil }

func parseInt(s string) (any, error) {
	i, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return nil, badValue("invalid int value: " + quote(s))
	}
	return i, nil
}

func parseFloat(s string) (any, error) {
	x, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return nil, badValue("invalid float value: " + quote(s))
	}
	return x, nil
}

func parseDate(s string) (any, error) {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return nil, badValue("unrecognized date format: " + s + " - please use YYYY-MM-DD")
	}
	return d, nil
}

// quote writes a word as argparse's messages have it.
func quote(s string) string {
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", `\'`) + "'"
}
