// Standin is every worker of the recorded SalishSeaCast day. It is called as the Python interpreter would be,
//
//	standin -m nowcast.workers.run_NEMO CONFIG_FILE ARGUMENTS...
//
// finds in the recording what the worker that was launched with this module and these arguments said, takes its time, logs
// something believable and says the same. To the manager it is an ordinary worker; it does no work at all.
//
// What the recording does not know (the day ended before some of its workers did) runs until it is told to stop. What is
// launched more often than it was recorded, because an operator repeats it, does the same again.
//
// The environment says where the recording is and how fast the day goes, see internal/demo.
package main

import (
	"fmt"
	"os"
	"slices"

	"nowcast/internal/core/launch"
	"nowcast/workers"
)

func main() {
	s, args, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "standin:", err)
		os.Exit(2)
	}
	os.Exit(s.worker().Execute(workers.NewProcess(s.name(), args)))
}

// standIn is one launch.
type standIn struct {
	module    string
	args      []string
	lookupEnv func(string) (string, bool)
	report    string // type of the message that says how it went, once it is known
}

func (s *standIn) name() string { return launch.Name(s.module) }

// parse reads the command line of an interpreter. The arguments it returns are those that the worker library knows: the
// configuration file, --help and --debug; the rest belongs to the worker that is played.
func parse(words []string) (*standIn, []string, error) {
	if len(words) < 3 || words[0] != "-m" {
		return nil, nil, fmt.Errorf("usage: standin -m MODULE CONFIG_FILE [ARGUMENTS...]")
	}
	s := &standIn{module: words[1], args: words[3:], lookupEnv: os.LookupEnv}
	args := words[2:3]
	if i := slices.Index(s.args, "--debug"); i >= 0 {
		s.args = slices.Delete(slices.Clone(s.args), i, i+1)
		args = append(args[:1:1], "--debug")
	}
	return s, args, nil
}

func (s *standIn) worker() workers.Worker {
	return workers.Worker{
		Name:        s.name(),
		Description: "Play the " + s.name() + " worker of a recorded day.",
		Work:        s.work,
		Success:     func(*workers.Run) string { return s.report },
	}
}
