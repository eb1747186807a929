"""What the rules print and log goes to the manager's log, in its order and up to a limit."""

import io
import logging
import os
import sys
import threading

MOST_LINES = 1000  # a call
LONGEST_LINE = 64 * 1024


class Budget:
    """How many lines the call at hand may still have."""

    left = MOST_LINES


def say(name, level, message, exc=""):
    """Hand a record to the manager. The name "" is the manager's own logger."""
    if getpid() != HELPER:
        say_below(name, level, message, exc)
        return
    Budget.left -= 1
    if Budget.left < 0:
        return
    if Budget.left == 0:
        name, level, exc = "", logging.WARNING, ""
        message = "these rules say too much: the rest of what they log in this call is dropped"
    send({"record": {"name": name, "level": level, "message": legible(message), "exc": legible(exc)}})


def say_below(name, level, message, exc):
    """Write what a forked process says where the manager reads what programs write."""
    line = ": ".join(filter(None, [name, legible(message)])) + "\n" + "".join(legible(exc).splitlines(True))
    os.write(1 if level < logging.WARNING else 2, line.encode("utf-8"))


def legible(text):
    """Return a text of bearable length, with what is no character escaped."""
    return text[:LONGEST_LINE].encode("utf-8", "backslashreplace").decode("utf-8")


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr: each line is a record. What does not come this way goes to the descriptor below it."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, raw, level):
        self.raw = raw
        self.buffer = raw.buffer
        self.level = level
        self.part = ""  # of a line
        self.lock = threading.RLock()

    def writable(self):
        return True

    def fileno(self):
        return self.buffer.fileno()

    def write(self, text):
        with self.lock:
            *lines, self.part = (self.part + text).split("\n")
            if len(self.part) > LONGEST_LINE:
                lines.append(self.part)
                self.part = ""
            for line in lines:
                say("", self.level, line)
        return len(text)

    def finish(self):
        """End the line that was begun, and pass on what was written past us."""
        with self.lock:
            if self.part:
                self.write("\n")
        self.raw.flush()


class Handler(logging.Handler):
    """Sends what the user's modules log."""

    traces = logging.Formatter()

    def emit(self, record):
        exc = ""
        try:
            if record.exc_info:
                exc = self.traces.formatException(record.exc_info)
            if record.stack_info:
                exc = "\n".join(filter(None, [exc, record.stack_info]))
            say(record.name, record.levelno, record.getMessage(), exc)
        except Exception:
            self.handleError(record)


def capture_output():
    sys.stdout = Stream(sys.stdout, logging.INFO)
    sys.stderr = Stream(sys.stderr, logging.WARNING)
    logging.getLogger().addHandler(Handler())


def forked_output():
    """Have a forked process say only what is its own, and wait for no thread that it does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Stream):
            stream.lock, stream.part = threading.RLock(), ""


def finish_output():
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Stream):  # the rules may have put something else there
            stream.finish()


def set_levels(section):
    """Give loggers the levels of the configuration, so that records nobody wants are not made.

    The manager looks at the levels again, so a mistake in them is not for us to report.
    """
    if not isinstance(section, dict):
        return
    section = section.get("publisher", section)
    try:
        levels = {name: logger.get("level") for name, logger in section.get("loggers", {}).items()}
        levels[None] = section.get("root", {}).get("level")
        for name, level in levels.items():
            if level is not None:
                logging.getLogger(name).setLevel(level)
    except (AttributeError, TypeError, ValueError):
        return
