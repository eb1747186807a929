"""The command line of flags_test.go as Python's argparse reads it. Each command line comes in as one line of JSON, and status,
output, error output and values go out as another."""

import argparse
import contextlib
import datetime
import io
import json
import sys

DEBUG_HELP = """Send logging output to the console instead of the log file, and suppress messages to the nowcast manager process.
    Nowcast system messages that would normally be sent to the manager are logged to the console, suppressing interactions
    with the manager such as launching other workers.
    Intended only for use when the worker is run in foreground from the command-line."""


def date(text):
    try:
        if len(text) != 10:
            raise ValueError
        return datetime.datetime.strptime(text, "%Y-%m-%d").strftime("%Y-%m-%d")
    except ValueError:
        raise argparse.ArgumentTypeError(f"unrecognized date format: {text} - please use YYYY-MM-DD")


def parser(size):
    p = argparse.ArgumentParser(prog="make_plots", description="Make the plots of a run.\n\nThey are " + "very " * 20 + "beautiful.")
    p.add_argument("config_file", help="Path/name of YAML configuration file for NEMO nowcast.")
    p.add_argument("--debug", action="store_true", help=DEBUG_HELP)
    if size == "large":
        p.add_argument("model", help="The model.")
        p.add_argument("run_type", choices=["nowcast", "forecast", "it's"], help="Type of run whose results are to be plotted, which is a long story.")
        p.add_argument("--run-date", type=date, default="2031-05-17", help="Date of the run. Use YYYY-MM-DD format. Defaults to 2031-05-17.")
        p.add_argument("--sleep-time", type=int, default=5, help="number of seconds to sleep for; defaults to 5")
        p.add_argument("--scale", type=float, default=1.0, help="Scale.")
        p.add_argument("--shared-storage", action="store_true", help="It is shared.")
        p.add_argument("--test-figure", default="", choices=["", "a", "b"])
    return p


for line in sys.stdin:
    request = json.loads(line)
    out, err, status, values = io.StringIO(), io.StringIO(), 0, {}
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            values = vars(parser(request["size"]).parse_args(request["args"]))
        except SystemExit as e:
            status = e.code
    print(json.dumps({"status": status, "out": out.getvalue(), "err": err.getvalue(), "values": values}), flush=True)
