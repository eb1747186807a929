package demo

import "time"

// gaps is how much time passes, in the real day, between the message before and one of this worker. They are made up, but
// plausible, and add up to the five hours from the first message to the last.
var gaps = map[string]time.Duration{
	"collect_weather":          17 * time.Minute,
	"crop_gribs":               4 * time.Minute,
	"grib_to_netcdf":           6 * time.Minute,
	"collect_river_data":       15 * time.Second,
	"download_live_ocean":      5 * time.Minute,
	"make_live_ocean_files":    4 * time.Minute,
	"make_ssh_files":           2 * time.Minute,
	"upload_forcing":           40 * time.Second,
	"run_NEMO":                 90 * time.Second,
	"watch_NEMO":               18 * time.Minute,
	"make_ww3_wind_file":       time.Minute,
	"make_ww3_current_file":    2 * time.Minute,
	"watch_ww3":                9 * time.Minute,
	"download_results":         3 * time.Minute,
	"make_plots":               2 * time.Minute,
	"make_averaged_dataset":    3 * time.Minute,
	"update_forecast_datasets": time.Minute,
	"ping_erddap":              20 * time.Second,
	"clear_checklist":          time.Minute,
}

// usualGap is that of every other worker.
const usualGap = 50 * time.Second

// schedule returns when each message is due, counted from the first. It is monotone in the recorded order, so that the day
// goes as it went without anybody forcing it to.
func schedule(d *Day) []time.Duration {
	at := make([]time.Duration, len(d.Steps))
	for i := 1; i < len(at); i++ {
		gap, ok := gaps[d.Steps[i].Message.Source]
		if !ok {
			gap = usualGap
		}
		at[i] = at[i-1] + gap
	}
	return at
}

// Length is the time from the first message of the day to the last.
func (p *Plan) Length() time.Duration {
	at := schedule(p.Day)
	return at[len(at)-1]
}
