"""What goes wrong on purpose, a request at a time.

- ``drop``: the connection ends before the request is looked at;
- ``lost``: the request is carried out, and the connection ends before the answer;
- ``error``: a status instead of an answer, nothing carried out;
- ``truncate``: half a body arrives: half a file is stored as if it were whole, any other request
  ends with its connection, and a download breaks off in the middle;
- ``slow``: the answer is late.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Literal


@dataclass
class Fault:
    kind: Literal["drop", "lost", "error", "truncate", "slow"]
    method: str
    path: str  # a regular expression, found anywhere in the path
    times: int = 1
    status: int = 500
    seconds: float = 0.2


class Faults:
    """The faults to come; each takes the requests that it matches until its times are used up."""

    def __init__(self) -> None:
        self.taken = 0  # since they were set
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def set(self, *faults: Fault) -> None:
        with self._lock:
            self._waiting, self.taken = list(faults), 0

    def take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self._waiting:
                if fault.times and fault.method == method and re.search(fault.path, path):
                    fault.times -= 1
                    self.taken += 1
                    return fault
        return None
