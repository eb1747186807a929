"""The Python side of the tests: real PyYAML, answering length-prefixed requests on stdin until it is closed.

A request is one byte (what to do), four bytes (length) and a body; an answer is four bytes and a body. Values are
compared as text that names the type of everything and keeps the order of mappings, see describe.
"""
import datetime
import math
import pprint
import random
import struct
import sys
import unicodedata

import yaml

sys.setrecursionlimit(20000)


def describe(v):
    if v is None:
        return "N"
    if isinstance(v, bool):
        return "T" if v else "F"
    if isinstance(v, int):
        return "i%d" % v
    if isinstance(v, float):
        return "fnan" if math.isnan(v) else "f" + struct.pack(">d", v).hex()
    if isinstance(v, str):
        return "s" + v.encode("utf-8", "surrogatepass").hex()
    if isinstance(v, bytes):
        return "b" + v.hex()
    if isinstance(v, datetime.datetime):
        offset = "" if v.tzinfo is None else "@%d" % v.utcoffset().total_seconds()
        return "t" + v.replace(tzinfo=None).isoformat(timespec="microseconds") + offset
    if isinstance(v, datetime.date):
        return "d" + v.isoformat()
    if isinstance(v, list):
        return "[" + " ".join(describe(x) for x in v) + "]"
    if isinstance(v, tuple):
        return "(" + " ".join(describe(x) for x in v) + ")"
    if isinstance(v, set):
        return "<" + " ".join(sorted(describe(x) for x in v)) + ">"
    if isinstance(v, dict):
        return "{" + " ".join(describe(k) + "=" + describe(x) for k, x in v.items()) + "}"
    raise TypeError(type(v))


AWKWARD = """yes no on off true false Yes NO On OFF True FALSE y n null Null NULL ~ nan .nan .inf -.inf +.INF 0 00 0123 089
0x1F 0xg 0b101 0b2 1_000 _1 1e5 1.5e5 1.5e+5 1. .5 ._5 12:30 12:30:00 190:20:30.15 1:60 2001-01-01 2001-1-1 2001-99-99
2001-12-14t21:59:43.10-05:00 - -- --- ... = << < ? ?x : :x x: a:b #x x#y x,y [x] {x} &x *x !x |x >x 'x "x %x @x `x
-x - -1 +1 -0 --- ---x ...x ! & * | > ' " ` @ % , ] } [ { \\ \\n a\\b $x (x) ~x x~ !!str <<x =x 0o17 1:2:3 -1:2 1__2 +""".split()
PIECES = ["a", "b ", " ", "  ", "\n", "\n\n", "\t", "word ", "looooooooooooong", "é", "日本", "\U0001f600", "\x85", "\u2028", "\u2029",
          "\ufeff", "\x00", "\x07", "\x1b", "\x7f", "\xa0", "\r", "\r\n", "'", '"', "\\", ": ", " #", "- ", "? ", "---", "\n---\n", "...",
          "yes", "0x1", ":", ",", "[", "}", "%", "\ud800", "\udcff", "\ue000", "\ufffd", "\uffff", "\U0010ffff", "x" * 70 + " "]


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.shared = []

    def string(self):
        r = self.r
        kind = r.randrange(10)
        if kind < 3:
            return r.choice(AWKWARD)
        if kind < 6:
            return "".join(r.choice(PIECES) for _ in range(r.randrange(1, 6)))
        if kind == 6:
            return " ".join("w" * r.randrange(1, 12) for _ in range(r.randrange(1, 40)))
        if kind == 7:
            return "".join(r.choice(PIECES) for _ in range(r.randrange(20, 50)))
        if kind == 8:
            return "".join(self.character() for _ in range(r.randrange(0, 40)))
        return "".join(r.choice("0123456789:-+._eExT Zb") for _ in range(r.randrange(1, 12)))

    def character(self):
        c = chr(self.r.choice([self.r.randrange(0x20, 0x7f), self.r.randrange(0, 0x300), self.r.randrange(0x110000)]))
        # What Python's tables do not know, ours may: they are of another year.
        return "x" if unicodedata.category(c) == "Cn" and ord(c) < 0x40000 else c

    def number(self):
        r = self.r
        return r.choice([
            lambda: r.randrange(-1000, 1000), lambda: r.randrange(-2**70, 2**70), lambda: 2**63 - r.randrange(3), lambda: -2**63 - r.randrange(-2, 2),
            lambda: r.random(), lambda: r.uniform(-1e20, 1e20), lambda: 10.0**r.randrange(-320, 308), lambda: float(r.randrange(-1000, 1000)),
            lambda: struct.unpack(">d", r.getrandbits(64).to_bytes(8, "big"))[0],
            lambda: math.inf, lambda: -math.inf, lambda: math.nan, lambda: -0.0, lambda: 7**r.randrange(400)])()

    def time(self):
        r = self.r
        date = datetime.date(r.randrange(1, 10000), r.randrange(1, 13), r.randrange(1, 29))
        if r.random() < .3:
            return date
        micros = r.choice([0, 0, 1, 123456, 500000])
        zone = r.choice([None, None, datetime.timezone.utc, datetime.timezone(datetime.timedelta(minutes=r.randrange(-1439, 1440)))])
        return datetime.datetime(date.year, date.month, date.day, r.randrange(24), r.randrange(60), r.randrange(60), micros, zone)

    def scalar(self, key=False):
        r = self.r
        kind = r.randrange(12)
        if kind < 6:
            return self.string()
        if kind < 9:
            v = self.number()
            # Several nans in one mapping have no order that sorting could find.
            return 0.5 if key and isinstance(v, float) and math.isnan(v) else v
        if kind == 9:
            return r.choice([True, False, None])
        if kind == 10:
            return self.time()
        return bytes(r.getrandbits(8) for _ in range(r.choice([0, 1, 2, 3, 20, 57, 58, 200])))

    def key(self, homogeneous):
        return self.string() if homogeneous else self.scalar(key=True)

    def value(self, depth=0):
        r = self.r
        if depth > 3 or r.random() < .3 + .15 * depth:
            return self.scalar()
        if self.shared and r.random() < .1:
            return r.choice(self.shared)
        kind = r.randrange(7)
        size = r.choice([0, 1, 1, 2, 3, 9])
        same = r.random() < .7
        if kind < 3:
            v = [self.value(depth + 1) for _ in range(size)]
        elif kind < 6:
            v = {self.key(same): self.value(depth + 1) for _ in range(size)}
        else:
            v = {self.key(same) for _ in range(size)}
        if v and r.random() < .2:
            self.shared.append(v)
        return v


DUMPS = [{}, {"default_flow_style": True}, {"allow_unicode": True}, {"width": math.inf}, {"canonical": True}, {"default_flow_style": None},
         {"default_style": '"'}, {"default_style": "'"}, {"default_style": "|"}, {"default_style": ">"}, {"indent": 4}, {"width": 20},
         {"sort_keys": False}, {"explicit_start": True, "explicit_end": True}, {"encoding": "utf-16-le"}, {"line_break": "\r\n"}]


def generate(seed):
    value = Generator(seed).value()
    options = DUMPS[seed % len(DUMPS)]
    try:
        other = yaml.dump(value, **options)
        if isinstance(other, str):
            other = other.encode("utf-8")
        if yaml.safe_load(other) is None:
            pass
    except (UnicodeEncodeError, yaml.YAMLError, ValueError):
        other = b""  # what PyYAML itself cannot write in this style, or not read back
    return frames(yaml.dump(value).encode(), other, describe(yaml.safe_load(yaml.dump(value))).encode(),
                  b"" if not other else describe(yaml.safe_load(other)).encode())


def frames(*parts):
    return b"".join(struct.pack(">I", len(p)) + p for p in parts)


def load(body):
    try:
        return b"v" + describe(yaml.safe_load(body)).encode()
    except Exception as e:
        return b"e" + ("%s: %s" % (type(e).__name__, e)).encode("utf-8", "replace")


def answer(what, body):
    if what == b"G":
        return generate(int(body))
    if what == b"L":
        return load(body)
    if what == b"D":
        return yaml.dump(yaml.safe_load(body)).encode()
    if what == b"=":
        n = struct.unpack(">I", body[:4])[0]
        return b"1" if yaml.safe_load(body[4:4 + n]) == yaml.safe_load(body[4 + n:]) else b"0"
    if what == b"R":
        return repr(yaml.safe_load(body)).encode("utf-8", "surrogatepass")
    if what == b"P":
        return pprint.pformat(yaml.safe_load(body)).encode("utf-8", "surrogatepass")
    raise ValueError(what)


while True:
    head = sys.stdin.buffer.read(5)
    if not head:
        break
    what, size = head[:1], struct.unpack(">I", head[1:])[0]
    reply = answer(what, sys.stdin.buffer.read(size))
    sys.stdout.buffer.write(struct.pack(">I", len(reply)) + reply)
    sys.stdout.buffer.flush()
