package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// What a service of Type=notify tells systemd. Without systemd all of it does nothing. Errors are not looked at: systemd
// sees by itself that it hears nothing.

func serviceReady()    { daemon.SdNotify(false, daemon.SdNotifyReady) }
func serviceStopping() { daemon.SdNotify(false, daemon.SdNotifyStopping) }
func serviceReloading() {
	daemon.SdNotify(false, daemon.SdNotifyReloading+"\n"+daemon.SdNotifyMonotonicUsec())
}
func serviceAlive() { daemon.SdNotify(false, daemon.SdNotifyWatchdog) }

// aliveEvery is how often systemd wants to hear that this process works (WatchdogSec=); 0: it does not ask.
func aliveEvery() time.Duration {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0
	}
	return limit / 2
}

// watchdog tells systemd that this daemon works as long as its own loop answers, until ctx ends. A loop that does not is
// killed and started again by systemd, which is better than one that hangs at 05:40 and looks alive.
func watchdog(ctx context.Context, logger *slog.Logger, every time.Duration, alive func(context.Context) error) {
	if every == 0 {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		asked, cancel := context.WithTimeout(ctx, every)
		err := alive(asked)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			serviceAlive()
		default:
			logger.Error("the daemon's own loop does not answer; systemd kills it when that goes on", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
