package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/wire"
	"nowcast/internal/demo"
)

func (p *program) demo() *cobra.Command {
	d := &player{program: p}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Play a recorded day of the SalishSeaCast ocean forecast",
		Long: `Play a recorded day with stand-in workers: the daemons run as under "nowcastd up", the first
message of the day is sent, and the rules launch the rest. In a terminal the console is opened
on it, and leaving the console ends the day.

Without a terminal the day is played to its end and what was launched when and because of what
is printed. Exit code 0 only if exactly the recorded launches happened.`,
		Example: "  make demo\n  nowcastd demo --speed 500 </dev/null",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return d.play(c.Context()) },
	}
	c.Flags().Float64Var(&d.speed, "speed", demo.DefaultSpeed, "how many times as fast as real")
	c.Flags().StringVar(&d.data, "data", filepath.Join("testdata", "salishsea"), "directory of the recorded day, its configuration and rules")
	c.Flags().StringVar(&d.dir, "dir", ".demo", "where the day is played; emptied first")
	return c
}

// player plays the day once.
type player struct {
	*program
	speed     float64
	data, dir string

	day    *demo.Day
	cfg    *config.Config
	client *control.Client
}

func (d *player) play(parent context.Context) error {
	ctx, cancel := untilSignal(parent)
	defer cancel()
	// When the terminal goes away the console ends, and then we end the day; not before, or its processes would stay.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	self, env, err := d.prepare()
	if err != nil {
		return err
	}
	daemons := exec.Command(self, "up", d.cfg.File)
	daemons.Env = env
	output, err := os.Create(filepath.Join(d.dir, "up.log"))
	if err != nil {
		return err
	}
	defer output.Close()
	daemons.Stdout, daemons.Stderr = output, output
	daemons.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us to pass on
	if err := daemons.Start(); err != nil {
		return err
	}
	defer func() {
		daemons.Process.Signal(syscall.SIGTERM)
		daemons.Wait()
	}()
	if d.client, err = d.program.client(d.cfg); err != nil {
		return err
	}
	defer d.client.Close()
	defer d.killWorkers()
	if err := d.begin(ctx); err != nil {
		return fmt.Errorf("%w; see %s", err, output.Name())
	}
	if d.terminal() {
		return d.console(self, env)
	}
	return d.watch(ctx)
}

// prepare makes the directory and puts its environment into ours, so that the configuration can be read here too.
func (d *player) prepare() (self string, env []string, err error) {
	if self, err = os.Executable(); err != nil {
		return "", nil, err
	}
	bin := filepath.Dir(self)
	if _, err := os.Stat(filepath.Join(bin, "standin")); err != nil {
		return "", nil, fmt.Errorf("the stand-in worker is missing beside nowcastd: %w; run `make build`", err)
	}
	if d.day, err = demo.LoadDay(filepath.Join(d.data, "day.json")); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; run it in the top directory of the source, or give --data", err)
		}
		return "", nil, err
	}
	if err := emptied(d.dir); err != nil {
		return "", nil, err
	}
	file, set, err := demo.Prepare(d.dir, d.data, bin, d.speed)
	if err != nil {
		return "", nil, err
	}
	outer := d.LookupEnv
	lookup := func(name string) (string, bool) {
		for _, v := range slices.Backward(set) {
			if len(v) > len(name) && v[:len(name)+1] == name+"=" {
				return v[len(name)+1:], true
			}
		}
		return outer(name)
	}
	d.program = &program{Stdin: d.Stdin, Stdout: d.Stdout, Stderr: d.Stderr, LookupEnv: lookup, Environ: append(slices.Clone(d.Environ), set...)}
	d.cfg, err = d.load(file)
	return self, d.Environ, err
}

// emptied removes the directory of an earlier day; nothing else.
func emptied(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || len(entries) == 0 && err == nil {
		return os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "day.json")); err != nil {
		return fmt.Errorf("%s is not empty and was not made by an earlier demo: choose another --dir", dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}

// begin waits for the manager and sends the first message of the day.
func (d *player) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if _, err := d.snapshot(ctx); err != nil {
		return err
	}
	r := wire.NewRequester(wire.TCP(d.cfg.ZMQ.Host, d.cfg.ZMQ.WorkersPort))
	defer r.Close()
	_, err := r.Request(ctx, d.day.First().Encode())
	return err
}

func (d *player) snapshot(ctx context.Context) (*feed.Snapshot, error) {
	var s feed.Snapshot
	err := d.client.Call(ctx, message.ManagerName, control.CmdSnapshot, struct{}{}, &s)
	return &s, err
}

// terminal tells whether somebody can watch.
func (d *player) terminal() bool {
	for _, f := range []any{d.Stdin, d.Stdout} {
		file, ok := f.(*os.File)
		if !ok {
			return false
		}
		if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 || info.Name() == "null" {
			return false
		}
	}
	return true
}

func (d *player) console(self string, env []string) error {
	c := exec.Command(filepath.Join(filepath.Dir(self), "nowcast-tui"), d.cfg.File)
	c.Env, c.Stdin, c.Stdout, c.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	err := c.Run()
	fmt.Fprintf(d.Stdout, "The day ends here. Its configuration, checklist and logs are in %s.\n", d.dir)
	return err
}

// settle is how long nothing more may happen before the day counts as over.
const settle = 2 * time.Second

// watch tells what is launched until the day is over, and compares it with the recording.
func (d *player) watch(ctx context.Context) error {
	plan := demo.NewPlan(d.day)
	waiting := len(plan.Silent())
	wanted := d.day.Count()
	length := time.Duration(float64(plan.Length()) / d.speed)
	fmt.Fprintf(d.Stdout, "playing a day of %s in about %s\n", plan.Length().Round(time.Minute), length.Round(time.Second))
	ctx, cancel := context.WithTimeout(ctx, 2*length+time.Minute)
	defer cancel()
	var s *feed.Snapshot
	var quietSince time.Time
	told := map[int64]bool{}
	for {
		var err error
		if s, err = d.snapshot(ctx); err != nil {
			break
		}
		running := d.tell(s, told)
		over := len(s.Launches) >= wanted && running <= waiting
		switch {
		case !over:
			quietSince = time.Time{}
		case quietSince.IsZero():
			quietSince = time.Now()
		}
		if over && time.Since(quietSince) > settle {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
	if s == nil {
		return ctx.Err()
	}
	d.printStatus(s, time.Now())
	for i := range s.Alerts {
		d.printAlert("alert", &s.Alerts[i], time.Now())
	}
	return d.verdict(ctx, s)
}

// tell prints each launch once, when it has started, and returns how many are not over.
func (d *player) tell(s *feed.Snapshot, told map[int64]bool) (running int) {
	for i := range s.Launches {
		l := &s.Launches[i]
		if !l.State.Final() {
			running++
		}
		if l.Started != nil && !told[l.ID] {
			told[l.ID] = true
			fmt.Fprintf(d.Stdout, "%s  %-60s because of %s\n", l.Started.Local().Format("15:04:05.000"), l.NextWorker, l.Cause)
		}
	}
	return running
}

func (d *player) verdict(ctx context.Context, s *feed.Snapshot) error {
	differences := demo.Compare(d.day, s.Launches, time.Now())
	for i := range s.Launches {
		if l := &s.Launches[i]; l.State.Bad() {
			differences = append(differences, fmt.Sprintf("launch %d of %s %s: %s", l.ID, l.NextWorker, l.State, l.Note))
		}
	}
	for _, text := range differences {
		fmt.Fprintln(d.Stdout, text)
	}
	if ctx.Err() != nil {
		return failure{fmt.Errorf("the day was not over in time: %w", context.Cause(ctx)), exitFailed}
	}
	if len(differences) > 0 {
		return failure{fmt.Errorf("%d differences from the recorded day; logs are in %s", len(differences), d.dir), exitFailed}
	}
	fmt.Fprintf(d.Stdout, "all %d recorded launches happened, with the recorded arguments and hosts, and nothing else did\n", len(s.Launches))
	for i := range s.Launches {
		if l := &s.Launches[i]; !l.State.Final() {
			fmt.Fprintf(d.Stdout, "launch %d of %s still runs, as at the end of the recording\n", l.ID, l.Name())
		}
	}
	return nil
}

// killWorkers ends the stand-ins that would wait for tomorrow.
func (d *player) killWorkers() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s, err := d.snapshot(ctx)
	if err != nil {
		return
	}
	for i := range s.Launches {
		if l := &s.Launches[i]; l.State == launch.Running {
			d.client.Call(ctx, message.ManagerName, control.CmdKill, control.KillArgs{Launch: l.ID, Signal: "TERM"}, &json.RawMessage{})
		}
	}
}
