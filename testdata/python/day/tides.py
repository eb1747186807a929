import time

import yaml

from worker import Worker, WorkerError


def work(args, worker):
    """Fail, but not before grid is in the checklist file."""
    while True:
        with open(worker.config["checklist file"], encoding="utf-8") as f:
            checklist = yaml.safe_load(f)  # None while the reference manager writes it
        if checklist and "grid" in checklist:
            worker.logger.error("the tide gauge does not answer")
            raise WorkerError
        time.sleep(0.01)


Worker("tides").run(work)
