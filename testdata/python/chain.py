"""A Python worker that does nothing but report, for measuring a chain of them.

python -m chain CONFIG N          report success with {"link": N}
python -m chain CONFIG N --debug  the same without a manager
"""

import sys

import yaml
import zmq


def main():
    with open(sys.argv[1]) as f:
        config = yaml.safe_load(f)
    if "--debug" in sys.argv:
        return
    context = zmq.Context()
    socket = context.socket(zmq.REQ)
    socket.connect(f"tcp://{config['zmq']['host']}:{config['zmq']['ports']['workers']}")
    message = {"source": "chain", "type": "success", "payload": {"link": int(sys.argv[2])}}
    socket.send_string(yaml.dump(message))
    socket.recv_string()
    socket.close()
    context.term()


if __name__ == "__main__":
    main()
