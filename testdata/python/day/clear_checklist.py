from worker import Worker


def work(_, worker):
    worker.logger.info("requesting that manager clear system state checklist")
    worker.tell_manager("clear checklist")


def success(_):
    worker.logger.info("nowcast system checklist cleared")
    return "success"


worker = Worker("clear_checklist")
worker.run(work, success)
