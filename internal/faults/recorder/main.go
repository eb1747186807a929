// Recorder is the recording worker of package faults. It is called as CONFIG NUMBER [HOW]: it writes down that it was started, does as
// HOW says, and reports a success unless that was in the way.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"nowcast/internal/faults"
	"nowcast/workers"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: recorder CONFIG NUMBER [HOW]")
		os.Exit(2)
	}
	how := strings.Join(os.Args[3:], " ")
	if err := record(os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "recorder:", err)
		os.Exit(2)
	}
	do(how)
	w := workers.Worker{Name: "recorder", Description: "Writes down that it was started.", Work: func(context.Context, *workers.Run) (any, error) { return nil, nil }}
	os.Exit(w.Execute(workers.NewProcess("recorder", os.Args[1:2])))
}

func record(number string) error {
	launch, _ := strconv.ParseInt(os.Getenv("NOWCAST_LAUNCH"), 10, 64)
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

func do(how string) {
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
		var eaten [][]byte
		for {
			eaten = append(eaten, make([]byte, 64<<20))
		}
	case "leave": // a grandchild that goes on
		exec.Command("sleep", value).Start()
	case "wait":
		select {}
	}
}
