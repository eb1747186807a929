import time

from worker import Worker


def work(args, worker):
    time.sleep(args.sleep_time)
    return {"sleep time": args.sleep_time}


def success(args):
    worker.logger.info(f"slept for {args.sleep_time} seconds")
    return "success"


worker = Worker("sleep")
worker.parser.add_argument("--sleep-time", type=int, default=5)
worker.run(work, success)
