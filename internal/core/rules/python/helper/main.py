"""The loop: one request, one answer. It ends when the manager closes its pipe."""

import base64
import faulthandler
import os
import resource
import signal
import sys
import threading
import traceback


class State:
    """What the rules are called with."""

    config = Config("", {})
    checklist = {}
    handlers = {}  # of signals, as they were before ours


def change(op, key, value):
    """Change the checklist as the manager did (see package checklist there)."""
    if op == "clear":
        State.checklist.clear()
        return
    old = State.checklist.get(key)
    if op == "update" and isinstance(old, dict) and isinstance(value, dict):
        old.update(value)
    else:
        State.checklist[key] = value


def configure(file, values):
    State.config = Config(file, values)
    set_levels(values.get("logging"))


def loaded():
    """Tell of the rules, and of files that were read since the manager was told last."""
    modules.told = True
    return {
        "functions": modules.functions(),
        "files": list(modules.files.values()),
        "sources": {
            name: {"file": file, "text": base64.b64encode(text).decode("ascii")} for name, (file, text) in modules.sources.items()
        },
    }


def load(name, kept):
    try:
        modules.load(name, kept)
        answer = {"loaded": loaded()}
    except BaseException as e:
        end_forked(e)
        answer = {"failure": failure(e), "files": list(getattr(e, "files", {}).values())}
    return answer


def after(source, typ, payload):
    return call(source, Message(source, typ, payload), State.checklist)


def probe(source, typ, everything):
    Assume.everything = everything
    today_for_placeholders()
    return call(source, Message(source, typ, placeholder("<payload>")), placeholder("<checklist>"))


def call(source, message, checklist):
    function = getattr(modules.rules, "after_" + source, None)
    try:
        answer = {"next": next_workers(function(message, State.config, checklist))}
    except BaseException as e:  # SystemExit too: a rule does not decide when we end
        end_forked(e)
        answer = {"failure": failure(e, function)}
    if not modules.told:  # the rule has imported something
        answer["loaded"] = loaded()
    return answer


def end_forked(e):
    """End a process that a rule has forked, and that comes back from the rule as if it were the helper."""
    if getpid() == HELPER:
        return
    if isinstance(e, SystemExit):
        code = e.code if isinstance(e.code, int) else int(e.code is not None)
    else:
        code = int(e is not None)
        if e is not None:
            traceback.print_exception(type(e), e, e.__traceback__)
    os._exit(code & 0xFF)


class Fork(threading.local):
    """What a thread that forks keeps meanwhile."""

    mask = ()  # signals that it held back before


fork = Fork()


def before_fork():
    """Hold signals back until the new process can be ended by them: its parent may not wait with that."""
    fork.mask = signal.pthread_sigmask(signal.SIG_BLOCK, State.handlers)


def after_fork():
    signal.pthread_sigmask(signal.SIG_SETMASK, fork.mask)


def forked():
    """Make a process that a rule forks one of its own: without our pipes, and without our handlers of signals."""
    let_go()
    forked_output()
    for number, handler in State.handlers.items():
        if signal.getsignal(number) is keep_on:
            signal.signal(number, handler)
    after_fork()


def bound_memory():
    """Give a rule that eats memory a MemoryError before the kernel ends whomever it finds largest, which may be the manager."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    if soft == resource.RLIM_INFINITY or soft > half:
        resource.setrlimit(resource.RLIMIT_DATA, (half, hard))


def keep_on(number, frame):
    """Ignore a signal."""


def state(values):
    State.checklist = values


# Requests by their letter. Those that answer nothing are not waited for.
ANSWER = {"L": load, "A": after, "P": probe}
NOTE = {"S": state, "C": change, "F": configure}


def main():
    if sys.path and sys.path[0] == "":
        sys.path[0] = os.getcwd()  # as python -m has it
    sys.argv[:] = [sys.argv[0]]
    # The manager ends us; a signal to everybody, as service managers send it, must not do so before the last message. Handlers
    # and not SIG_IGN, which the programs that rules start would inherit.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        State.handlers[number] = signal.signal(number, keep_on)
    bound_memory()
    faulthandler.enable(2)  # a crash says where
    faulthandler.register(signal.SIGUSR1, 2)  # so does a rule that hangs, before it is killed
    capture_output()
    stand_in()
    os.register_at_fork(before=before_fork, after_in_parent=after_fork, after_in_child=forked)
    while True:
        request = receive()
        if request is None:
            return
        letter, value = request
        if letter in NOTE:
            NOTE[letter](*value)
            continue
        Budget.left = MOST_LINES
        number, *values = value
        answer = ANSWER[letter](*values)
        end_forked(None)
        finish_output()
        answer["number"] = number
        send(answer)


main()
