import os
import time

from worker import Worker


def work(args, worker):
    while not os.path.exists(args.file):
        time.sleep(0.01)


worker = Worker("waits")
worker.parser.add_argument("file")
worker.run(work)
