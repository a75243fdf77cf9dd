"""Code as it runs where fewer packages are installed than here: for ``python -I -c``.

``-I``: neither PYTHONPATH nor the folder at hand is searched, and the finders find nothing of what
is hidden.
"""


def without(packages: tuple[str, ...], code: str, records: tuple[str, ...] = ()) -> str:
    """The code, in front of it what hides packages and their records of installation.

    Args:
        packages: cannot be imported, as ``HIDDEN``.
        code: to run.
        records: distributions that `importlib.metadata` does not find besides.
    """
    return f"HIDDEN, UNRECORDED = {packages!r}, {packages + records!r}\n{_HIDING}\n{code}"


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

    def find_distributions(self, *context):
        find = getattr(self.finder, "find_distributions", lambda *_: ())
        return (one for one in find(*context) if one.metadata["Name"] not in UNRECORDED)

sys.meta_path[:] = map(Without, sys.meta_path)
"""
