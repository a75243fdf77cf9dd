"""A Hub on loopback: what huggingface_hub, datasets, transformers and evaluate ask of the real one.

    with Hub() as hub:
        HfApi(endpoint=hub.url, token=hub.token).create_repo("tester/first")

`store` holds repositories as values, `messages` a request and its answer, `faults` what goes wrong
on purpose; one file a concern answers the routes, and `server` joins them. Repositories live in
memory, and end with the process. Shapes come from the clients' parsers, never from the real Hub.
"""

from tests.doubles.hub.faults import Fault
from tests.doubles.hub.server import Hub

__all__ = ["Fault", "Hub"]
