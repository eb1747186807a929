package logging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"nowcast/internal/core/config"
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
	case !c.Distributed():
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
