"""The worker life cycle of section 3, for the modules in day/.

    worker = Worker("grid")
    worker.parser.add_argument("forecast")
    worker.run(work, success=lambda args: "success " + args.forecast)
"""

import argparse
import datetime

import yaml
import zmq

from framework import Config, WorkerError, on_signals, set_up_logging

__all__ = ["Worker", "WorkerError", "date"]


def date(text):
    """The type of a date option."""
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise argparse.ArgumentTypeError(f"unrecognized date format: {text} - please use YYYY-MM-DD") from None


class Worker:
    def __init__(self, name):
        self.name = name
        self.parser = argparse.ArgumentParser(prog=name)
        self.parser.add_argument("config_file")
        self.parser.add_argument("--debug", action="store_true")

    def run(self, work, success=lambda args: "success", failure=lambda args: "failure"):
        """Run work(args, worker), which returns what is to go into the checklist, and tell the manager how it went."""
        args = self.parser.parse_args()
        self.debug = args.debug
        self.config = Config(args.config_file)
        self.logger = set_up_logging(self.config, self.name, worker=True, debug=self.debug)
        on_signals(self.logger)
        self.connect()
        try:
            try:
                checklist = work(args, self)
                self.tell_manager(success(args), checklist)
            except WorkerError:
                self.tell_manager(failure(args))
        except Exception:
            self.logger.critical("unhandled exception:", exc_info=True)
            self.tell_manager("crash")
        self.logger.debug("shutting down")

    def connect(self):
        if self.debug:
            self.logger.debug("**debug mode** no connection to manager")
            return
        host, port = self.config["zmq"]["host"], self.config["zmq"]["ports"]["workers"]
        self.socket = zmq.Context.instance().socket(zmq.REQ)
        self.socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        self.socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 900)
        self.socket.connect(f"tcp://{host}:{port}")
        self.logger.info(f"connected to {host} port {port}")

    def tell_manager(self, type_, payload=None):
        """Send a message, and return what the reply brings."""
        registry = self.config["message registry"]
        file = self.config.file
        if self.name not in registry["workers"]:
            raise WorkerError(f"worker not found in {file} message registry: {self.name}")
        if type_ not in registry["workers"][self.name]:
            raise WorkerError(f"message type not found for {self.name} worker in {file} message registry: {type_}")
        words = registry["workers"][self.name][type_]
        if self.debug:
            self.logger.debug(f"**debug mode** message that would have been sent to manager: ({type_} {words})")
            return None
        self.socket.send_string(yaml.dump({"source": self.name, "type": type_, "payload": payload}))
        self.logger.debug(f"sent message: ({type_}) {words}")
        reply = yaml.safe_load(self.socket.recv_string())
        if reply["type"] not in registry["manager"]:
            raise WorkerError(f"message type not found for manager in {file} message registry: {reply['type']}")
        words = registry["manager"][reply["type"]]
        self.logger.debug(f"received message from {reply['source']}: ({reply['type']}) {words}")
        return reply["payload"]
