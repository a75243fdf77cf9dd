"""Folders to repositories on the Hub: what is pushed, and how a push survives a bad connection.

    from llmner_hf.hub import Destination, contents_of, push

    push(contents_of(Path("runs/ncbi")), Destination("ns/ncbi-tagger", private=True))

In: folders that `llmner build`, `train`, `merge` or this package's Spaces left. Out: one commit, or
none where the repository holds all of it. Refused: folders that are none of these, files with
access tokens or paths of this machine, corpora that may not be published. Loading by name needs
nothing of this: transformers, datasets and evaluate do it.
"""

from llmner_hf.hub.bundling import with_code
from llmner_hf.hub.contents import Contents, contents_of
from llmner_hf.hub.joining import joined
from llmner_hf.hub.pushing import Destination, Pushed, check_rights, collect, push
from llmner_hf.hub.spaces import self_contained

__all__ = [
    "Contents",
    "Destination",
    "Pushed",
    "check_rights",
    "collect",
    "contents_of",
    "joined",
    "push",
    "self_contained",
    "with_code",
]
