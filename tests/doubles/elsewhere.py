"""Code as it runs where fewer packages are installed than here: for ``python -I -c``.

``-I``: neither PYTHONPATH nor the folder at hand is searched, and the finders find nothing of what
is hidden.
"""


def without(packages: tuple[str, ...], code: str) -> str:
    """The code, in front of it what hides these packages as ``HIDDEN``."""
    return f"HIDDEN = {packages!r}\n{_HIDING}\n{code}"


_HIDING = """
import json, sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in HIDDEN:
            return self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Without, sys.meta_path)
"""
