package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestDemo plays the day as make demo does where nobody watches.
func TestDemo(t *testing.T) {
	t.Parallel()
	bin, dir := t.TempDir(), filepath.Join(shortDir(t), "day")
	if out, err := exec.Command("go", "build", "-o", bin+"/", ".", "../../workers/standin").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	d := &child{Cmd: exec.Command(filepath.Join(bin, "nowcastd"), "demo", "--speed", "1500", "--data", salishsea, "--dir", dir), output: &output{}}
	d.Stdout, d.Stderr = d.output, d.output // and standard input is /dev/null
	began := time.Now()
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(2*time.Minute, func() { d.Process.Kill() })
	defer stuck.Stop()
	err := d.Wait()
	t.Logf("the day took %v", time.Since(began).Round(time.Second))
	text := d.output.String()
	if err != nil {
		t.Fatalf("demo ended with %v, want exit status 0\n%s", err, text)
	}
	for _, want := range []string{
		"all 120 recorded launches happened, with the recorded arguments and hosts, and nothing else did\n",
		"ID   STATE ", "succeeded ", "because of collect_weather: success 2.5km 18\n", " on arbutus.cloud-nowcast ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got the output\n%s\nwant it to have %q", text, want)
		}
	}
	for _, place := range []string{bin + "/", dir + "/"} {
		if left := processes(t, place); len(left) > 0 {
			for _, pid := range left {
				cmdline, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
				t.Errorf("process %d is left: %q", pid, cmdline)
			}
		}
	}
}
