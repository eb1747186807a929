from worker import Worker


def work(args, worker):
    raise ValueError("the forecast is\ntwo lines long ☂")


Worker("verify").run(work)
