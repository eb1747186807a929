"""The manager of section 1: python manager.py [--ignore-checklist] CONFIG"""

import importlib
import logging
import os
import pprint
import subprocess
import sys

import yaml
import zmq

from framework import Config, on_signals, set_up_logging


class NextWorker:
    """What a next_workers module returns."""

    def __init__(self, module, args=(), host="localhost"):
        self.module, self.args, self.host = module, list(args), host

    def __repr__(self):
        return f"NextWorker(module={self.module!r}, args={self.args!r}, host={self.host!r})"

    def launch(self, config, logger):
        if self.host == "localhost":
            cmd = [config["python"], "-m", self.module, config.file, *self.args]
        else:
            host = config["run"]["enabled hosts"][self.host]
            cmd = ["ssh", self.host, "source", host["envvars"], ";", host["python"], "-m", self.module, host["config file"], *self.args]
        logger.info(f"launching {self.module}")
        logger.debug(f"cmd = {cmd}")
        subprocess.Popen(cmd)


class Message:
    """What an after_ function gets first."""

    def __init__(self, source, type, payload=None):
        self.source, self.type, self.payload = source, type, payload


# next_workers modules say "from nemo_nowcast import NextWorker".
sys.modules["nemo_nowcast"] = sys.modules[__name__]


class Manager:
    def __init__(self, config):
        self.config = config
        self.logger = set_up_logging(config, "manager")
        self.checklist = {}
        self.missing, self.held = set(), []  # the race condition barrier: who must report, and what waits for that

    def connect(self):
        name = self.config["message registry"]["next workers module"]
        try:
            self.next_workers = importlib.import_module(name)
        except ImportError:
            self.logger.critical(f"could not find next workers module: {name}")
            raise
        self.changed = self.module_time()
        self.logger.info(f"next workers module loaded from {name}")
        zmq_ = self.config["zmq"]
        self.socket = zmq.Context.instance().socket(zmq.REP)
        self.socket.connect(f"tcp://{zmq_['host']}:{zmq_['ports']['manager']}")
        self.logger.info(f"connected to {zmq_['host']} port {zmq_['ports']['manager']}")

    def module_time(self):
        return os.stat(self.next_workers.__file__).st_mtime_ns

    def load_checklist(self):
        file = self.config["checklist file"]
        try:
            with open(file, encoding="utf-8") as f:
                self.checklist = yaml.safe_load(f)
        except FileNotFoundError as e:
            self.logger.warning(f"checklist load failed: {e}")
            self.logger.warning("running with empty checklist")
            return
        self.logger.info(f"checklist read from {file}")
        self.logger.info(f"checklist:\n{pprint.pformat(self.checklist)}")

    def write_checklist(self):
        with open(self.config["checklist file"], "w", encoding="utf-8") as f:
            yaml.dump(self.checklist, f)

    def run(self):
        while True:
            self.logger.debug("listening...")
            while not self.socket.poll(100):  # ms: a signal is noticed
                pass
            message = yaml.safe_load(self.socket.recv_string())
            type_, payload, launches = self.handle(Message(message["source"], message["type"], message["payload"]))
            self.socket.send_string(yaml.dump({"source": "manager", "type": type_, "payload": payload}))
            for worker in launches:
                worker.launch(self.config, self.logger)

    def handle(self, msg):
        """Take the steps of section 1; return the reply's type and payload, and what to launch when it is sent."""
        registry = self.config["message registry"]["workers"]
        if msg.source not in registry:
            self.logger.error(f"message received from unregistered worker: {msg.source}")
            return "unregistered worker", None, []
        if msg.type not in registry[msg.source]:
            self.logger.error(f"unregistered message type received from {msg.source} worker: {msg.type}")
            return "unregistered message type", None, []
        self.logger.debug(f"received message from {msg.source}: ({msg.type}) {registry[msg.source][msg.type]}")
        if msg.type == "clear checklist":
            return self.clear_checklist()
        if msg.type == "need":
            return "ack", self.checklist[msg.payload], []
        if msg.payload is not None:
            self.update_checklist(registry[msg.source]["checklist key"], msg)
        return self.follow(msg)

    def clear_checklist(self):
        log = logging.getLogger("checklist")
        if log.handlers:
            self.logger.info("writing checklist to log file")
            log.info(f"checklist:\n{pprint.pformat(self.checklist)}")
        self.checklist.clear()
        self.write_checklist()
        self.logger.info("checklist cleared")
        return "checklist cleared", None, []

    def update_checklist(self, key, msg):
        try:
            self.checklist[key].update(msg.payload)
        except (KeyError, AttributeError, TypeError, ValueError):
            self.checklist[key] = msg.payload
        self.write_checklist()
        self.logger.info(f"checklist updated with [{key}] items from {msg.source} worker")

    def follow(self, msg):
        if self.module_time() != self.changed:
            self.next_workers, self.changed = importlib.reload(self.next_workers), self.module_time()
        try:
            after = getattr(self.next_workers, f"after_{msg.source}")
        except AttributeError:
            self.logger.critical(f"could not find after_{msg.source} in {self.next_workers.__name__} module")
            return "no after_worker function", None, []
        result = after(msg, self.config, self.checklist)
        if isinstance(result, tuple):
            launches, self.missing = result[0], set(result[1])
            self.held = []
            self.logger.debug(f"race condition management activated: {self.missing}")
            return "ack", None, launches
        if msg.source not in self.missing:
            return "ack", None, result
        self.missing.discard(msg.source)
        self.held += result
        self.logger.debug(f"race condition management updated: {self.missing} {self.held}")
        if self.missing:
            return "ack", None, []
        self.logger.debug(f"race condition management ended; next workers released: {self.held}")
        return "ack", None, self.held


def main():
    manager = Manager(Config(sys.argv[-1]))
    on_signals(manager.logger)
    manager.connect()
    if "--ignore-checklist" not in sys.argv:
        manager.load_checklist()
    manager.run()


if __name__ == "__main__":
    main()
