package migrate

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// service is one program of supervisord, or one watcher of circus, that is a Python daemon.
type service struct {
	section     string // e.g. program:manager
	daemon      string // as in nemo_nowcast.NAME
	file        string
	line        int
	values      map[string]string
	environment map[string]string
}

// section is one of an INI file.
type section struct {
	name   string
	line   int
	values map[string]string
	lines  map[string]int
}

// subcommands are the commands of nowcastd that take the place of modules of nemo_nowcast.
var subcommands = map[string]string{"message_broker": "broker", "manager": "manager", "scheduler": "scheduler", "log_aggregator": "log-aggregator"}

// module finds a Python daemon in a command line, with the interpreter and its options before it.
var module = regexp.MustCompile(`(?:[^\s"']*python[\d.]*(?:\s+[^\s"']+)*?|[^\s"']+)\s+-m\s+nemo_nowcast\.(message_broker|manager|scheduler|log_aggregator)\b`)

// readServices finds the Python daemons in the file of supervisord or circus, and in the files that it includes.
func (x *examination) readServices() error {
	if x.Services == "" {
		return nil
	}
	files := []string{x.Services}
	common := map[string]string{} // the environment that supervisord gives to all
	for i := 0; i < len(files); i++ {
		sections, err := readINI(files[i])
		if err != nil {
			return err
		}
		for _, s := range sections {
			switch {
			case s.name == "supervisord":
				maps.Copy(common, x.variables(s.values["environment"], files[i]))
				x.supervisorUser = s.values["user"]
			case s.name == "include" && i == 0:
				for _, pattern := range strings.Fields(s.values["files"]) {
					pattern = x.expand(pattern, files[i])
					if !filepath.IsAbs(pattern) {
						pattern = filepath.Join(filepath.Dir(files[i]), pattern)
					}
					more, _ := filepath.Glob(pattern)
					files = append(files, more...)
				}
			default:
				x.addService(s, files[i], common)
			}
		}
	}
	return nil
}

// alerting finds our alerter in a command line.
var alerting = regexp.MustCompile(`\bnowcastd\s+(alerter|up)\b`)

func (x *examination) addService(s section, file string, common map[string]string) {
	key := "command"
	if strings.HasPrefix(s.name, "watcher:") {
		key = "cmd"
	}
	command := strings.TrimSpace(s.values[key] + " " + s.values["args"])
	x.alerting = x.alerting || alerting.MatchString(command)
	m := module.FindStringSubmatch(command)
	if m == nil {
		return
	}
	env := maps.Clone(common)
	maps.Copy(env, x.variables(s.values["environment"], file))
	for _, key := range []string{"directory", "working_dir"} {
		if v := s.values[key]; v != "" {
			s.values["directory"] = x.expand(v, file)
		}
	}
	x.services = append(x.services, service{section: s.name, daemon: m[1], file: file, line: cmpLine(s.lines[key], s.line), values: s.values, environment: env})
}

func cmpLine(line, otherwise int) int {
	if line == 0 {
		return otherwise
	}
	return line
}

// readINI reads what supervisord and circus write: sections, keys, comments, values that go on in an indented line.
func readINI(file string) (sections []section, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the services: %w", err)
	}
	defer f.Close()
	key := ""
	scanner := bufio.NewScanner(f)
	for number := 1; scanner.Scan(); number++ {
		line := scanner.Text()
		if i := strings.Index(line, " ;"); i >= 0 {
			line = line[:i]
		}
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == ';' || text[0] == '#':
		case text[0] == '[' && strings.HasSuffix(text, "]"):
			sections = append(sections, section{name: text[1 : len(text)-1], line: number, values: map[string]string{}, lines: map[string]int{}})
			key = ""
		case len(sections) == 0:
			return nil, fmt.Errorf("read the services: %s:%d: %q stands before the first [section]: is it a file of supervisord or circus?", file, number, text)
		default:
			s := sections[len(sections)-1]
			if key != "" && (line[0] == ' ' || line[0] == '\t') {
				s.values[key] += " " + text
				continue
			}
			name, value, _ := strings.Cut(text, "=")
			key = strings.TrimSpace(name)
			s.values[key], s.lines[key] = strings.TrimSpace(value), number
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read the services: %s: %w", file, err)
	}
	return sections, nil
}

var (
	assignment = regexp.MustCompile(`([\w.]+)\s*=\s*("[^"]*"|'[^']*'|[^,]*)`)
	reference  = regexp.MustCompile(`%\(ENV_(\w+)\)s`)
)

// variables reads a value of environment=: A="x",B=y.
func (x *examination) variables(text, file string) map[string]string {
	all := map[string]string{}
	for _, m := range assignment.FindAllStringSubmatch(text, -1) {
		all[m[1]] = x.expand(strings.Trim(strings.TrimSpace(m[2]), `"'`), file)
	}
	return all
}

// expand replaces what supervisord replaces in paths.
func (x *examination) expand(text, file string) string {
	own := variables(x.Options.Environ)
	text = reference.ReplaceAllStringFunc(text, func(ref string) string { return own[reference.FindStringSubmatch(ref)[1]] })
	here, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		here = filepath.Dir(file)
	}
	return strings.NewReplacer("%(here)s", here, "%%", "%").Replace(text)
}

// replaceServices says what to write in place of each Python daemon.
func (x *examination) replaceServices() {
	if x.Services == "" {
		return
	}
	if len(x.services) == 0 {
		x.add(Look, x.Services+" has no program that runs python -m nemo_nowcast.message_broker, manager, scheduler or log_aggregator", "give the file that starts the Python daemons")
		return
	}
	var users []string
	for _, s := range x.services {
		x.Findings = append(x.Findings, Finding{Group: Step, File: s.file, Line: s.line,
			Text: fmt.Sprintf("[%s] runs nemo_nowcast.%s", s.section, s.daemon), Remedy: "replace this line by\n" + s.replacement(x.Nowcastd, subcommands[s.daemon]) + "\nand keep all others"})
		for _, problem := range s.problems() {
			x.Findings = append(x.Findings, Finding{Group: problem.Group, File: s.file, Line: s.line, Text: "[" + s.section + "] " + problem.Text, Remedy: problem.Remedy})
		}
		user := cmp.Or(s.values["user"], s.values["uid"], x.supervisorUser, "the user of "+s.supervisor())
		if !slices.Contains(users, user) {
			users = append(users, user)
		}
	}
	if len(users) > 1 {
		x.add(Must, x.Services+" runs the daemons as different users: "+strings.Join(users, ", "), "give all of them the same user=; only their user may enter the state directory")
	}
	if !x.alerting {
		x.add(Step, x.Services+" has no program for the alerter, which tells people what goes wrong; NEMO_Nowcast has none", "add to it\n"+x.alerter())
	}
	x.add(Same, "supervisorctl status, start, stop and restart, with the same names", "")
}

// replacement is the line, or the two of circus, that start ours in place of a Python daemon: all before and after the
// interpreter and its module stays, such as pixi run, and --ignore-checklist.
func (s service) replacement(nowcastd, subcommand string) string {
	ours := nowcastd + " " + subcommand
	if command := s.values["command"]; command != "" {
		return "    command=" + module.ReplaceAllLiteralString(command, ours)
	}
	whole := module.ReplaceAllLiteralString(s.values["cmd"]+" "+s.values["args"], ours)
	program, args, _ := strings.Cut(whole, " ")
	return "    cmd = " + program + "\n    args = " + args
}

// alerter is the section for our alerter, made like that of another daemon; if it can be, not the manager's, which may have options.
func (x *examination) alerter() string {
	like := x.services[max(0, slices.IndexFunc(x.services, func(s service) bool { return s.daemon != "manager" }))]
	kind, keys := "program", []string{"user", "directory"}
	if like.supervisor() == "circusd" {
		kind, keys = "watcher", []string{"uid", "working_dir"}
	}
	text := "    [" + kind + ":alerter]\n" + like.replacement(x.Nowcastd, "alerter")
	if kind == "program" {
		text += "\n    autorestart=true"
	}
	for _, key := range keys {
		if v := like.values[key]; v != "" {
			text += "\n    " + key + "=" + v
		}
	}
	return strings.ReplaceAll(text, " --ignore-checklist", "")
}

// supervisor is the program that starts it.
func (s service) supervisor() string {
	if strings.HasPrefix(s.section, "watcher:") {
		return "circusd"
	}
	return "supervisord"
}

// problems are settings that do not suit ours, or mean something else.
func (s service) problems() (found []Finding) {
	signal := strings.TrimPrefix(strings.ToUpper(s.values["stopsignal"]), "SIG")
	if signal != "" && signal != "TERM" && signal != "INT" {
		found = append(found, Finding{Group: Must, Text: "has stopsignal=" + s.values["stopsignal"], Remedy: "write stopsignal=TERM: at TERM and INT a daemon finishes what is in hand"})
	}
	for _, key := range []string{"killasgroup", "stopasgroup", "stop_children"} {
		if strings.EqualFold(s.values[key], "true") && s.daemon == "manager" {
			found = append(found, Finding{Group: Differ, Text: "has " + key + "=true, which ended the workers with the manager: here they have sessions of their own and go on, and the next manager knows them",
				Remedy: "end workers with nowcastd kill, or with x in the console"})
		}
	}
	return found
}
