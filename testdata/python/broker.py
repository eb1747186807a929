"""The message broker of section 1: python broker.py CONFIG"""

import sys

import zmq

from framework import Config, on_signals, set_up_logging


def main():
    config = Config(sys.argv[1])
    logger = set_up_logging(config, "message_broker")
    on_signals(logger)
    context = zmq.Context.instance()
    ports = config["zmq"]["ports"]
    workers = context.socket(zmq.ROUTER)
    workers.bind(f"tcp://127.0.0.1:{ports['workers']}")
    logger.info(f"worker socket bound to port {ports['workers']}")
    manager = context.socket(zmq.DEALER)
    manager.bind(f"tcp://127.0.0.1:{ports['manager']}")
    logger.info(f"manager socket bound to port {ports['manager']}")
    poller = zmq.Poller()
    poller.register(workers, zmq.POLLIN)
    poller.register(manager, zmq.POLLIN)
    while True:
        for socket, _ in poller.poll(100):  # ms: zmq.proxy would now and then not notice a signal
            (manager if socket is workers else workers).send_multipart(socket.recv_multipart())


if __name__ == "__main__":
    main()
