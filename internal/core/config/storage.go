package config

import "time"

// History says how much of what has happened the state database keeps, beside what it needs.
type History struct {
	Keep time.Duration // keep: how long; default 90 days
	Size int64         // size: and how many bytes at most; default 2 GB
}

// storage reads state and history.
func (c *Config) storage(top node) {
	c.History = History{Keep: 90 * 24 * time.Hour, Size: 2_000_000_000}
}
