package migrate

import (
	"os"
	"strings"
	"testing"
)

// supervised copies the files of supervisord into an installation.
func supervised(t *testing.T) *installation {
	t.Helper()
	i := install(t)
	for _, name := range []string{"supervisord.ini", "conf.d/logs.conf"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		i.write(name, string(text))
	}
	i.o.Services = i.dir + "/supervisord.ini"
	return i
}

func TestEachProgramOfSupervisordGetsItsReplacement(t *testing.T) {
	i := supervised(t)
	i.runs(77, nil, "python3", "-m", "nemo_nowcast.manager", i.o.ConfigFile)
	r := i.examine()
	i.wants(r,
		"moving over: supervisord.ini:13: [program:message_broker] runs nemo_nowcast.message_broker > replace this line by\n"+
			"    command=/opt/bin/nowcastd broker %(ENV_BASE)s/nowcast.yaml\nand keep all others",
		"moving over: supervisord.ini:17: [program:manager] runs nemo_nowcast.manager > replace this line by\n"+
			"    command=pixi run -m /opt/SalishSeaNowcast /opt/bin/nowcastd manager --ignore-checklist %(ENV_BASE)s/nowcast.yaml\nand",
		"moving over: logs.conf:2: [program:log_aggregator] runs nemo_nowcast.log_aggregator > replace this line by\n"+
			"    command=bash -c \"/opt/bin/nowcastd log-aggregator %(ENV_BASE)s/nowcast.yaml\"\nand",
		"moving over: DIR/supervisord.ini has no program for the alerter, which tells people what goes wrong; NEMO_Nowcast has none > add to it\n"+
			"    [program:alerter]\n    command=/opt/bin/nowcastd alerter %(ENV_BASE)s/nowcast.yaml\n    autorestart=true",
		"must be done before: supervisord.ini:17: [program:manager] has stopsignal=KILL > write stopsignal=TERM",
		"will be different: supervisord.ini:17: [program:manager] has killasgroup=true",
		"must be done before: DIR/supervisord.ini runs the daemons as different users: the user of supervisord, ops > give all of them the same user=",
		"moving over: nemo_nowcast.manager runs as process 77 > stop it with supervisorctl stop manager")
	for _, f := range r.Findings {
		if line := i.line(f); strings.Contains(line, "sr_subscribe") || strings.Contains(line, "s3cret") {
			t.Errorf("got %s, want nothing about other programs, and no secret", line)
		}
	}
}

func TestProgramsWithoutAUserHaveThatOfSupervisord(t *testing.T) {
	i := supervised(t)
	text, err := os.ReadFile(i.o.Services)
	if err != nil {
		t.Fatal(err)
	}
	i.write("supervisord.ini", strings.Replace(string(text), "[supervisord]", "[supervisord]\nuser=ops", 1))
	for _, must := range i.musts(i.examine()) {
		if strings.Contains(must, "different users") {
			t.Errorf("got %s, but all run as ops", must)
		}
	}
}

func TestVariablesOfTheServicesFileCount(t *testing.T) {
	i := supervised(t)
	i.change("$(NOWCAST.ENV.BASE)/nowcast.log", "$(NOWCAST.ENV.NOWCAST_LOGS)/nowcast.log")
	i.change("message registry", "slack notifications:\n  SLACK_DAILY: [download]\n  SLACK_OTHER: [download]\nmessage registry")
	r := i.examine()
	if r.Incomplete {
		t.Errorf("got %v, want that NOWCAST_LOGS is known from supervisord.ini", i.musts(r))
	}
	i.wants(r, "worth a look: nowcast.yaml:13: slack notifications: SLACK_OTHER: environment variable SLACK_OTHER is not set, so nothing goes to this channel > "+
		"set it in environment= of the programs in DIR/supervisord.ini, or where supervisord is started, if this channel is in use")
	for _, f := range r.Findings {
		if strings.Contains(f.Text, "SLACK_DAILY is not set") {
			t.Errorf("got %s, but it is in supervisord.ini", f.Text)
		}
	}
	if r.Directory != i.dir {
		t.Errorf("got directory %s, want %s", r.Directory, i.dir)
	}
}

func TestCircusHasItsOwnForm(t *testing.T) {
	i := install(t)
	i.o.Services = "testdata/circus.ini"
	text, err := os.ReadFile(i.o.Services)
	if err != nil {
		t.Fatal(err)
	}
	i.write("circus.ini", string(text))
	i.o.Services = i.dir + "/circus.ini"
	i.wants(i.examine(), "moving over: circus.ini:5: [watcher:scheduler] runs nemo_nowcast.scheduler > replace this line by\n"+
		"    cmd = /opt/bin/nowcastd\n    args = scheduler /home/ops/nowcast.yaml\nand keep all others",
		"moving over: DIR/circus.ini has no program for the alerter, which tells people what goes wrong; NEMO_Nowcast has none > add to it\n"+
			"    [watcher:alerter]\n    cmd = /opt/bin/nowcastd\n    args = alerter /home/ops/nowcast.yaml\n    working_dir=/home/ops")
}

func TestAnAlerterThatIsThereIsNotAskedFor(t *testing.T) {
	i := supervised(t)
	text, err := os.ReadFile(i.o.Services)
	if err != nil {
		t.Fatal(err)
	}
	i.write("supervisord.ini", string(text)+"\n[program:alerter]\ncommand=/opt/bin/nowcastd alerter nowcast.yaml\n")
	for _, f := range i.examine().Findings {
		if strings.Contains(f.Text, "alerter") {
			t.Errorf("got %s", i.line(f))
		}
	}
}

func TestAServicesFileThatIsNoneIsAnErrorOrALine(t *testing.T) {
	i := install(t)
	i.write("x.ini", "command=x\n")
	i.o.Services = i.dir + "/x.ini"
	if _, err := Examine(t.Context(), i.o); err == nil || !strings.Contains(err.Error(), `x.ini:1: "command=x" stands before the first [section]`) {
		t.Errorf("got %v", err)
	}
	i.o.Services = i.dir + "/gone.ini"
	if _, err := Examine(t.Context(), i.o); err == nil || !strings.Contains(err.Error(), "gone.ini") {
		t.Errorf("got %v, want the file named", err)
	}
	i.write("x.ini", "[program:web]\ncommand=nginx\n")
	i.o.Services = i.dir + "/x.ini"
	i.wants(i.examine(), "worth a look: DIR/x.ini has no program that runs python -m nemo_nowcast.")
}
