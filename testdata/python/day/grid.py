import sys

from worker import Worker

worker = Worker("grid")
worker.parser.add_argument("resolution")
worker.run(lambda args, worker: {"file": "grid.nc", "argv": sys.argv[2:]})
