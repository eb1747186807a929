"""A Python worker: python -m reporter CONFIG [WORDS...] reports success, with its words and its process as the payload."""

import os
import sys

import yaml
import zmq


def main():
    config_file, *words = sys.argv[1:]
    with open(config_file, encoding="utf-8") as f:
        config = yaml.safe_load(f)
    worker = zmq.Context().socket(zmq.REQ)
    worker.connect(f"tcp://{config['zmq']['host']}:{config['zmq']['ports']['workers']}")
    worker.send_string(yaml.dump({"payload": {"words": words, "pid": os.getpid()}, "source": "reporter", "type": "success"}))
    print(yaml.safe_load(worker.recv_string())["type"])


if __name__ == "__main__":
    main()
