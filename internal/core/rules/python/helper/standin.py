"""What the rules see of NEMO_Nowcast. The package itself is used where it is installed."""

import importlib.machinery
import importlib.util
import sys
import types


class NextWorker:
    """A worker to be launched."""

    def __init__(self, module, args=None, host="localhost"):
        self.module = module
        self.args = [] if args is None else args
        self.host = host

    def __eq__(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        return (self.module, self.args, self.host) == (other.module, other.args, other.host)

    __hash__ = None

    def __repr__(self):
        return "NextWorker(module={!r}, args={!r}, host={!r})".format(self.module, self.args, self.host)


NextWorker.__module__ = "nemo_nowcast.next_worker"


class Message:
    """A message from a worker."""

    __slots__ = ("source", "type", "payload")

    def __init__(self, source, type, payload=None):
        self.source = source
        self.type = type
        self.payload = payload

    def __repr__(self):
        return "Message(source={!r}, type={!r}, payload={!r})".format(self.source, self.type, self.payload)


class Config(dict):
    """The configuration, and the file it was read from."""

    def __init__(self, file, values):
        super().__init__(values)
        self.file = file


def not_here(name):
    """Say why the stand-in does not have what the real package has."""
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        "NEMO_Nowcast is not installed for {}, and nowcast stands in for it with NextWorker only: "
        "install it there to import {}".format(sys.executable, name)
    )


def stand_in():
    """Make nemo_nowcast importable."""
    try:
        spec = importlib.util.find_spec("nemo_nowcast")
    except (ImportError, ValueError):
        spec = None
    if spec is not None and spec.origin is not None:
        return
    for name in ("nemo_nowcast", "nemo_nowcast.next_worker"):
        module = types.ModuleType(name, "Stands in for NEMO_Nowcast, which is not installed.")
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        module.NextWorker = NextWorker
        module.__getattr__ = not_here
        sys.modules[name] = module
    package = sys.modules["nemo_nowcast"]
    package.__path__ = []
    package.next_worker = sys.modules["nemo_nowcast.next_worker"]
