// Recorder is the recording worker of package faults. It is called as CONFIG NUMBER [HOW]: it writes down that it was started, does as
// HOW says, and reports a success unless that was in the way.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"nowcast/internal/faults"
	"nowcast/workers"
)

// isLate is in the environment of a process that goes on after the one that was launched, and reports in its place.
const isLate = "NOWCAST_FAULTS_LATE"

func main() {
	name := "recorder"
	if len(os.Args) > 2 && os.Args[1] == "-as" {
		name = os.Args[2]
		os.Args = append(os.Args[:1], os.Args[3:]...)
	}
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: recorder [-as NAME] CONFIG NUMBER [HOW]")
		os.Exit(2)
	}
	number, how := os.Args[2], strings.Join(os.Args[3:], " ")
	launch, _ := strconv.ParseInt(os.Getenv("NOWCAST_LAUNCH"), 10, 64)
	if os.Getenv(isLate) == "" {
		if err := record(number, launch); err != nil {
			fmt.Fprintln(os.Stderr, "recorder:", err)
			os.Exit(2)
		}
	}
	do(number, how) // before the library takes care of signals
	w := workers.Worker{Name: name, Description: "Writes down that it was started.", Work: func(_ context.Context, r *workers.Run) (any, error) {
		storm(how, r)
		return map[string]any{"launch": launch, "number": number}, nil
	}}
	os.Exit(w.Execute(workers.NewProcess(name, os.Args[1:2])))
}

func record(number string, launch int64) error {
	line, err := json.Marshal(faults.Start{Number: number, Launch: launch, PID: os.Getpid(), Time: time.Now()})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(os.Getenv(faults.StartsVariable), os.O_APPEND|os.O_CREATE|os.O_WRONLY|syscall.O_DSYNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(append(line, '\n')) // one write: what others append does not mix with it
	return err
}

// first tells whether this is the first process for a report.
func first(number string) bool {
	text, _ := os.ReadFile(os.Getenv(faults.StartsVariable))
	return strings.Count(string(text), `"number":"`+number+`"`) == 1
}

func do(number, how string) {
	word, value, _ := strings.Cut(how, " ")
	switch word {
	case "":
	case "exit": // without a report
		status, _ := strconv.Atoi(value)
		os.Exit(status)
	case "sleep":
		d, _ := time.ParseDuration(value)
		time.Sleep(d)
	case "until":
		at, _ := time.Parse(time.RFC3339Nano, value)
		time.Sleep(time.Until(at))
	case "eat": // until the limit on its memory ends it
		limit := syscall.Rlimit{Cur: 1 << 30, Max: 1 << 30}
		syscall.Setrlimit(syscall.RLIMIT_AS, &limit)
		eat(false)
	case "eat-in": // until the kernel ends it, because of the limit of a control group
		if err := join(value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		eat(true)
	case "leave": // a grandchild that goes on
		exec.Command("sleep", value).Start()
	case "late": // the first process for the report leaves one behind that reports after that time, and ends without a report or waits
		delay, then, _ := strings.Cut(value, " ")
		if os.Getenv(isLate) != "" {
			d, _ := time.ParseDuration(delay)
			time.Sleep(d)
		} else if first(number) {
			c := exec.Command(os.Args[0], os.Args[1:]...)
			c.Env, c.SysProcAttr = append(os.Environ(), isLate+"=1"), &syscall.SysProcAttr{Setsid: true}
			c.Start()
			if then == "exit" {
				os.Exit(3)
			}
			select {}
		}
	case "wait":
		select {}
	}
}

// storm writes log lines as fast as it can, if it is told to.
func storm(how string, r *workers.Run) {
	count, ok := strings.CutPrefix(how, "storm ")
	if !ok {
		return
	}
	lines, _ := strconv.Atoi(count)
	for i := range lines {
		r.Log.Info(fmt.Sprintf("line %d of a storm, which is as long as lines of workers are", i))
	}
}

// join makes this process one of a control group.
func join(group string) error {
	f, err := os.OpenFile(filepath.Join(group, "cgroup.procs"), os.O_WRONLY, 0) // not created: a plain file is no group
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("0")
	return err
}

// eat takes memory until a limit ends it, and writes to it if what is limited is what is used. Limits are below what it takes: if there is
// none after all, it does not take the machine down.
func eat(use bool) {
	var eaten [][]byte
	for len(eaten) < 128 {
		more := make([]byte, 16<<20)
		for i := 0; use && i < len(more); i += 4096 {
			more[i] = 1
		}
		eaten = append(eaten, more)
	}
	fmt.Fprintln(os.Stderr, "2 GB were taken, and nothing limits this process")
	os.Exit(2)
}
