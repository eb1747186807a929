package workers_test

import (
	"context"
	"path/filepath"
	"time"

	"nowcast/workers"
)

// A worker that fetches a file, asks the manager what has been done before, and reports what it did.
func Example() {
	workers.Main(workers.Worker{
		Name:        "download_tides",
		Description: "Download the tide tables of a day.",
		Flags: func(f *workers.Flags) {
			f.Argument("region", "Region whose tides are wanted.", "north", "south")
			f.Date("run-date", time.Now(), "Date of the tides.")
		},
		Work: func(ctx context.Context, w *workers.Run) (any, error) {
			weather, err := w.Tell("need", "weather forecast")
			if err != nil {
				return nil, err
			}
			if weather.Payload == nil {
				return nil, workers.Errorf("there is no weather forecast for %s yet", w.Date("run-date").Format(time.DateOnly))
			}
			dir, _ := w.Config("tides", "dest dir").(string)
			url, _ := w.Config("tides", "urls", w.String("region")).(string)
			file := filepath.Join(dir, w.String("region")+".csv")
			if err := w.Download(ctx, url, file); err != nil {
				return nil, err
			}
			return map[string]any{w.String("region"): file}, nil
		},
		Success: func(w *workers.Run) string { return "success " + w.String("region") },
		Failure: func(w *workers.Run) string { return "failure " + w.String("region") },
	})
}
