"""``python -m tests.doubles.hub --port N``: the Hub on loopback, until it is interrupted."""

import argparse
import time

from tests.doubles.hub.server import Hub

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.doubles.hub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    with Hub(port=parser.parse_args().port) as hub:
        print(f"export HF_ENDPOINT={hub.url} HF_TOKEN={hub.token}", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print("stopped; nothing was kept")
