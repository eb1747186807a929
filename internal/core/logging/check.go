package logging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nowcast/internal/core/config"
	"nowcast/internal/core/pyyaml"
)

// aggregatorName is the process that takes what others publish, and publishes nothing itself.
const aggregatorName = "log_aggregator"

// Check reads what every role uses of the section, and opens nothing. What could not work is an error; what is accepted and
// not done is a warning. Both are in the order of the file.
func Check(c *config.Config) (wrong, warnings config.Errors) {
	for _, part := range parts(c) {
		s, err := part.parse(c)
		if err != nil {
			var errs config.Errors
			errors.As(err, &errs)
			wrong = append(wrong, errs...)
			continue
		}
		warnings = append(warnings, s.warnings...)
		for _, h := range s.handlers {
			if problem := h.noDirectory(); problem != "" {
				wrong = append(wrong, c.Complaint(problem, "make it, or correct filename", slices.Concat(part, []string{"handlers", h.name, "filename"})...))
			}
		}
	}
	if w, ok := NotWritten(c); ok {
		warnings = append(warnings, w)
	}
	byLine := func(a, b config.Error) int { return a.Line - b.Line }
	slices.SortStableFunc(wrong, byLine)
	slices.SortStableFunc(warnings, byLine)
	return wrong, warnings
}

// partKeys are the keys of one dictConfig mapping.
type partKeys []string

func parts(c *config.Config) []partKeys {
	switch {
	case c.Logging == nil:
		return nil
	case !distributed(c):
		return []partKeys{{"logging"}}
	}
	all := []partKeys{{"logging", "publisher"}}
	if _, ok := c.Logging.Get("aggregator"); ok {
		all = append(all, partKeys{"logging", "aggregator"})
	}
	return all
}

func (k partKeys) parse(c *config.Config) (*section, error) {
	if len(k) == 1 {
		return parseDict(c, c.Logging, k...)
	}
	return parsePart(c, k[1])
}

// noDirectory tells what is wrong with the directory of a file, "" if there is no file or nothing wrong.
func (h handlerSpec) noDirectory() string {
	if h.path == "" {
		return ""
	}
	dir := filepath.Dir(h.path)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("is in %s, which does not exist", dir)
	case err != nil:
		return fmt.Sprintf("is in a directory that cannot be used: %v", err)
	case !info.IsDir():
		return fmt.Sprintf("is in %s, which is not a directory", dir)
	}
	return ""
}

// NotWritten returns the warning that nothing writes the files of logging: aggregator yet, and whether there are such files.
func NotWritten(c *config.Config) (config.Error, bool) {
	if c.Logging == nil || !distributed(c) {
		return config.Error{}, false
	}
	v, _ := c.Logging.Get("aggregator")
	part, _ := v.(*pyyaml.Map)
	v, _ = part.Get("handlers")
	handlers, _ := v.(*pyyaml.Map)
	var files []string
	for _, v := range handlers.All() {
		h, _ := v.(*pyyaml.Map)
		if v, _ := h.Get("filename"); v != nil {
			if name, ok := v.(string); ok {
				files = append(files, absolute(c, name))
			}
		}
	}
	if len(files) == 0 {
		return config.Error{}, false
	}
	return c.Complaint("is not acted upon yet: nothing writes "+strings.Join(files, ", "),
		"look at the log in the console or with nowcastd logs, or let the handlers of logging: publisher write files", "logging", "aggregator"), true
}
