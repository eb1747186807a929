"""Publishes every kind of record, when the file that is its argument says that somebody listens."""

import logging
import os
import time

from worker import Worker


def work(args, worker):
    log = worker.logger
    while not os.path.exists(args.file):
        log.debug("is anybody there?")
        time.sleep(0.02)
    logging.getLogger("another.logger").warning("of a library")
    for level in logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL:
        log.log(level, "level %d", level)
    log.info("two\nlines")
    log.info("the end is a line break\n")
    log.info("")
    log.info("\n")
    log.info("Ömer measured 3 µm ☂ \U0001f30a")
    log.info("tab\tbell\a escape\x1b[31m null\0 carriage\rreturn \u2028 \x85")
    log.info("100% {braces} $dollar %s")
    log.info("2023-02-24 10:18:07,831 INFO [manager] looks like another record")
    log.info("long " + "x" * 1_000_000)
    try:
        try:
            raise KeyError("tide gauge")
        except KeyError as e:
            raise RuntimeError("no tides\ntoday") from e
    except RuntimeError:
        log.exception("a traceback follows:")
        log.info("and here, below its level", exc_info=True)
    log.info("with the stack", stack_info=True)
    if args.subtopics:
        log.info("plots.surface::with a subtopic")
        log.error("a::b::c")
    return {"talked": True}


worker = Worker("talks")
worker.parser.add_argument("file")
worker.parser.add_argument("--subtopics", action="store_true")
worker.run(work)
