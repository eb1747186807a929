from nemo_nowcast import NextWorker


def after_sleep(msg, config, checklist):
    return [NextWorker("day.download", args=["06", "--run-date", "2031-05-17"])]


def after_download(msg, config, checklist):
    if msg.type != "success 06":
        return []
    return [NextWorker("day.grid", args=[config["resolution"]]), NextWorker("day.tides")], set(["grid", "tides"])


def after_grid(msg, config, checklist):
    return [NextWorker("day.publish", args=["it's " + checklist["grid"]["file"] + ' of "today"'])]


def after_tides(msg, config, checklist):
    return []


def after_publish(msg, config, checklist):
    return [NextWorker("day.verify", host="cluster")] if msg.type == "success" else []


def after_verify(msg, config, checklist):
    return []


def after_clear_checklist(msg, config, checklist):
    return []


def after_awaken(msg, config, checklist):
    return []


def after_waits(msg, config, checklist):
    return []


def after_talks(msg, config, checklist):
    return []


def after_rotate_logs(msg, config, checklist):
    return []
