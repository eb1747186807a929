"""Rules as users write them, for tests: what is launched when a worker of a small forecast has reported."""

import ctypes
import datetime
import logging
import os
import sys
import time

from nemo_nowcast import NextWorker

from forecast.hours import hours

logger = logging.getLogger("forecast.rules")


def after_weather(msg, config, checklist):
    next_workers = {"crash": [], "failure": [], "success": []}
    if msg.type == "success":
        run_date = msg.payload["run date"]
        print("weather of", run_date, "is there")
        if "12" not in checklist["weather"]:
            logger.warning("no forecast %s", 12)
        day_before = run_date - datetime.timedelta(days=1)
        next_workers["success"] = [
            NextWorker("forcing", args=["--run-date", run_date, "--hours", hours(config, "forecast")]),
            NextWorker("runoff", args=[f"{day_before:%Y-%m-%d}"]),
        ]
        return next_workers["success"], {"forcing", "runoff"}
    return next_workers[msg.type]


def after_forcing(msg, config, checklist):
    return []


def after_runoff(msg, config, checklist):
    if msg.type != "success":
        return None
    weather = checklist["weather"]
    start = datetime.datetime.combine(weather["run date"], datetime.time(int(weather["forecast"])))
    yield NextWorker("model", args=[start.isoformat(), hours(config, "forecast"), checklist["forcing"]["files"]])


def after_model(msg, config, checklist):
    if msg.type == "success":
        return NextWorker("weather", args=[checklist["weather"]["run date"]])


def after_evil(msg, config, checklist):
    if msg.payload == "raise":
        return deeper(checklist)
    if msg.payload == "hang":
        forever()
    if msg.payload == "exit":
        print("so long", file=sys.stderr)
        os._exit(7)
    if msg.payload == "crash":
        ctypes.string_at(0)
    if msg.payload == "nonsense":
        return 42
    if msg.payload == "wait":
        print("waiting to be killed")
        time.sleep(1000)
    return []


def deeper(payload):
    return payload["no such key"]


def forever():
    while True:
        pass
