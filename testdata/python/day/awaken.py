from worker import Worker


def success(_):
    worker.logger.info("awoke")
    return "success"


worker = Worker("awaken")
worker.run(lambda args, worker: {"awoke": True}, success)
