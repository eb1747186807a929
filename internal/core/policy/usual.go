package policy

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"nowcast/internal/core/launch"
)

// How much must be known before anything is called usual, and how much is looked at.
const (
	Enough = 5
	Most   = 100
)

// Kind names the launches that are compared with each other: those of one worker with the same arguments, but for arguments that are
// numbers or dates, which change from day to day.
func Kind(n launch.NextWorker) string { return kind(n.Name(), n.Args) }

func kind(worker string, args []string) string {
	kept := []string{worker}
	for _, a := range args {
		if !changing(a) {
			kept = append(kept, a)
		}
	}
	return strings.Join(kept, " ")
}

// changing tells whether an argument is a number or a date: 42, 2031-05-17, 17may31, 06:00, 2031-05-17T06:00.
func changing(arg string) bool {
	digits := 0
	letters := 0
	for _, r := range arg {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		case !strings.ContainsRune("-+:./_ ", r):
			return false
		}
	}
	return digits > 0 && (letters <= 1 && digits > letters || letters == 3 && months[strings.ToLower(strings.Map(onlyLetters, arg))])
}

func onlyLetters(r rune) rune {
	if unicode.IsLetter(r) {
		return r
	}
	return -1
}

var months = map[string]bool{"jan": true, "feb": true, "mar": true, "apr": true, "may": true, "jun": true, "jul": true,
	"aug": true, "sep": true, "oct": true, "nov": true, "dec": true}

// Learn returns how long launches usually take that took so long, nil if they are too few to say.
func Learn(took []time.Duration) *launch.Usual {
	if len(took) < Enough {
		return nil
	}
	sorted := slices.Sorted(slices.Values(took))
	return &launch.Usual{Median: quantile(sorted, 50), P95: quantile(sorted, 95), N: len(sorted)}
}

// quantile returns the smallest value that so many per cent of all do not exceed.
func quantile(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)*percent+99)/100-1]
}

// Limit is how long a launch may run before it is late: what is configured, else, if enough is known, half as long again as 95 % of
// all and at least a minute longer. 0: never.
func Limit(expected time.Duration, usual *launch.Usual) time.Duration {
	switch {
	case expected > 0:
		return expected
	case usual == nil:
		return 0
	}
	return max(usual.P95*3/2, usual.P95+time.Minute)
}

// Outlier says what was unusual about how long a launch took that succeeded, "" if nothing was. Seconds more or less are nothing.
func Outlier(took time.Duration, usual *launch.Usual) string {
	switch {
	case usual == nil:
	case took > usual.P95*3/2 && took > usual.P95+time.Minute:
		return "unusually long"
	case took < usual.Median/4 && usual.Median >= time.Minute:
		return "unusually short"
	}
	return ""
}
