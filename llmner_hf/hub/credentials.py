"""Files that must not leave this machine: those that hold an access token or one of its paths.

In: a file. Out: nothing, or an error that names file, line and kind, never the secret itself.
Weights, tables and images are not looked into: nobody writes a token there.
"""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import get_token

from llmner_hf.core.errors import InputError

_SEALED = (".safetensors", ".parquet", ".png")
_FORMS = {
    "an access token of the Hub": rb"\bhf_[A-Za-z0-9]{30,}",
    "an API key": rb"\bsk-(?:proj-)?[A-Za-z0-9_]{32,}",
    "a GitHub token": rb"\bgh[pousr]_[A-Za-z0-9]{36}",
    "a key of Amazon's": rb"\bAKIA[0-9A-Z]{16}\b",
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----",
}


def refuse_credentials(name: str, file: Path | bytes) -> None:
    """Refuse a file with a secret or with a path into the user's home.

    Raises:
        InputError: it holds one.
    """
    if name.endswith(_SEALED):
        return
    content = file if isinstance(file, bytes) else file.read_bytes()
    home = f"{Path.home()}/" if Path.home().name else ""  # the root is in every path
    own = {"your access token": get_token() or "", "a path of this machine": home}
    forms = _FORMS | {what: re.escape(text.encode()) for what, text in own.items() if text}
    for what, form in forms.items():
        if found := re.search(form, content):
            line = content.count(b"\n", 0, found.start()) + 1
            raise InputError(f"{name}:{line}: holds {what}; take it out, then push again")


def without_secrets(message: str) -> str:
    """An error's message without the signatures of its addresses, and without the token.

    >>> without_secrets("500 for url http://s3/lfs?X-Amz-Signature=1a2b (try later)")
    '500 for url http://s3/lfs (try later)'
    """
    message = re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]*", r"\1", message)
    return message.replace(get_token() or "\0", "hf_…")
