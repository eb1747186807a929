package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/feed"
)

func TestEachMistakeOfAScheduleEntryHasALineBelowTheTable(t *testing.T) {
	var out bytes.Buffer
	p := &program{Stdout: &out}
	p.printSchedule([]feed.ScheduleEntry{{ID: "late", Problem: "a.yaml:3: at: is \"x\"\na.yaml:4: missed: is \x1b[2Jy"}, {ID: "good"}}, time.Now())
	_, below, _ := strings.Cut(out.String(), "\n\n")
	if want := "late: a.yaml:3: at: is \"x\"\nlate: a.yaml:4: missed: is \uFFFD[2Jy\n"; below != want {
		t.Errorf("got\n%s\nwant below the table\n%s", out.String(), want)
	}
}
