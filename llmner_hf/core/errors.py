"""The exception tree.

    LlmnerError                     everything this package raises on purpose
    ├── InputError (ValueError)     the input is wrong; the command line prints it and exits with 2
    │   ├── FormatError             a file does not have its format; names file and line
    │   ├── LabelError              a label is not in the label set, or cannot be the name of a type
    │   ├── OffsetError             a span is empty, negative, or outside its text
    │   ├── UnrepresentableError    a tagging strategy cannot write these entities
    │   └── SettingError            a recipe, an option or a model folder does not fit
    └── RunError (RuntimeError)     the work itself failed; exits with 1

A message answers three questions: what was wrong, where, and what to do.
"""


class LlmnerError(Exception):
    """Everything this package raises on purpose."""


class InputError(LlmnerError, ValueError):
    """The input is wrong: nothing was done, and the message names the place."""


class FormatError(InputError):
    """A file does not have its format.

    Args:
        path: the file, as the user named it.
        line: the line, counted from 1; 0 where the format has no lines.
        reason: what is wrong there and what was expected.
    """

    def __init__(self, path: object, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")


class LabelError(InputError):
    """A label is not in the label set, or cannot be the name of a type."""


class OffsetError(InputError):
    """A span is empty, negative, or outside its text."""


class UnrepresentableError(InputError):
    """A tagging strategy cannot write these entities."""


class SettingError(InputError):
    """A recipe, an option or a model folder does not fit."""


class RunError(LlmnerError, RuntimeError):
    """The work itself failed."""
