"""What a rule returned, and what it raised, as the manager is told."""

import os
import sys
import traceback

MOST_WORKERS = 1000
LONGEST_TRACE = 32 * 1024
EXPECTED = "expected a list of NextWorker, None, or (list of NextWorker, set of worker names)"
COLLECTIONS = (list, tuple, set, frozenset)


class Unfit(Exception):
    """A rule returned something else than workers."""


def excerpt(value):
    """Show a value, whatever its repr does."""
    try:
        text = repr(value)
    except Exception as e:
        text = "(its repr raises {})".format(type(e).__name__)
    return "{} {}".format(type(value).__name__, text if len(text) <= 60 else text[:60] + "...")


def is_worker(value):
    return not isinstance(value, (type, placeholder)) and all(hasattr(value, name) for name in ("module", "args", "host"))


def plain(what, value):
    """Return text that can stand on a command line."""
    text = str(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Unfit("{} is {}, which is no text that can stand on a command line".format(what, ascii(text)))
    return text


def worker(w):
    if not isinstance(w.module, str) or w.module == "":
        raise Unfit("NextWorker: module is {}, not the dotted name of a module".format(excerpt(w.module)))
    if not isinstance(w.host, str) or w.host == "":
        raise Unfit("NextWorker {}: host is {}, not the name of a host".format(w.module, excerpt(w.host)))
    args = [] if w.args is None else w.args
    if isinstance(args, (str, bytes, dict)) or not hasattr(args, "__iter__"):
        raise Unfit("NextWorker {}: args is {}, not a list: write [{}]".format(w.module, excerpt(args), "..."))
    words = [plain("NextWorker {}: args[{}]".format(w.module, i), a) for i, a in enumerate(args)]
    return [plain("NextWorker: module", w.module), words, plain("NextWorker: host", w.host)]


def workers(value):
    if value is None:
        return []
    if is_worker(value):
        return [worker(value)]
    if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
        raise Unfit("returned {}: {}".format(excerpt(value), EXPECTED))
    found = []
    for w in value:
        if not is_worker(w):
            raise Unfit("returned a {} whose item {} is {}: {}".format(type(value).__name__, len(found), excerpt(w), EXPECTED))
        if len(found) == MOST_WORKERS:
            raise Unfit("returned more than {} workers: that many at most may be launched by one message".format(MOST_WORKERS))
        found.append(worker(w))
    return found


def awaited(value):
    """Return what a barrier waits for, each as a name and arguments: as often as different launches must report."""
    found = []
    for element in value:
        times = 1
        if isinstance(element, tuple) and len(element) == 2:
            name, times = element
            if isinstance(times, bool) or not isinstance(times, int) or times < 1:
                text = "returned a pair whose second part has {}: how many launches of it are waited for is a number from 1 up"
                raise Unfit(text.format(excerpt(element)))
        else:
            name = element
        if is_worker(name):
            module, args, _ = worker(name)
            words = [module] + args
        elif isinstance(name, str) and name.split():
            words = plain("a name in the second part of the pair", name).split()
        else:
            raise Unfit("returned a pair whose second part has {}, not the name of a worker: {}".format(excerpt(name), EXPECTED))
        if len(found) + times > MOST_WORKERS:
            raise Unfit("returned a pair whose second part waits for more than {} reports".format(MOST_WORKERS))
        found.extend([words] * times)
    return found


def next_workers(value):
    """Return what the manager is told of a rule's result."""
    if isinstance(value, tuple) and len(value) == 2 and not is_worker(value[1]):
        first, second = value
        if not isinstance(second, COLLECTIONS):
            raise Unfit("returned a pair whose second part is {}: {}".format(excerpt(second), EXPECTED))
        return {"workers": workers(first), "await": awaited(second)}
    return {"workers": workers(value), "await": []}


def ours(frame):
    return frame.filename.startswith(("<nowcast>", "<frozen importlib"))


def without_ours(e, seen):
    """Drop this program's frames from a traceback and those it is chained to."""
    if e is None or id(e) in seen:
        return
    seen.add(id(e))
    e.stack[:] = [frame for frame in e.stack if not ours(frame)]
    without_ours(e.__cause__, seen)
    without_ours(e.__context__, seen)


def place(e, own):
    """Return file and line of the innermost frame that is the user's, else of the innermost."""
    if getattr(e, "filename", None) and getattr(e, "lineno", None):
        return e.filename, int(e.lineno)  # a mistake of syntax
    for frame in reversed(e.stack):
        if frame.filename in own:
            return frame.filename, frame.lineno
    if e.stack:
        return e.stack[-1].filename, e.stack[-1].lineno
    return "", 0


def place_of(function):
    """Return where a function begins: what is wrong with its result has no line of its own."""
    code = getattr(function, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code else ("", 0)


def failure(e, function=None):
    """Return what the manager is told of an exception."""
    if isinstance(e, Unfit):
        file, line = place_of(function)
        return {"message": str(e), "file": file, "line": line}
    told = traceback.TracebackException(type(e), e, e.__traceback__)
    without_ours(told, set())
    trace = "".join(told.format())
    if len(trace) > LONGEST_TRACE:
        trace = trace[: LONGEST_TRACE // 2] + "\n...\n" + trace[-LONGEST_TRACE // 2 :]
    file, line = place(told, getattr(e, "files", modules.files))
    if isinstance(e, ImportError) and not file and e.path:
        file = e.path
    message = "".join(told.format_exception_only()).strip().split("\n")
    missing = isinstance(e, ModuleNotFoundError) and (modules.name + ".").startswith(str(e.name) + ".")
    lacks = isinstance(e, (TypeError, AttributeError)) and "NoneType" in str(e)
    return {
        "message": message[-1],
        "file": file,
        "line": line,
        "trace": trace,
        "no_value": isinstance(e, (KeyError, IndexError)) or lacks,
        "missing": missing,
    }
