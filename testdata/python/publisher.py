"""A process that publishes its log as NEMO_Nowcast's do: python3 publisher.py CONFIG NAME.

It says "hello" until a line comes on stdin, because a PUB drops what nobody has subscribed to yet. Then it logs the records in
that line, a list of [level, text, exception or null] in JSON, and "goodbye", and waits for stdin to be closed.
"""

import json
import logging
import sys
import threading
import time

from framework import Config, set_up_logging

config, name = Config(sys.argv[1]), sys.argv[2]
logger = set_up_logging(config, name, worker=name not in config["zmq"]["ports"]["logging"])
asked = []
threading.Thread(target=lambda: asked.append(sys.stdin.readline()), daemon=True).start()
while not asked:
    logger.debug("hello")
    time.sleep(0.02)
for level, text, exception in json.loads(asked[0]):
    try:
        if exception:
            raise ValueError(exception)
        logger.log(getattr(logging, level), text)
    except ValueError:
        logger.log(getattr(logging, level), text, exc_info=True)
logger.debug("goodbye")
sys.stdin.read()
