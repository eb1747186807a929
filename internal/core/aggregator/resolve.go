package aggregator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"nowcast/internal/core/wire"
)

const (
	resolveEvery  = time.Minute
	resolveWithin = 5 * time.Second
)

// lookup finds the addresses of a host, as net.Resolver.LookupNetIP does.
type lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// resolve finds the addresses of publishers' hosts, at once after Subscribe and then every minute, until ctx ends. libzmq could
// do that, but on the thread that takes what arrives: while a name server is silent, we would hear nobody.
func (a *Aggregator) resolve(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.subscribed:
		case <-time.After(resolveEvery):
		}
		a.resolveAll(ctx)
	}
}

func (a *Aggregator) resolveAll(ctx context.Context) {
	var looking sync.WaitGroup
	for host := range a.names() {
		looking.Go(func() {
			within, cancel := context.WithTimeout(ctx, resolveWithin)
			defer cancel()
			found, err := a.o.lookup(within, "ip", host)
			if ctx.Err() == nil {
				a.resolved(host, found, err)
			}
		})
	}
	looking.Wait()
}

// names returns the hosts whose addresses are to be found.
func (a *Aggregator) names() map[string]bool {
	a.subscribing.Lock()
	defer a.subscribing.Unlock()
	names := map[string]bool{}
	for _, p := range a.publishers {
		if wire.Literal(p.Host) == "" {
			names[p.Host] = true
		}
	}
	return names
}

// resolved takes the answer about a host, and says what changes by it. An address that was found is kept until there is another one:
// a name server that is away for a while takes no records from us.
func (a *Aggregator) resolved(host string, found []netip.Addr, err error) {
	a.subscribing.Lock()
	defer a.subscribing.Unlock()
	of := a.publishersAt(host)
	if of == "" {
		return // left meanwhile
	}
	before, known := a.addresses[host]
	if err == nil && len(found) == 0 {
		err = errors.New("it has no address")
	}
	if err != nil {
		if !known && !a.missing[host] {
			a.missing[host] = true
			a.o.Logger.Warn(fmt.Sprintf("host %s is not found, so nothing is collected from %s: correct zmq: ports: logging, DNS or /etc/hosts; "+
				"it is looked for every minute", host, of), "err", err)
		}
		return
	}
	address := choose(found, before)
	if address == before {
		return
	}
	a.addresses[host] = address
	if err := a.connect(a.publishers); err != nil {
		a.addresses[host] = before
		a.o.Logger.Error("host has an address that cannot be used", "host", host, "err", err)
		return
	}
	switch {
	case a.missing[host]:
		a.o.Logger.Warn(fmt.Sprintf("host %s is found, at %s: from now on records are collected from %s", host, address, of))
	case known:
		a.o.Logger.Info(fmt.Sprintf("host %s is now at %s, no longer at %s", host, address, before))
	}
	delete(a.missing, host)
}

// choose returns the address to connect to: that of before if it still is one, since their order changes from answer to answer,
// or else IPv4, as libzmq would.
func choose(found []netip.Addr, before netip.Addr) netip.Addr {
	for i := range found {
		found[i] = found[i].Unmap()
	}
	if slices.Contains(found, before) {
		return before
	}
	return found[max(0, slices.IndexFunc(found, netip.Addr.Is4))]
}

// publishersAt names the publishers of a host. The caller holds subscribing, as does that of the others below.
func (a *Aggregator) publishersAt(host string) string {
	var of []string
	for _, p := range a.publishers {
		if p.Host == host {
			of = append(of, fmt.Sprintf("%s (port %d)", p.Name, p.Port))
		}
	}
	return strings.Join(of, ", ")
}

// endpoint returns where a publisher is, "" while that is not known.
func (a *Aggregator) endpoint(p Publisher) string {
	if literal := wire.Literal(p.Host); literal != "" {
		return wire.TCP(literal, p.Port)
	}
	if address, ok := a.addresses[p.Host]; ok {
		return wire.TCP(address.String(), p.Port)
	}
	return ""
}

// forgetHosts forgets those that no publisher has.
func (a *Aggregator) forgetHosts() {
	maps.DeleteFunc(a.addresses, func(host string, _ netip.Addr) bool { return a.publishersAt(host) == "" })
	maps.DeleteFunc(a.missing, func(host string, _ bool) bool { return a.publishersAt(host) == "" })
}
