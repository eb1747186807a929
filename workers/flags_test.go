package workers

import (
	"bytes"
	"context"
	"encoding/json"
	stdflag "flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sampleFlags is the command line of testdata/argparse_peer.py.
func sampleFlags(size string) *Flags {
	f := newFlags("make_plots", "Make the plots of a run.\n\nThey are "+strings.Repeat("very ", 20)+"beautiful.")
	if size == "large" {
		f.Argument("model", "The model.")
		f.Argument("run_type", "Type of run whose results are to be plotted, which is a long story.", "nowcast", "forecast", "it's")
		f.Date("run-date", time.Date(2031, 5, 17, 0, 0, 0, 0, time.UTC), "Date of the run.")
		f.Int("sleep-time", 5, "number of seconds to sleep for; defaults to 5")
		f.Float("scale", 1, "Scale.")
		f.Switch("shared-storage", "It is shared.")
		f.String("test-figure", "", "", "", "a", "b")
	}
	return f
}

// parsed is what becomes of a command line.
type parsed struct {
	Status   int
	Out, Err string
	Values   map[string]any
}

// parseHere reads a command line as Execute does.
func parseHere(size string, args []string) parsed {
	f := sampleFlags(size)
	help, err := f.parse(args)
	switch {
	case help:
		return parsed{Out: f.help(), Values: map[string]any{}}
	case err != nil:
		return parsed{Status: 2, Err: f.usage() + "make_plots: error: " + err.Error() + "\n", Values: map[string]any{}}
	}
	p := parsed{Values: map[string]any{}}
	for _, list := range [][]*flag{f.arguments, f.options[1:]} {
		for _, d := range list {
			v := d.value
			if date, ok := v.(time.Time); ok {
				v = date.Format(time.DateOnly)
			} else if i, ok := v.(int); ok {
				v = float64(i) // as JSON has it
			}
			p.Values[strings.ReplaceAll(d.name, "-", "_")] = v
		}
	}
	return p
}

var record = stdflag.Bool("record", false, "record anew what this machine's argparse makes of the command lines")

// recorded is a command line, and what the argparse of Python 3.11 made of it. Later ones have other words for some mistakes.
type recorded struct {
	Size string
	Args []string
	parsed
}

const recordFile = "testdata/argparse.json"

// TestCommandLinesAreReadAsArgparseReadsThem compares with the real one: values, help, messages and status.
func TestCommandLinesAreReadAsArgparseReadsThem(t *testing.T) {
	if *record {
		recordArgparse(t)
	}
	data, err := os.ReadFile(recordFile)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(data) {
		var want recorded
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatal(err)
		}
		n++
		got := recorded{want.Size, want.Args, parseHere(want.Size, want.Args)}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(recorded{})); diff != "" {
			t.Errorf("%s %q (-argparse +ours):\n%s", want.Size, want.Args, diff)
		}
	}
	if n < 100 {
		t.Errorf("got %d recorded command lines, want more", n)
	}
}

// commandLines returns chosen command lines, and random ones.
func commandLines() []recorded {
	var lines []recorded
	for _, size := range []string{"small", "large"} {
		for _, args := range [][]string{
			{}, {"-h"}, {"--help"}, {"--he"}, {"c.yaml"}, {"c.yaml", "--debug"}, {"--debug", "c.yaml"}, {"c.yaml", "extra", "--strange"},
			{"--debug=yes", "c.yaml"}, {"c.yaml", "-x"}, {"c.yaml", "-h", "--strange"}, {"--", "c.yaml"}, {"-"},
		} {
			lines = append(lines, recorded{Size: size, Args: args})
		}
	}
	for _, args := range [][]string{
		{"c.yaml", "nemo", "forecast"},
		{"c.yaml", "nemo", "forecast", "--run-date", "2031-01-02", "--sleep-time", "-3", "--scale=2.5", "--shared-storage", "--debug"},
		{"--run-date=2031-01-02", "c.yaml", "--sleep-time=7", "nemo", "--scale", "1e3", "it's"},
		{"c.yaml", "nemo", "hindcast"}, {"c.yaml", "nemo", "it\"s"}, {"c.yaml", "nemo"},
		{"c.yaml", "nemo", "forecast", "--run-date", "17 May"},
		{"c.yaml", "nemo", "forecast", "--run-date", "2031-5-17"},
		{"c.yaml", "nemo", "forecast", "--run-date", "2031-02-30"},
		{"c.yaml", "nemo", "forecast", "--run-date"},
		{"c.yaml", "nemo", "forecast", "--run-date", "--debug"},
		{"c.yaml", "nemo", "forecast", "--sleep-time", "five"},
		{"c.yaml", "nemo", "forecast", "--scale", "large"},
		{"c.yaml", "nemo", "forecast", "--sleep", "9"},
		{"c.yaml", "nemo", "forecast", "--s", "9"},
		{"c.yaml", "nemo", "forecast", "--test-figure", "a"},
		{"c.yaml", "nemo", "forecast", "--test-figure", "c"},
		{"c.yaml", "nemo", "forecast", "--test-figure="},
		{"c.yaml", "nemo", "forecast", "more", "and more", "--strange=x"},
		{"c.yaml", "-5", "forecast"},
		{"c.yaml", "nemo", "--", "forecast"},
		{"c.yaml", "a b", "forecast", "--scale", "-0.5"},
	} {
		lines = append(lines, recorded{Size: "large", Args: args})
	}
	r := rand.New(rand.NewPCG(2031, 517))
	words := []string{"c.yaml", "nemo", "forecast", "forecast", "--debug", "--run-date", "2031-05-18", "--sleep-time", "8", "--sleep-time=9",
		"--scale", "-1.5", "--shared-storage", "--sh", "--strange", "-q", "x", "", "--test-figure", "b"}
	for range 100 {
		args := make([]string, r.IntN(8))
		for i := range args {
			args[i] = words[r.IntN(len(words))]
		}
		lines = append(lines, recorded{Size: "large", Args: args})
	}
	return lines
}

func recordArgparse(t *testing.T) {
	var in, out bytes.Buffer
	lines := commandLines()
	requests := json.NewEncoder(&in)
	for _, l := range lines {
		if err := requests.Encode(map[string]any{"size": l.Size, "args": l.Args}); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/usr/bin/python3", "testdata/argparse_peer.py")
	cmd.Env = []string{"COLUMNS=80"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder(&out)
	var file bytes.Buffer
	answer := json.NewEncoder(&file)
	for _, l := range lines {
		if err := answers.Decode(&l.parsed); err != nil {
			t.Fatal(err)
		}
		if err := answer.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(recordFile, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestUsageMistakesEndWithStatus2(t *testing.T) {
	w := worker(func(context.Context, *Run) (any, error) { t.Error("it worked"); return nil, nil })
	w.Flags = func(f *Flags) { f.Date("run-date", time.Date(2031, 5, 17, 0, 0, 0, 0, time.UTC), "Date.") }
	c := newConsole(nil, "c.yaml", "--run-date", "tomorrow")
	if got := w.Execute(c.Process); got != 2 {
		t.Errorf("got status %d, want 2", got)
	}
	want := "usage: test_worker [-h] [--debug] [--run-date RUN_DATE] config_file\n" +
		"test_worker: error: argument --run-date: unrecognized date format: tomorrow - please use YYYY-MM-DD\n"
	if diff := cmp.Diff(want, c.err.String()); diff != "" {
		t.Errorf("stderr (-want +got):\n%s", diff)
	}
	c = newConsole(nil, "--help")
	if got := w.Execute(c.Process); got != 0 || !strings.HasPrefix(c.out.String(), "usage: test_worker [-h]") {
		t.Errorf("got status %d and %q, want 0 and the help", got, &c.out)
	}
}

func TestMistakesInTheProgramPanic(t *testing.T) {
	for name, mistake := range map[string]func(*Flags){
		"a name declared twice":                    func(f *Flags) { f.Switch("debug", "") },
		"a name that was not declared":             func(f *Flags) { value[string](f, "colour") },
		"a name that was declared as another type": func(f *Flags) { value[int](f, "scale") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("got no panic")
				}
			}()
			mistake(sampleFlags("large"))
		})
	}
}
