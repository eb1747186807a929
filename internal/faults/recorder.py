"""The recording worker as Python's workers are. It is called as CONFIG NUMBER [HOW]: it writes down that it was started, does as HOW says,
reports a success with the number of its launch, and waits for the answer for as long as that takes."""
import json
import os
import sys
import time

import yaml
import zmq


def record(number):
    launch = int(os.environ.get("NOWCAST_LAUNCH", 0))
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = json.dumps({"number": number, "launch": launch, "pid": os.getpid(), "time": now}) + "\n"
    fd = os.open(os.environ["NOWCAST_FAULTS_STARTS"], os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_DSYNC, 0o600)
    os.write(fd, line.encode())  # one write: what others append does not mix with it
    os.close(fd)
    return launch


def first(number):
    """Tells whether this is the first process for a report."""
    with open(os.environ["NOWCAST_FAULTS_STARTS"]) as lines:
        return sum(json.loads(line)["number"] == number for line in lines) == 1


def report(config, payload):
    with open(config) as f:
        zmq_settings = yaml.safe_load(f)["zmq"]
    socket = zmq.Context.instance().socket(zmq.REQ)
    socket.connect("tcp://{}:{}".format(zmq_settings["host"], zmq_settings["ports"]["workers"]))
    socket.send_string(yaml.dump({"source": "pyrecorder", "type": "success", "payload": payload}))
    socket.recv_string()


def main():
    config, number, how = sys.argv[1], sys.argv[2], sys.argv[3:]
    launch = record(number)
    if how and how[0] == "sleep":
        time.sleep(float(how[1]))
    if how and how[0] in ("late", "away") and first(number):
        # Its work goes on in a process that outlives it; that one is away if it has left the session, too.
        if os.fork() == 0:
            if how[0] == "away":
                os.setsid()
            time.sleep(float(how[1]))
            report(config, {"launch": launch})
        os._exit(3)
    report(config, {"launch": launch})


main()
