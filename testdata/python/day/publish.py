import sys

from worker import Worker


def work(args, worker):
    weather = worker.tell_manager("need", "weather")
    return {"published": weather["06"], "argv": sys.argv[2:]}


worker = Worker("publish")
worker.parser.add_argument("title")
worker.run(work)
