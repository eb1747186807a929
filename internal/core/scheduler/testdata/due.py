"""Due times as the Python package schedule computes them.

Reads one JSON object a line: {"every": UNIT, "at": TIME or "", "start": [Y, M, D, h, m, s, us], "late": [seconds, ...]};
writes the due times as a JSON list of such lists. The clock stands still at start, then so much later than each due time.
"""
import datetime
import json
import sys
import types

import schedule


class Clock(datetime.datetime):
    """datetime with a clock that is set by hand."""

    time_now = None

    @classmethod
    def now(cls):
        return cls.time_now


schedule.datetime = types.SimpleNamespace(datetime=Clock, timedelta=datetime.timedelta, time=datetime.time)

for line in sys.stdin:
    entry = json.loads(line)
    Clock.time_now = datetime.datetime(*entry["start"])
    job = getattr(schedule.Scheduler().every(), entry["every"])
    try:
        if entry["at"]:
            job = job.at(entry["at"])
        job.do(lambda: None)
    except (schedule.ScheduleError, TypeError) as e:
        print(json.dumps({"error": str(e)}), flush=True)
        continue
    due = []
    for late in entry["late"]:
        t = job.next_run
        due.append([t.year, t.month, t.day, t.hour, t.minute, t.second, t.microsecond])
        Clock.time_now = t + datetime.timedelta(seconds=late)
        job.run()
    print(json.dumps({"due": due}), flush=True)
