"""The memory of ``llmner demo`` after texts of the greatest length."""

import re
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx

from llmner_hf.spaces.bioner_demo.inputs import MOST_CHARACTERS

LIMIT = 1000  # MB
TEXTS = (
    "Two patients had renal failure after gentamicin and lithium carbonate; IL-2 was low. ",
    "患者服用阿司匹林和二甲双胍",  # without the end of a sentence, which takes most
)


def memory():
    """What became of it, with the megabytes that are resident at the end."""
    from gradio_client import Client

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "llmner_hf", "demo", "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as server:
        try:
            client = opened(lambda: Client(f"http://127.0.0.1:{port}", verbose=False), server)
            for text in TEXTS:
                whole = (text * MOST_CHARACTERS)[:MOST_CHARACTERS]
                assert client.predict(whole, api_name="/annotate")
            status = Path(f"/proc/{server.pid}/status").read_text("utf-8")
        finally:
            server.terminate()
    held = int(re.search(r"VmRSS:\s*(\d+) kB", status)[1]) // 1000
    return Counter({f"below {LIMIT:,} MB" if held < LIMIT else "too much": 1, "MB": held})


def opened(client, server):
    while server.poll() is None:
        try:
            return client()
        except (OSError, ValueError, httpx.HTTPError):
            time.sleep(1)
    raise AssertionError("the demo ended")
