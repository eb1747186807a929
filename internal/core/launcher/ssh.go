package launcher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"nowcast/internal/core/launch"
)

// sshFailed is the status with which ssh says that it failed itself. The remote command may exit with it, too.
const sshFailed = 255

func throughSSH(l *launch.Launch) bool {
	return l.Host != "" && l.Host != launch.Localhost && len(l.Argv) > 0 && filepath.Base(l.Argv[0]) == "ssh"
}

// never are the last words of an ssh that never got as far as starting something.
var never = []struct {
	words  *regexp.Regexp
	what   string
	remedy string // HOST stands for the host
}{
	{regexp.MustCompile(`^ssh: connect to host \S+ port \d+: Connection refused`), "connection refused", "see that sshd runs on HOST, on the port that ssh uses"},
	{regexp.MustCompile(`^ssh: connect to host \S+ port \d+: (Connection|Operation) timed out|timed out during banner exchange$|^Connection to \S+ port \d+ timed out$`), "timed out", "see that HOST is up and no firewall is in between"},
	{regexp.MustCompile(`^ssh: connect to host \S+ port \d+: (No route to host|Network is unreachable|Network is down|Host is down)`), "no route", "see that HOST is up and the network there"},
	{regexp.MustCompile(`^ssh: connect to host `), "no connection", "try ssh HOST"},
	{regexp.MustCompile(`^ssh: Could not resolve hostname `), "unknown host", "look for HOST in ~/.ssh/config and in the name service"},
	{regexp.MustCompile(`^Host key verification failed\.$`), "host key", "if HOST was really installed anew, remove the old key with ssh-keygen -R; then log in once by hand"},
	{regexp.MustCompile(`^\S+: Permission denied \([^)]*\)\.$|: Too many authentication failures$`), "authentication failed", "a key without passphrase, or one in an agent that the manager reaches, must be in authorized_keys on HOST"},
	{regexp.MustCompile(`^kex_exchange_identification: |^ssh_exchange_identification: |^banner exchange: |^Unable to negotiate with `), "no agreement", "see the log of sshd on HOST: too many connections (MaxStartups), or incompatible versions"},
}

// broken are the last words of an ssh whose connection broke when something ran already.
var broken = regexp.MustCompile(`^Connection to \S+ closed by remote host\.$|^client_loop: |^Timeout, server \S+ not responding\.$` +
	`|^Read from remote host |^packet_write_wait: `)

// own is what else ssh says before anything runs.
var own = regexp.MustCompile(`^Warning: |^@+$|^@ +WARNING|^IT IS POSSIBLE THAT|^Someone could be eavesdropping|^It is also possible that|^The fingerprint for|^SHA256:|^Please contact` +
	`|^Add correct host key|^Offending |^ +remove with:|^ +ssh-keygen |^Host key for |^\S+ host key for |^No \S+ host key is known|^Received disconnect from |^Disconnected from |^Connection closed by |^Connection reset by ` +
	`|^Pseudo-terminal|^debug\d: |^Load key |^no such identity: |^sign_and_send_pubkey: |^Agent |^\S+: Permission denied, please try again\.$|^(client_input_hostkeys|hostkeys_)`)

// named finds the host in last words that have one.
var named = regexp.MustCompile(`^ssh: (?:connect to host|Could not resolve hostname) (\S+?)(?: port |: )|^\S+@(\S+): Permission denied \(`)

// judgeSSH says what the end of an ssh means for the worker on the other host. Certain that nothing was started there is only who sees
// nothing but ssh's own words, about this host: the same words may come from an ssh of the worker, which then said 255 itself.
func (la *Launcher) judgeSSH(l *launch.Launch, e *launch.Exit) {
	if !e.Unseen && e.Signal == "" && e.Status != sshFailed {
		return // the worker's own status
	}
	look := fmt.Sprintf("%s may still run on %s: look there before you launch it again", l.Name(), l.Host)
	if e.Unseen || e.Signal != "" {
		e.Unknown = true
		e.Err = fmt.Errorf("ssh: its process here %s; %s", e, look)
		return
	}
	last, onlySSH := lastWords(l.Output)
	certain := onlySSH
	if m := named.FindStringSubmatch(last); m != nil {
		host, denied := m[1]+m[2], m[2] != ""
		// A banner, which is not ssh's, comes before a denial.
		certain = (onlySSH || denied) && strings.EqualFold(host, la.hostName(l))
	}
	for _, n := range never {
		if certain && n.words.MatchString(last) {
			e.Err = fmt.Errorf("ssh: %s (%s): nothing was started on %s: %s", n.what, last, l.Host, strings.ReplaceAll(n.remedy, "HOST", l.Host))
			return
		}
	}
	e.Unknown = true
	switch {
	case broken.MatchString(last):
		e.Err = fmt.Errorf("ssh: the connection broke after the start (%s); %s", last, look)
	case last == "":
		e.Err = fmt.Errorf("ssh: status 255, which is either the worker's own or that of a broken connection; %s", look)
	default:
		e.Err = fmt.Errorf("ssh: status 255, which is either the worker's own or that of a broken connection (the last line is %q); %s", last, look)
	}
}

// hostName returns what ssh calls the host in its messages, by its configuration.
func (la *Launcher) hostName(l *launch.Launch) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	program, err := findProgram(l.Argv[0], la.options.Env)
	if err != nil {
		return l.Host
	}
	ssh := exec.CommandContext(ctx, program, "-G", l.Host)
	ssh.Env = la.options.Env
	settings, _ := ssh.Output()
	for line := range strings.Lines(string(settings)) {
		if name, ok := strings.CutPrefix(line, "hostname "); ok {
			return strings.TrimSpace(name)
		}
	}
	return l.Host
}

// lastWords returns the line at the end of an output file that says most about ssh, and whether all lines are ssh's.
func lastWords(file string) (last string, onlySSH bool) {
	text, err := tail(file, tailSize)
	if err != nil {
		return err.Error(), false
	}
	onlySSH = len(text) < tailSize
	for line := range bytes.Lines(text) {
		words := strings.TrimRight(string(line), "\r\n")
		switch {
		case strings.TrimSpace(words) == "":
		case isNever(words):
			last = words
		case !own.MatchString(words):
			onlySSH, last = false, words
		case last == "":
			last = words
		}
	}
	return last, onlySSH
}

// tailSize is how much of the end of an output file is looked at.
const tailSize = 8 << 10

func isNever(words string) bool {
	for _, n := range never {
		if n.words.MatchString(words) {
			return true
		}
	}
	return false
}

// tail returns the end of a file.
func tail(file string, size int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text := make([]byte, min(size, info.Size()))
	n, err := f.ReadAt(text, max(0, info.Size()-size))
	if n == len(text) {
		return text, nil
	}
	return text[:n], errors.Join(err)
}
