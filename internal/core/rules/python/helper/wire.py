"""Frames between the manager and this process: four bytes of length, then what the length says.

A request is a letter and a pickle. An answer is JSON with the number of its request, and so is each log record on its way
before the answer, without one.
"""

import json
import os
import pickle
import struct
import threading

replies = os.fdopen(4, "wb", buffering=0)
replies_lock = threading.Lock()  # the user's threads log too
os.set_inheritable(3, False)  # what the rules start must not hold our pipes open
os.set_inheritable(4, False)
getpid = os.getpid  # ours, whatever the rules do to theirs
HELPER = getpid()  # a process that a rule forks has our program, but is not the one to answer


def receive():
    """Return the next request as (letter, value), or None when the manager is gone."""
    header = requests.read(4)
    if len(header) < 4:
        return None
    (length,) = struct.unpack("<I", header)
    body = requests.read(length)
    if len(body) < length:
        return None
    return body[:1].decode("ascii"), pickle.loads(memoryview(body)[1:])


def let_go():
    """Cut a forked process off from the pipes, which are the helper's."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 3, inheritable=False)  # a number that was only closed would soon be another file's
    os.dup2(nothing, 4, inheritable=False)
    os.close(nothing)


def send(value):
    """Send an answer or a record."""
    body = json.dumps(value).encode("ascii")
    frame = struct.pack("<I", len(body)) + body
    with replies_lock:
        while frame:
            frame = frame[replies.write(frame) :]
