package main

import (
	"strconv"
	"strings"
)

// phrases are what each worker logs when it begins and when it is done. {0}, {1}, ... are its arguments, {*} all of them.
var phrases = map[string][2]string{
	"download_weather":           {"downloading the {1} forecast of {0} UTC", "{1} forecast of {0} UTC downloaded: 576 files"},
	"collect_weather":            {"waiting for the {1} forecast of {0} UTC", "{1} forecast of {0} UTC complete: 576 files moved"},
	"crop_gribs":                 {"cropping the forecast of {0} UTC as its files arrive", "forecast of {0} UTC cropped to the model area: 528 files"},
	"collect_river_data":         {"reading discharge of {1} from {0}", "daily mean discharge of {1} appended"},
	"make_runoff_file":           {"computing runoff for bathymetry {0}", "runoff file for bathymetry {0} written"},
	"collect_NeahBay_ssh":        {"fetching Neah Bay water level of {0} UTC", "Neah Bay water level of {0} UTC stored"},
	"make_ssh_files":             {"computing boundary water level for {0}", "boundary water level for {0} written: 1 observed, 3 forecast days"},
	"grib_to_netcdf":             {"converting weather for {0}", "weather for {0} written: 3 days of 24 hours"},
	"get_onc_ctd":                {"requesting CTD data of {0}", "CTD data of {0} stored: 5760 samples"},
	"get_onc_ferry":              {"requesting ferry data of {0}", "ferry data of {0} stored: 8 crossings"},
	"get_vfpa_hadcp":             {"reading current meter data", "current meter data stored"},
	"download_live_ocean":        {"waiting for the outer ocean forecast", "outer ocean forecast downloaded: 312 MB"},
	"make_live_ocean_files":      {"interpolating temperature and salinity to the boundary", "boundary temperature and salinity written"},
	"make_turbidity_file":        {"reading Fraser River turbidity", "Fraser River turbidity written"},
	"upload_forcing":             {"uploading {1} input files to {0}", "{1} input files uploaded to {0}"},
	"make_forcing_links":         {"linking {1} input files on {0}", "{1} input files linked on {0}"},
	"run_NEMO":                   {"preparing the {1} run on {0}", "{1} run started on {0}: 198 processes"},
	"watch_NEMO":                 {"{1} run on {0}: time step 1", "{1} run on {0}: finished"},
	"make_ww3_wind_file":         {"writing wind for the {1} wave run", "wind for the {1} wave run written"},
	"make_ww3_current_file":      {"writing currents for the {1} wave run", "currents for the {1} wave run written"},
	"run_ww3":                    {"preparing the {1} wave run on {0}", "{1} wave run started on {0}"},
	"watch_ww3":                  {"{1} wave run on {0}: time step 1", "{1} wave run on {0}: finished"},
	"download_results":           {"downloading {1} results from {0}", "{1} results downloaded from {0}: 9.4 GB"},
	"download_wwatch3_results":   {"downloading {1} wave results from {0}", "{1} wave results downloaded from {0}: 1.1 GB"},
	"make_CHS_currents_file":     {"averaging {0} currents of the upper layers", "{0} currents written"},
	"make_averaged_dataset":      {"averaging {1} over the {0}", "{0} average of {1} written"},
	"update_forecast_datasets":   {"linking {1} results into the rolling {0} forecast", "rolling {0} forecast reaches from 5 days ago to the {1}"},
	"ping_erddap":                {"telling the data server of new {0} data", "flag files for {0} written"},
	"make_plots":                 {"drawing {0} {1} {2} figures", "{0} {1} {2} figures drawn"},
	"make_surface_current_tiles": {"drawing {0} surface currents", "{0} surface currents drawn: 48 tiles"},
	"make_feeds":                 {"looking for storm surges in the {0}", "{0} feeds written: no alerts"},
	"clear_checklist":            {"requesting that manager clear system state checklist", "nowcast system checklist cleared"},
	"rotate_logs":                {"rotating log files", "log files rotated"},
}

// talk returns the two lines of a worker with its arguments filled in.
func talk(name string, args []string) [2]string {
	lines, ok := phrases[name]
	if !ok {
		lines = [2]string{"starting {*}", "done {*}"}
	}
	fill := []string{"{*}", strings.Join(args, " ")}
	for i := range 3 {
		arg := "?"
		if i < len(args) {
			arg = args[i]
		}
		fill = append(fill, "{"+strconv.Itoa(i)+"}", arg)
	}
	r := strings.NewReplacer(fill...)
	return [2]string{r.Replace(lines[0]), r.Replace(lines[1])}
}
