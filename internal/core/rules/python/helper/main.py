"""The loop: one request, one answer. It ends when the manager closes its pipe."""

import base64
import faulthandler
import os
import signal
import sys


class State:
    """What the rules are called with."""

    config = Config("", {})
    checklist = {}


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
        "sources": {file: base64.b64encode(text).decode("ascii") for file, text in modules.sources.items()},
    }


def load(name, kept):
    try:
        modules.load(name, kept)
        answer = {"loaded": loaded()}
    except BaseException as e:
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
        answer = {"failure": failure(e, function)}
    if not modules.told:  # the rule has imported something
        answer["loaded"] = loaded()
    return answer



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
        signal.signal(number, lambda number, frame: None)
    faulthandler.enable(2)  # a crash says where
    faulthandler.register(signal.SIGUSR1, 2)  # so does a rule that hangs, before it is killed
    capture_output()
    stand_in()
    while True:
        request = receive()
        if request is None:
            return
        letter, value = request
        if letter in NOTE:
            NOTE[letter](*value)
            continue
        Budget.left = MOST_LINES
        answer = ANSWER[letter](*value)
        finish_output()
        send(answer)


main()
