import sys

from worker import Worker, date


def work(args, worker):
    return {args.forecast: {"run date": args.run_date, "hours": 48, "missing": None, "area": 2.5, "by": "Ömer ☂"}, "argv": sys.argv[2:]}


worker = Worker("download")
worker.parser.add_argument("forecast", choices=["00", "06"])
worker.parser.add_argument("--run-date", type=date)
worker.run(work, lambda args: "success " + args.forecast, lambda args: "failure " + args.forecast)
