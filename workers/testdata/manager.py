"""A manager as the reference has it: a REP socket and PyYAML. It prints its port, and then each message it gets as one line
of JSON. How it answers is its argument:

normal:   ack, with what need asks for; checklist cleared
unknown:  a type that is in nobody's registry
garbage:  bytes that are no message
late:     as normal, but not before a line comes in on standard input
breaks:   as normal, but the first message gets no answer: the connection is closed, and the same bytes must come again
"""

import json
import sys
import time

import yaml
import zmq

CHECKLIST = {
    "NEMO run": {"forecast": {"completed": True, "run date": yaml.safe_load("2031-05-17")}},
    "sizes": [1, 2.5, 10**20, None],
    "when": yaml.safe_load("2031-05-17 05:40:00"),
    "raw": b"\x00\xff",
    "days": {17, 18},
    5: {"by": "number"},
}


def answer(how, message):
    if how == "garbage":
        return b"\xff\xfe\x00"
    reply = {"source": "manager", "type": "ack", "payload": None}
    if how == "unknown":
        reply["type"] = "shrug"
    elif message["type"] == "need":
        reply["payload"] = CHECKLIST if message["payload"] == "all" else CHECKLIST[message["payload"]]
    elif message["type"] == "clear checklist":
        reply["type"] = "checklist cleared"
    return yaml.dump(reply).encode()


def bound_again(context, port):
    while True:
        try:
            socket = context.socket(zmq.REP)
            socket.bind(f"tcp://127.0.0.1:{port}")
            return socket
        except zmq.ZMQError:  # libzmq lets go of a port a moment after it was told to
            socket.close(0)
            time.sleep(0.01)


def main(how):
    context, names = zmq.Context(), set()
    socket = context.socket(zmq.REP)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    print(port, flush=True)
    while True:
        received = socket.recv()
        if how == "breaks":
            how = "normal"
            socket.close(0)
            socket = bound_again(context, port)
            again = socket.recv()
            if again != received:
                sys.exit(f"got {again}, want {received} once more")
        message = yaml.safe_load(received)
        launch, name = message.pop("launch", 0), message.pop("id")
        if name in names:
            sys.exit(f"two messages have the name {name}")
        names.add(name)
        print(
            json.dumps(
                {
                    "source": message.pop("source"),
                    "type": message["type"],
                    "payload": repr(message["payload"]),
                    "launch": launch,
                    "other": sorted(message)[2:],
                }
            ),
            flush=True,
        )
        if how == "late":
            sys.stdin.readline()
        socket.send(answer(how, message))


main(sys.argv[1])
