# make demo    install what is missing, build, play a recorded forecast day and show it
# make test    all tests, with the race detector
# make bench   speed and memory, each next to its baseline
# make build   bin/nowcastd, bin/nowcast-tui and bin/standin

GO ?= go
SPEED ?= 100

.PHONY: demo build test bench check fuzz clean

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

test: check
	@packaging/install-deps test
	$(GO) test -race -timeout 8m ./...

bench: build
	@packaging/install-deps test
	$(GO) test -run '^$$' -bench . -benchtime 1x ./cmd/nowcastd/...

clean:
	rm -rf bin .demo
