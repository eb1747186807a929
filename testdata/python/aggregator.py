"""The log aggregator of section 5: python aggregator.py CONFIG"""

import logging
import sys

import zmq

from framework import Config, endpoints, on_signals, set_up_logging


def name_loggers():
    """Every record has the attribute logger_name, for the formats of logging: aggregator."""
    make = logging.getLogRecordFactory()

    def with_logger_name(*args, **kwargs):
        record = make(*args, **kwargs)
        record.logger_name = record.name
        return record

    logging.setLogRecordFactory(with_logger_name)


def main():
    config = Config(sys.argv[1])
    name_loggers()
    logger = set_up_logging(config, "log_aggregator")
    on_signals(logger)
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.subscribe("")
    for publisher in config["zmq"]["ports"]["logging"]:
        for host, port in endpoints(config, publisher):
            socket.connect(f"tcp://{host}:{port}")
            logger.info(f"subscribed to {host} port {port} for all messages from {publisher}")
    while True:
        while not socket.poll(100):  # ms: a signal is noticed
            pass
        topic, text = socket.recv_multipart()
        name, level = topic.decode().split(".")  # and dies of a subtopic
        logging.getLogger(name).log(logging.getLevelName(level), text.decode().removesuffix("\n"))


if __name__ == "__main__":
    main()
