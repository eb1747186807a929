package config

import (
	"net/url"
	"strings"
	"time"
)

// History says how much of what has happened the state database keeps, beside what it needs.
type History struct {
	Keep time.Duration // keep: how long; default 90 days
	Size int64         // size: and how many bytes at most; default 2 GB
}

const stateRemedy = "write postgres://USER@HOST/DATABASE, or leave state out for a file in the state directory"

// storage reads state and history.
func (c *Config) storage(top node) {
	text, n := top.text("state", "")
	if c.State = n.expand(text); c.State != "" {
		n.checkDatabase(c.State)
	}
	c.History = History{Keep: 90 * 24 * time.Hour, Size: 2_000_000_000}
	section, ok := top.section("history", "")
	if !ok {
		return
	}
	if keep, ok := section.child("keep"); ok {
		c.History.Keep = keep.duration()
	}
	if size, ok := section.child("size"); ok {
		c.History.Size = int64(size.size())
	}
	section.unknownKeys("keep", "size")
}

// checkDatabase checks the URL of a database. It never shows it: there may be a password in it.
func (n node) checkDatabase(text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		n.errorf(stateRemedy, "cannot be read as a URL")
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		n.errorf(stateRemedy, "does not begin with postgres:// or postgresql://")
	case strings.Trim(u.Path, "/") == "" && !u.Query().Has("dbname"):
		n.errorf(stateRemedy, "names no database")
	default:
		if _, has := u.User.Password(); has || u.Query().Has("password") {
			n.warnf("put it into ~/.pgpass, or a file named by PGPASSFILE", "contains a password, which everybody can read who can read this file")
		}
	}
}
