package demo

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Environment variables by which the stand-ins are told about the day.
const (
	EnvDay    = "NOWCAST_DEMO_DAY"    // the recording; default day.json beside the configuration
	EnvSpeed  = "NOWCAST_DEMO_SPEED"  // how many times as fast as real; default DefaultSpeed
	EnvClaims = "NOWCAST_DEMO_CLAIMS" // directory for claims; default claims beside the configuration
)

// DefaultSpeed makes a day of five hours one of three minutes.
const DefaultSpeed = 100

// ConfigName is the name of the configuration in a prepared directory.
const ConfigName = "nowcast.yaml"

// What stands in the files of testdata/salishsea for what is different in each prepared directory.
const (
	standardDir     = "/srv/nowcast"
	standardBin     = "/srv/nowcast/bin"
	standardWorkers = "workers: 15555"
	standardManager = "manager: 15554"
)

// plainPath is a path that needs no quoting in YAML and in a remote shell.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9/._+@%-]+$`)

// Prepare makes dir ready for a day: configuration with free ports, rules, recording and the played ssh, from
// testdata/salishsea. The stand-in is expected as standin in bin. env is what must be set, in addition to the caller's
// environment, in the processes of the system; it puts the played ssh first in PATH.
//
// The claims of a day before are removed, its logs, checklist and state are not.
func Prepare(dir, testdata, bin string, speed float64) (configFile string, env []string, err error) {
	dir, err1 := filepath.Abs(dir)
	bin, err2 := filepath.Abs(bin)
	for _, path := range []string{dir, bin} {
		if err1 != nil || err2 != nil || !plainPath.MatchString(path) {
			return "", nil, fmt.Errorf("the day cannot be played in %q: choose a directory whose path has only letters, digits and /._+@%%-", path)
		}
	}
	if speed <= 0 {
		return "", nil, fmt.Errorf("the day cannot be played at %v times its speed: give a number above 0", speed)
	}
	d := directory{dir: dir, testdata: testdata, bin: bin, speed: speed}
	if err := d.fill(); err != nil {
		return "", nil, fmt.Errorf("prepare %s: %w", dir, err)
	}
	env = append(d.settings(), "PATH="+filepath.Join(dir, "bin")+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return filepath.Join(dir, ConfigName), env, nil
}

// directory is one that is being prepared.
type directory struct {
	dir, testdata, bin string
	speed              float64
}

func (d directory) claims() string { return filepath.Join(d.dir, "claims") }
func (d directory) logs() string   { return filepath.Join(d.dir, "logs") }

// settings is the environment of the day, without PATH.
func (d directory) settings() []string {
	return []string{
		"NOWCAST_LOGS=" + d.logs(),
		"NOWCAST_BIN=" + d.bin,
		EnvDay + "=" + filepath.Join(d.dir, "day.json"),
		EnvClaims + "=" + d.claims(),
		EnvSpeed + "=" + strconv.FormatFloat(d.speed, 'g', -1, 64),
	}
}

func (d directory) fill() error {
	if err := os.RemoveAll(d.claims()); err != nil {
		return err
	}
	for _, sub := range []string{d.claims(), d.logs(), filepath.Join(d.dir, "bin")} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return err
		}
	}
	for name, mode := range map[string]os.FileMode{"day.json": 0o644, "next_workers.star": 0o644, "bin/ssh": 0o755} {
		text, err := os.ReadFile(filepath.Join(d.testdata, name))
		if err != nil {
			return err
		}
		if err := d.write(name, string(text), mode); err != nil {
			return err
		}
	}
	if err := d.envvars(); err != nil {
		return err
	}
	return d.config()
}

func (d directory) write(name, text string, mode os.FileMode) error {
	file := filepath.Join(d.dir, name)
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		return err
	}
	return os.Chmod(file, mode) // also if it was there before, with another mode
}

// envvars writes what the played remote host sources: it has nothing else of our environment.
func (d directory) envvars() error {
	text := "# What the played remote host sets.\n"
	for _, setting := range d.settings() {
		text += "export " + setting + "\n"
	}
	return d.write("envvars.sh", text, 0o644)
}

func (d directory) config() error {
	text, err := os.ReadFile(filepath.Join(d.testdata, ConfigName))
	if err != nil {
		return err
	}
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	config := string(text)
	for _, change := range [][2]string{
		{standardBin, d.bin},
		{standardDir, d.dir},
		{standardManager, fmt.Sprintf("manager: %d", ports[0])},
		{standardWorkers, fmt.Sprintf("workers: %d", ports[1])},
	} {
		if !strings.Contains(config, change[0]) {
			return fmt.Errorf("%s has no %q, which is to be replaced", filepath.Join(d.testdata, ConfigName), change[0])
		}
		config = strings.ReplaceAll(config, change[0], change[1])
	}
	return d.write(ConfigName, config, 0o644)
}

// freePorts finds ports that nobody listens to. All are held until the last is found, so that they differ.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
