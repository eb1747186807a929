package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"nowcast/internal/core/wire"
)

const pythonWorkers = `
    peer:
      checklist key: peer
      success: it went well
      failure: it did not
      crash: it broke
      need: wants to know
      clear checklist: wants it empty
    sharer: {checklist key: peer, success: it went well}
    odd: {checklist key: '2031-05-17', success: it went well}
    keyless: {success: it went well}
    unruled: {checklist key: unruled, success: it went well}
    raising: {checklist key: raising, success: it went well}
`

const pythonRules = `
def after_peer(msg, config, checklist):
    return []

after_sharer = after_peer
after_odd = after_peer
after_keyless = after_peer

def after_raising(msg, config, checklist):
    return [NextWorker(msg.payload["no such key"])]
`

// TestAPythonPeerCannotTellTheDifference has real pyzmq and PyYAML on the other side; what it says and how it checks the
// answers is in testdata/python/conversation.py.
func TestAPythonPeerCannotTellTheDifference(t *testing.T) {
	t.Parallel()
	s := newSystem(t, pythonWorkers, pythonRules)
	s.start("broker")
	s.start("manager")
	const random = 300
	python := exec.CommandContext(t.Context(), "/usr/bin/python3", "../../testdata/python/conversation.py",
		wire.TCP("127.0.0.1", s.port), filepath.Join(s.dir, "checklist.yaml"), "20310517", fmt.Sprint(random))
	var stderr bytes.Buffer
	python.Stderr = &stderr
	out, err := python.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := python.Start(); err != nil {
		t.Fatalf("start python with zmq and yaml (Debian: python3-zmq, python3-yaml): %v", err)
	}
	cases := 0
	for lines := bufio.NewScanner(out); lines.Scan(); cases++ {
		var result struct{ Name, Wrong string }
		if err := json.Unmarshal(lines.Bytes(), &result); err != nil {
			t.Fatal(err)
		}
		if result.Wrong != "" {
			t.Errorf("%s: %s", result.Name, result.Wrong)
		}
	}
	if err := python.Wait(); err != nil {
		t.Errorf("python: %v\n%s", err, stderr.String())
	}
	if want := 75 + random; cases < want {
		t.Errorf("got %d cases, want at least %d", cases, want)
	}
}
