package wirebench

import (
	"fmt"
	"testing"
)

func TestLoadCountsEveryRequestThroughTheBareProxy(t *testing.T) {
	front, back, stop, err := BareProxy()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	stopReply, err := ConstantReply(back, []byte("ok"))
	if err != nil {
		t.Fatal(err)
	}
	defer stopReply()
	const clients, requests = 7, 1000
	seen := make([][]int, clients)
	result, err := Load(front, clients, requests, func(client, i int) []byte {
		seen[client] = append(seen[client], i)
		return []byte(fmt.Sprint(client, i))
	})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for client, is := range seen {
		for want, got := range is {
			if got != want {
				t.Fatalf("client %d: got request %d, want %d", client, got, want)
			}
		}
		total += len(is)
	}
	if total != requests || result.Requests != requests {
		t.Errorf("requests: got %d, reported %d, want %d", total, result.Requests, requests)
	}
	if !(0 < result.P50 && result.P50 <= result.P90 && result.P90 <= result.P99 && result.P99 <= result.Most && result.Most <= result.Elapsed) {
		t.Errorf("latencies are not in order: %v", result)
	}
}
