"""What `pipeline("bioner")` costs a process that has just begun; for `benchmarks/embedded.py`.

In: the model's folder as an argument, or none; a JSON list of texts on standard input. Out: one
line of JSON: the clock when the pipeline was made and when the first text was annotated, the
processor time until then, the time of all texts, and the most resident memory.
"""

import json
import sys
from pathlib import Path
from time import monotonic, process_time

import torch

import llmner_hf


def main() -> None:
    """Annotate the first text, then all."""
    texts = json.load(sys.stdin)
    ner = llmner_hf.pipeline("bioner", model=sys.argv[1] if sys.argv[1:] else None)
    loaded = monotonic()
    if not ner(texts[0]):
        raise SystemExit("no entity in the first text: the time to the first is not known")
    answered, busy = monotonic(), process_time()
    clock = process_time if torch.get_num_threads() == 1 else monotonic  # as in `embedded.py`
    started = clock()
    ner(texts, dataset="genia", batch_size=32)
    seconds = clock() - started
    # Of this process alone; `getrusage` begins with its parent's.
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**10
    found = {"loaded": loaded, "answered": answered, "busy": busy, "peak_mib": peak}
    print(json.dumps(found | {"seconds": seconds}))


if __name__ == "__main__":
    main()
