package manager

import (
	"context"
	"errors"

	"nowcast/internal/core/control"
)

// ping is a command that only Ping gives.
const ping = "ping"

// Ping returns nil once the loop has answered. It changes nothing, and answers although the store is in trouble.
func (m *Manager) Ping(ctx context.Context) error {
	if r := m.Do(ctx, control.Request{Command: ping}); r.Error != "" {
		return errors.New(r.Error)
	}
	return nil
}
