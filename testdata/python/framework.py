"""What broker.py, manager.py, worker.py and aggregator.py have in common.

Together they are a small NEMO_Nowcast, written from specs/nowcast-compat.md for tests of mixed operation: each behaves as the
specification says the *reference* does. They keep to the loopback interface where the reference binds all.
"""

import logging
import logging.config
import os
import re
import signal
import sys

import yaml
import zmq
import zmq.log.handlers


class WorkerError(Exception):
    """A worker's declared failure."""


class Config(dict):
    """The configuration, and the file it was read from."""

    def __init__(self, file):
        with open(file, encoding="utf-8") as f:
            super().__init__(yaml.safe_load(f))
        self.file = file
        for key in "checklist file", "python":
            if key in self:
                self[key] = expand(self[key])
        sections = self["logging"]
        for section in [sections["publisher"], sections["aggregator"]] if "publisher" in sections else [sections]:
            for handler in section["handlers"].values():
                if "filename" in handler:
                    handler["filename"] = expand(handler["filename"])


def expand(value):
    return re.sub(r"\$\(NOWCAST\.ENV\.(\w+)\)", lambda m: os.environ[m[1]], value)


def endpoints(config, name):
    """The entries of zmq: ports: logging for a process, as (host, port)."""
    entries = config["zmq"]["ports"]["logging"][name]
    for entry in entries if isinstance(entries, list) else [entries]:
        host, _, port = str(entry).rpartition(":")
        yield host or config["zmq"]["host"], int(port)


def set_up_logging(config, name, worker=False, debug=False):
    """Configure logging for the process called name; return its logger. What it has to say about that is said at once."""
    distributed = "publisher" in config["logging"]
    section = config["logging"]
    if distributed:
        section = section["aggregator" if name == "log_aggregator" else "publisher"]
    if debug:
        section = {"version": 1, "handlers": {"console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}}}
        section["root"] = {"level": "DEBUG", "handlers": ["console"]}
    publishing = ""
    for handler in section["handlers"].values():
        if handler["class"] == "logging.handlers.RotatingFileHandler" and not worker:
            # Daemons have the file open while rotate_logs rolls it.
            handler["class"] = "logging.handlers.WatchedFileHandler"
            handler.pop("maxBytes", None)
            handler.pop("backupCount", None)
        elif handler["class"] == "zmq.log.handlers.PUBHandler":
            socket, publishing = bind_publisher(config, name, worker)
            handler["interface_or_socket"] = socket
    logging.config.dictConfig(section)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, zmq.log.handlers.PUBHandler):
            handler.root_topic = name
            handler.setFormatter(logging.Formatter("%(message)s\n"))
    logger = logging.getLogger(name)
    logger.info(f"running in process {os.getpid()}")
    logger.info(f"read config from {config.file}")
    if debug:
        logger.info("**debug mode** writing log messages to console")
    elif publishing:
        logger.info(f"publishing {'log' if worker else 'logging'} messages to {publishing}")
    else:
        logger.info(f"writing {'log' if worker else 'logging'} messages to local file system")
    return logger


def bind_publisher(config, name, worker):
    """Return a PUB socket on the first free port of those that the process may use, and its address."""
    ports = config["zmq"]["ports"]["logging"]
    socket = zmq.Context.instance().socket(zmq.PUB)
    for _, port in endpoints(config, name if name in ports or not worker else "workers"):
        try:
            socket.bind(f"tcp://127.0.0.1:{port}")
        except zmq.ZMQError:
            continue
        return socket, f"tcp://*:{port}"
    raise WorkerError(f"no free port for the log messages of {name}")


def on_signals(logger):
    """SIGINT and SIGTERM end the process with SystemExit, and with the lines of section 9."""

    def end(number, _frame):
        what = "interrupt signal (SIGINT or Ctrl-C)" if number == signal.SIGINT else "termination signal (SIGTERM)"
        logger.info(f"{what} received; shutting down")
        zmq.Context.instance().destroy(linger=1000)
        sys.exit(0)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
