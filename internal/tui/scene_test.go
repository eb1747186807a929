package tui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/tui/link"
	"nowcast/internal/tui/theme"
)

// zone and clock of the scenes: an operator in Vancouver at 05:41.
var (
	zone = time.FixedZone("PDT", -7*3600)
	dawn = time.Date(2031, 5, 17, 5, 41, 7, 0, zone)
)

// call is a command that the console sent.
type call struct {
	Target, Command string
	Args            string // JSON
}

// callee is a daemon that remembers commands and answers with what it is told to.
type callee struct {
	calls  []call
	answer any
	err    error
}

func (c *callee) Call(_ context.Context, target, command string, args, result any) error {
	text, err := json.Marshal(args)
	if err != nil {
		return err
	}
	c.calls = append(c.calls, call{target, command, string(text)})
	if c.err != nil || c.answer == nil {
		return c.err
	}
	text, err = json.Marshal(c.answer)
	return errors.Join(err, json.Unmarshal(text, result))
}

// scene is a console with a manager that a test plays.
type scene struct {
	t     *testing.T
	m     *Model
	peer  *callee
	seq   map[string]uint64
	epoch string
	now   time.Time
	quit  bool

	number int            // of the newest question for older lines that was answered
	missed []engine.Alert // of the scheduler
}

func newScene(t *testing.T, width, height int) *scene {
	t.Helper()
	return newSceneTheme(t, width, height, theme.Options{})
}

func newSceneTheme(t *testing.T, width, height int, o theme.Options) *scene {
	t.Helper()
	s := &scene{t: t, peer: &callee{}, seq: map[string]uint64{}, epoch: "one", now: dawn.Add(-time.Minute)}
	s.m = NewModel(link.New(t.Context(), nil, s.peer), "nowcast.yaml on salish", o, zone)
	s.m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

// event makes the manager's next event on a stream.
func (s *scene) event(stream string, body any) feed.Event {
	s.t.Helper()
	s.seq[stream]++
	return feed.Event{Source: link.Manager, Stream: stream, Epoch: s.epoch, Seq: s.seq[stream], Time: s.now, Body: s.body(body)}
}

func (s *scene) body(v any) json.RawMessage {
	s.t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// frame hands the console events as of d later, without running what it asks for.
func (s *scene) frame(d time.Duration, events ...feed.Event) {
	s.now = s.now.Add(d)
	s.m.Update(link.Frame{Now: s.now, Events: events})
}

// snapshot answers the console's question about the manager's state.
func (s *scene) snapshot(snap feed.Snapshot) {
	snap.Source, snap.Epoch, snap.Seq, snap.Time = link.Manager, s.epoch, map[string]uint64{}, s.now
	for stream, n := range s.seq {
		snap.Seq[stream] = n
	}
	s.m.Update(link.Snapshot{Source: link.Manager, Snapshot: snap})
}

// beat hands the console heartbeats of all daemons.
func (s *scene) beat(d time.Duration) {
	var events []feed.Event
	for i, name := range []string{"message_broker", link.Manager, "log_aggregator"} {
		e := s.event(feed.StreamDaemon, feed.Heartbeat{Name: name, Host: "salish", PID: 100 + i, Started: dawn.Add(-time.Hour), Every: 2 * time.Second})
		e.Source = name
		e.Last = nil
		events = append(events, e)
	}
	s.frame(d, events...)
}

// press presses keys, each named as Bubble Tea names it, and runs the commands that are sent to the manager.
func (s *scene) press(keys ...string) {
	for _, k := range keys {
		_, cmd := s.m.Update(press(k))
		if cmd == nil {
			continue
		}
		switch msg := cmd().(type) {
		case tea.QuitMsg:
			s.quit = true
		default:
			s.m.Update(msg)
		}
	}
}

// typing types a text.
func (s *scene) typing(text string) {
	for _, r := range text {
		s.press(string(r))
	}
}

func press(name string) tea.KeyPressMsg {
	codes := map[string]rune{
		"left": tea.KeyLeft, "right": tea.KeyRight, "up": tea.KeyUp, "down": tea.KeyDown, "home": tea.KeyHome, "end": tea.KeyEnd,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab,
		"backspace": tea.KeyBackspace, "space": tea.KeySpace,
	}
	if c, ok := codes[name]; ok {
		return tea.KeyPressMsg{Code: c}
	}
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: []rune(rest)[0], Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// screen returns what the operator sees, without styles and without blanks at the line ends.
func (s *scene) screen() string {
	lines := strings.Split(ansi.Strip(s.m.View().Content), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// sees fails the test unless the screen has each of the texts.
func (s *scene) sees(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if !strings.Contains(s.screen(), text) {
			s.t.Errorf("the screen does not have %q:\n%s", text, s.screen())
		}
	}
}

// seesNot is the opposite.
func (s *scene) seesNot(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if strings.Contains(s.screen(), text) {
			s.t.Errorf("the screen has %q:\n%s", text, s.screen())
		}
	}
}

// inOrder fails the test unless the screen has the texts one below or behind the other.
func (s *scene) inOrder(texts ...string) {
	s.t.Helper()
	rest := s.screen()
	for _, text := range texts {
		_, after, ok := strings.Cut(rest, text)
		if !ok {
			s.t.Errorf("the screen does not have %q after what is before it in %q:\n%s", text, texts, s.screen())
			return
		}
		rest = after
	}
}

// at is a time some seconds after dawn, or before it.
func at(seconds int) *time.Time {
	t := dawn.Add(time.Duration(seconds) * time.Second).UTC()
	return &t
}

func number(n int) *int { return &n }

// morning is a night's work at 05:41, with a failure.
func morning() feed.Snapshot {
	work := func(id int64, module string, state launch.State, cause string, started, ended int, args ...string) launch.Launch {
		l := launch.Launch{
			ID: id, NextWorker: launch.NextWorker{Module: "nowcast.workers." + module, Args: args, Host: launch.Localhost},
			State: state, Cause: cause, Decided: *at(started), Started: at(started), PID: 4000 + int(id),
			Argv:   append([]string{"/opt/conda/bin/python3", "-m", "nowcast.workers." + module, "/opt/nowcast.yaml"}, args...),
			Output: fmt.Sprintf("/opt/.nowcast/launches/%d.log", id),
		}
		if state.Final() {
			l.Ended, l.Exit = at(ended), number(0)
			l.Reports = []launch.Report{{Time: *at(ended), Type: "success"}}
		}
		return l
	}
	all := []launch.Launch{
		work(1, "collect_weather", launch.Succeeded, "collect_weather: success 2.5km 00", -7200, -3600, "06", "2.5km"),
		work(2, "grib_to_netcdf", launch.Succeeded, "collect_weather: success 2.5km 06", -3599, -3100, "forecast2"),
		work(3, "make_forcing_links", launch.Succeeded, "upload_forcing: success forecast2", -1900, -1890, "arbutus.cloud-nowcast", "ssh"),
		work(4, "run_NEMO", launch.Running, "make_forcing_links: success ssh", -1800, 0, "arbutus.cloud-nowcast", "forecast2", "--run-date", "2031-05-17"),
		work(5, "make_plots", launch.Crashed, "download_results: success forecast2", -312, -250, "nemo", "forecast", "publish", "--run-date", "2031-05-17"),
		work(6, "ping_erddap", launch.Killed, "download_results: success forecast2", -310, -100, "nowcast-green"),
		work(7, "watch_NEMO", launch.Running, "run_NEMO: success", -93, 0, "arbutus.cloud-nowcast", "forecast2"),
	}
	all[3].Host, all[6].Host = "arbutus.cloud-nowcast", "arbutus.cloud-nowcast"
	all[4].Reports, all[4].Exit = nil, number(1)
	all[4].Note = "exited with status 1 and no report"
	all[4].Parent = 3
	all[5].Reports, all[5].Exit, all[5].Signal, all[5].KilledBy = nil, nil, "terminated", "sue@salish"
	all[5].Note = "killed by sue@salish, ended by signal terminated"
	all[6].Parent = 4
	return feed.Snapshot{
		Launches: all,
		Checklist: `NEMO run:
  forecast2:
    host: arbutus.cloud-nowcast
    run date: 2031-05-17
    run exec cmd: mpirun -np 7 --bind-to core ./nemo.exe
WEATHER:
  00 2.5km: /results/forcing/atmospheric/continental2.5/GRIB/20310517/00
  06 2.5km: /results/forcing/atmospheric/continental2.5/GRIB/20310517/06
log files:
- /var/log/nowcast.log
- /var/log/nowcast.debug.log
river runoff: 1234.5
sleep time: 5
`,
		Barriers: []engine.Barrier{{
			ID: 1, Opened: *at(-3000), Cause: "collect_weather: success 2.5km 06", Missing: []string{"grib_to_netcdf", "make_ssh_files"},
			Held: []engine.Requested{
				{NextWorker: launch.NextWorker{Module: "nowcast.workers.upload_forcing", Args: []string{"arbutus.cloud-nowcast", "forecast2"}, Host: launch.Localhost}},
				{NextWorker: launch.NextWorker{Module: "nowcast.workers.make_live_ocean_files", Host: launch.Localhost}},
			},
		}},
		Alerts: []engine.Alert{{
			ID: 1, Time: *at(-62), Kind: "rule error", Key: "rule 17", Worker: "make_plots", Offer: "evaluate", Args: json.RawMessage(`{"message":17}`),
			Message: `after_make_plots: next_workers.star:118:5: key "forecast2" not in dict`,
		}},
	}
}

// nightlog is what was logged before 05:41.
func nightlog() []feed.LogRecord {
	rec := func(seconds int, level slog.Level, name, message string, id int64) feed.LogRecord {
		return feed.LogRecord{Time: at(seconds).Add(123 * time.Millisecond), Level: level, Name: name, Message: message, Launch: id}
	}
	return []feed.LogRecord{
		rec(-312, slog.LevelDebug, "manager", "received message from download_results: (success forecast2) results files from forecast2 downloaded", 0),
		rec(-312, slog.LevelInfo, "manager", "launching make_plots", 0),
		rec(-311, slog.LevelInfo, "make_plots", "running in process 4005", 5),
		rec(-310, slog.LevelWarn, "make_plots", "tide gauge data for Neah Bay is 3 h old", 5),
		rec(-250, 12, "make_plots", "unhandled exception:\nTraceback (most recent call last):\n  File \"/opt/nowcast/worker.py\", line 391, in _do_work\n    checklist = self.worker_func(self.parsed_args, self.config, self.tell_manager)\nKeyError: 'forecast2'", 5),
		rec(-250, slog.LevelError, "manager", "worker make_plots exited with status 1 and no report", 0),
		rec(-100, slog.LevelInfo, "manager", "killing launch 6, ping_erddap, by sue@salish", 0),
		rec(-93, slog.LevelInfo, "watch_NEMO", "run_NEMO on arbutus.cloud-nowcast: time step: 31680, 28.4 % complete", 7),
	}
}

// openMorning is a console that is connected and shows the morning.
func openMorning(t *testing.T, width, height int) *scene {
	t.Helper()
	s := newScene(t, width, height)
	s.begin()
	return s
}

func (s *scene) begin() {
	s.beat(time.Minute - time.Second)
	s.snapshot(morning())
	s.m.Update(link.History{Records: nightlog()})
	s.beat(time.Second)
}
