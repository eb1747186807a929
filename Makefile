# make demo    install what is missing, build, play a recorded forecast day and show it
# make test    all tests, with the race detector
# make bench   speed and memory, each next to its baseline
# make soak    the recorded day 100 times in an hour, with hangups, rotations and edits of the rules all the time
# make faults  break it in every way that we know, and count what is lost; make test has a short form
# make build   bin/nowcastd, bin/nowcast-tui and bin/standin

GO ?= go
SPEED ?= 100

.PHONY: demo build test bench faults soak check clean

demo: build
	@bin/nowcastd demo --speed $(SPEED)

build:
	@packaging/install-deps build
	@mkdir -p bin
	$(GO) build -o bin/ ./cmd/nowcastd ./cmd/nowcast-tui ./workers/standin

check:
	@packaging/install-deps build
	@test -z "$$(gofmt -l cmd internal workers)" || { echo "not formatted:"; gofmt -l cmd internal workers; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags soak ./cmd/nowcastd

# None from the cache, which does not see that a program has changed that a test runs.
test: check
	@packaging/install-deps test
	$(GO) test -race -count=1 -timeout 8m ./...

bench: build
	@packaging/install-deps test
	$(GO) test -run '^$$' -bench . -benchtime 1x ./cmd/nowcastd/...

# Each fault N times at random points; FAULT=1,2 picks some; SEED=... repeats a run, which has printed its seed.
N ?= 100
faults: build
	@packaging/install-deps test
	FAULTS_N=$(N) FAULTS=$(FAULT) FAULTS_SEED=$(SEED) $(GO) test -count=1 -run '^TestFaults$$' -timeout 24h -v ./cmd/nowcastd

# SOAK=10m SOAK_DAYS=20 make soak is a short one.
soak: build
	@packaging/install-deps test
	$(GO) test -tags soak -run '^TestSoak$$' -timeout 3h -v ./cmd/nowcastd

clean:
	rm -rf bin .demo
