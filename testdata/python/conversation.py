"""A Python worker that says everything a worker can say, and checks every answer.

    conversation.py ENDPOINT CHECKLIST_FILE SEED COUNT

It talks as NEMO_Nowcast workers do: a pyzmq REQ socket, yaml.dump of the three keys, yaml.safe_load of the reply. It keeps a
checklist of its own, as the reference manager would have it, and compares the manager's with it after each message:
by need, and in the checklist file. COUNT messages with random payloads, made from SEED, follow those listed here.

It prints one JSON line for each case: its name, and what was wrong with it ("" if nothing was).
"""

import datetime as dt
import json
import math
import random
import sys
import time

import yaml
import zmq

NEVER = 60_000  # ms: an answer that does not come
LAG = 20  # s: how long the checklist file may be behind on a busy machine


class Wrong(Exception):
    """An answer that is not what it should be."""


class Worker:
    """What the reference's worker library does with its socket."""

    def __init__(self, endpoint):
        self.context = zmq.Context()
        self.endpoint = endpoint
        self.connect()

    def connect(self):
        self.socket = self.context.socket(zmq.REQ)
        self.socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        self.socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 900)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(self.endpoint)

    def tell(self, source, type_, payload=None):
        return self.exchange(yaml.dump({"payload": payload, "source": source, "type": type_}))

    def exchange(self, text):
        self.socket.send_string(text)
        if not self.socket.poll(NEVER):
            self.socket.close()
            self.connect()
            raise Wrong(f"no answer to {text[:200]!r}")
        parts = self.socket.recv_multipart()
        if len(parts) != 1:
            raise Wrong(f"the reply has {len(parts)} parts")
        reply = yaml.safe_load(parts[0].decode("utf-8"))
        if not isinstance(reply, dict) or sorted(reply) != ["payload", "source", "type"]:
            raise Wrong(f"reply {reply!r} has not exactly the keys payload, source and type")
        if reply["source"] != "manager":
            raise Wrong(f"reply is from {reply['source']!r}")
        # The order of a set is Python's own secret, and another one in each process.
        if b"!!set" not in parts[0] and parts[0].decode("utf-8") != yaml.dump(reply):
            raise Wrong(f"reply {parts[0][:500]!r} is not written as yaml.dump writes it: {yaml.dump(reply)[:500]!r}")
        return reply


def same(a, b):
    """Equal values of equal types, all the way down; nan is equal to itself, and True is not 1."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return repr(a) == repr(b)
    if isinstance(a, dt.datetime):
        return a == b and a.utcoffset() == b.utcoffset()
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            any(same(k, l) and same(v, w) for l, w in ([(k, b[k])] if k in b else b.items())) for k, v in a.items()
        )
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, set):
        return a == b and sorted(map(repr, a)) == sorted(map(repr, b))
    return a == b


def check(what, got, want):
    if not same(got, want):
        raise Wrong(f"{what}: got {got!r:.600}, want {want!r:.600}")


class Conversation:
    def __init__(self, endpoint, checklist_file):
        self.worker = Worker(endpoint)
        self.file = checklist_file
        self.checklist = {}

    def report(self, payload, type_="success", source="peer", key="peer", answer="ack"):
        """Send a report; its payload must be in the checklist then, and in the file."""
        sent = yaml.dump({"payload": payload, "source": source, "type": type_})
        arrives = yaml.safe_load(sent)["payload"]  # what the reference would make of it
        reply = self.worker.exchange(sent)
        check("reply", reply, {"payload": None, "source": "manager", "type": answer})
        if arrives is None:
            return
        if isinstance(arrives, dict) and isinstance(self.checklist.get(key), dict):
            self.checklist[key].update(arrives)
        else:
            self.checklist[key] = arrives
        self.holds(key)

    def holds(self, key):
        check(f"need {key}", self.worker.tell("peer", "need", key), {"payload": self.checklist[key], "source": "manager", "type": "ack"})
        self.file_agrees()

    def file_agrees(self):
        """The file is current before the acknowledgement, or, where writing it takes long, soon after."""
        until = time.monotonic() + LAG
        while True:
            with open(self.file, encoding="utf-8") as f:
                got = yaml.safe_load(f)
            if same(got, self.checklist):
                return
            if time.monotonic() > until:
                check("checklist file", got, self.checklist)
            time.sleep(0.01)

    def clear(self):
        reply = self.worker.tell("peer", "clear checklist")
        check("reply", reply, {"payload": None, "source": "manager", "type": "checklist cleared"})
        self.checklist = {}
        self.file_agrees()

    def refused(self, source, type_, payload, answer):
        reply = self.worker.tell(source, type_, payload)
        check("reply", reply, {"payload": None, "source": "manager", "type": answer})
        self.file_agrees()


UTC8 = dt.timezone(dt.timedelta(hours=-8))
SHARED = ["one list", {"in": "many places"}]

# What yaml.safe_load may yield, by the name of the case.
deep = "bottom"
for level in range(40):
    deep = [deep] if level % 2 else {"down": deep}
PAYLOADS = {
    "null changes nothing": None,
    "a mapping": {"run date": "2031-05-17", "files": ["a.nc", "b.nc"]},
    "a mapping updates what is there": {"files": [], "host": "arbutus"},
    "an empty mapping changes nothing": {},
    "a list replaces the mapping": [1, 2.5, None, True],
    "an empty list": [],
    "a scalar replaces the list": "/results/20310517",
    "an empty text": "",
    "a text of white space": "  \t ",
    "texts that look like something else": [
        "yes", "no", "on", "off", "true", "False", "null", "~", "NULL", "0123", "0o17", "0x1F", "0b101", "1_000", "12:30:00",
        "12:30:00.5", "1e3", "1.0e+3", ".inf", "-.INF", ".nan", "2031-05-17", "2031-05-17 05:15:00", "=", "<<", "-", "?", ":", "a: b", "a #b",
        "#", "&a", "*a", "!t", "%d", "@", "`", "|", ">", "'", '"', "{", "[", ",", "---", "...", "a:", "-a", "- a", "y", "n", "Y",
    ],
    "texts with all kinds of breaks": ["a\nb", "a\n\nb\n", "\n", "a\r\nb", "\r", "a\x85b", "a\u2028b\u2029c", " a\n b", "a\n\n", "tab\tbed", "a \nb"],
    "unicode": ["Zürich", "日本語", "🌊 tide", "e\u0301", "\u202eright to left", "\ufeff", "\x07\x1b\x00", "\ud7ff\ue000\ufffd", "\U0010ffff"],
    "a long line": "word " * 400,
    "booleans": [True, False],
    "integers": [0, -1, 7, 315, 2**31, -(2**63), 2**63, 2**64 - 1, 2**64, 10**30, -(10**400)],
    "floats": [0.0, -0.0, 1.5, -2.25, 1e-300, 1.7976931348623157e308, 5e-324, 1e16, 123456789.125, 1e100, 0.1],
    "inf and nan": [math.inf, -math.inf, math.nan],
    "a date": dt.date(2031, 5, 17),
    "datetimes": [
        dt.datetime(2031, 5, 17, 5, 15), dt.datetime(2031, 5, 17, 5, 15, 1, 200), dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
        dt.datetime(2031, 5, 17, 5, 15, tzinfo=dt.timezone.utc), dt.datetime(2031, 5, 17, 5, 15, 7, tzinfo=UTC8),
        dt.datetime(2031, 5, 17, 5, 15, 7, 123456, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=45))),
    ],
    "binary": [b"", b"\x00\xff\xfe", bytes(range(256)) * 3],
    "sets": [set(), {1, 2, 3}, {"a", None, 2.5, dt.date(2031, 5, 17)}],
    "keys that are not text": {
        1: "int", True: "bool", 2.5: "float", None: "null", dt.date(2031, 5, 17): "date", dt.datetime(2031, 5, 17, 5): "datetime", b"\x00k": "binary",
        "1": "text", "": "empty", "a: b": "text", "long " * 60: "needs a question mark", 2**70: "big",
    },
    "deep inside each other": {"a": [{"b": {"c": [[[{"d": {1, 2}}]], []]}}, {}]},
    "forty levels": deep,
    "one list in many places": {"first": SHARED, "second": SHARED, "third": [SHARED, SHARED]},
    "a thousand keys": {f"key {i}": i for i in range(1000)},
}


def random_value(r, depth=0):
    kinds = [random_text] * 4 + [random_scalar] * 5
    if depth < 4:
        kinds += [random_list, random_map, random_map, random_set]
    return r.choice(kinds)(r, depth + 1)


ALPHABETS = ["abc xyz", "0123456789.-+:eE_", " \t\n\r'\"", "-?:,[]{}#&*!|>%@`", "äßé日本🌊\x85\u2028\ufeff\x00\x7f", "yesnotruefalsnullinf~=<"]


def random_text(r, _=0):
    return "".join(r.choice(r.choice(ALPHABETS)) for _ in range(r.choice([0, 1, 2, 3, 5, 8, 20, 100])))


def random_scalar(r, _=0):
    return r.choice([
        lambda: None,
        lambda: r.random() < 0.5,
        lambda: r.randint(-1000, 1000),
        lambda: r.randint(-(2 ** r.randint(1, 200)), 2 ** r.randint(1, 200)),
        lambda: r.choice([r.uniform(-1, 1), r.gauss(0, 1e6), 10.0 ** r.randint(-300, 300), float(r.randint(-5, 5)), math.inf, -math.inf, math.nan]),
        lambda: bytes(r.randrange(256) for _ in range(r.randint(0, 70))),
        lambda: dt.date.fromordinal(r.randint(1, 3652059)),
        lambda: dt.datetime(r.randint(1000, 9990), r.randint(1, 12), r.randint(1, 28), r.randint(0, 23), r.randint(0, 59), r.randint(0, 59),
                            r.choice([0, r.randint(0, 999999)]),
                            r.choice([None, dt.timezone.utc, dt.timezone(dt.timedelta(minutes=r.randint(-839, 839)))])),
    ])()


def random_key(r):
    while True:
        key = r.choice([random_text, random_scalar])(r)
        if key == key:  # nan can be put in and not taken out
            return key


def random_list(r, depth):
    values = [random_value(r, depth) for _ in range(r.randint(0, 5))]
    if values and r.random() < 0.2:
        values.append(values[0])  # an alias if it is a collection
    return values


def random_map(r, depth):
    return {random_key(r): random_value(r, depth) for _ in range(r.randint(0, 5))}


def random_set(r, _):
    return {random_key(r) for _ in range(r.randint(0, 5))}


def cases(c, seed, count):
    """Each case is a name and what to do."""
    for outcome in ("success", "failure", "crash"):
        for name, payload in PAYLOADS.items():
            yield f"{outcome}: {name}", lambda: c.report(payload, outcome)
    yield "a text of 1 MB", lambda: c.report("twenty characters, \u00e4\n" * 50_000)
    yield "need of a key that is not there is answered with null", lambda: c.refused("peer", "need", "no such key", "ack")
    yield "need of nothing is answered with null", lambda: c.refused("peer", "need", None, "ack")
    yield "need of something that cannot be a key is answered with null", lambda: c.refused("peer", "need", ["peer"], "ack")
    yield "clear checklist", c.clear
    yield "need after clear checklist is answered with null", lambda: c.refused("peer", "need", "peer", "ack")
    yield "a report after clear checklist", lambda: c.report({"a": 1})
    yield "a worker without checklist key reports under its own name", lambda: c.report({"b": 2}, source="keyless", key="keyless")
    yield "two workers may share a checklist key", lambda: c.report({"b": 2}, source="sharer")
    yield "a worker that is not registered", lambda: c.refused("stranger", "success", {"c": 3}, "unregistered worker")
    yield "a type that is not registered", lambda: c.refused("peer", "success of another kind", {"c": 3}, "unregistered message type")
    yield "need of a worker that may not", lambda: c.refused("keyless", "need", "peer", "unregistered message type")
    yield "a worker without a rule is told so, and its report is kept", lambda: c.report(
        {"d": 4}, source="unruled", key="unruled", answer="no after_worker function")
    yield "a worker whose rule raises is acknowledged, and its report is kept", lambda: c.report({"e": 5}, source="raising", key="raising")
    yield "a key that is not text can be needed", lambda: needs_odd_key(c)
    yield "keys that are ours are ignored", lambda: extra_keys(c)
    r = random.Random(seed)
    for i in range(count):
        payload = random_value(r)
        yield f"random payload {i} of seed {seed}", lambda: c.report(payload)
        if i % 100 == 99:
            yield f"clear checklist after random payload {i}", c.clear


def needs_odd_key(c):
    c.report("odd", source="odd", key="2031-05-17")
    c.refused("peer", "need", dt.date(2031, 5, 17), "ack")  # the key is a text
    c.holds("2031-05-17")


def extra_keys(c):
    sent = yaml.dump({"payload": {"f": 6}, "source": "peer", "type": "success", "zone": "UTC", 7: None})
    check("reply", c.worker.exchange(sent), {"payload": None, "source": "manager", "type": "ack"})
    c.checklist["peer"].update({"f": 6})
    c.holds("peer")


def main():
    endpoint, checklist_file, seed, count = sys.argv[1:]
    c = Conversation(endpoint, checklist_file)
    for name, do in cases(c, int(seed), int(count)):
        wrong = ""
        try:
            do()
        except Wrong as e:
            wrong = str(e)
        print(json.dumps({"name": name, "wrong": wrong}), flush=True)


if __name__ == "__main__":
    main()
