"""What ``import llmner_hf`` makes known to transformers, once transformers is there.

In: the import of this package, before or after that of transformers. Out: the task "bioner" in
transformers' registry, and the selector in its Auto classes. Nothing heavy is imported for it: what
is to be registered with a module of transformers waits until that module has been imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

TASK = "bioner"


def register_task() -> None:
    """Make ``transformers.pipeline("bioner")`` known; the embedded model is its default."""
    from transformers import AutoModelForCausalLM
    from transformers.pipelines import PIPELINE_REGISTRY

    from llmner_hf.settings.origin import EMBEDDED

    PIPELINE_REGISTRY.supported_tasks.setdefault(
        TASK,
        {
            "impl": "llmner_hf.pipelines.local.BioNerPipeline",
            "pt": (AutoModelForCausalLM,),
            "default": {"model": (str(EMBEDDED), "main")},
            "type": "text",
        },
    )


# The two files of a selector register what is in them, here and where a model brings them.


def register_config() -> None:
    """Make the selector known to ``AutoConfig``."""
    import_module("llmner_hf.selector.configuration")


def register_selector() -> None:
    """Make the selector known to ``AutoModelForSequenceClassification``."""
    import_module("llmner_hf.selector.modeling")


WAITING: Mapping[str, Callable[[], None]] = {
    "transformers.pipelines": register_task,
    "transformers.models.auto.configuration_auto": register_config,
    "transformers.models.auto.modeling_auto": register_selector,
}


class _Then(Loader):
    """A loader that does something when a module has been loaded."""

    def __init__(self, loader: Loader, then: Callable[[], None]) -> None:
        self._loader = loader
        self._then = then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As usual."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """As usual, and then."""
        module.__spec__.loader = module.__loader__ = self._loader  # type: ignore[union-attr]
        self._loader.exec_module(module)
        self._then()


class _Waiting(MetaPathFinder):
    """Finds the modules that something waits for, each once, as the usual finder does."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The usual spec; its loader registers when the module is there."""
        if name not in WAITING:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Then(spec.loader, WAITING[name])
        return spec


def register() -> None:
    """Register now what can be, and the rest when its module is imported."""
    for name, act in WAITING.items():
        if name in sys.modules:
            act()
    if not any(isinstance(finder, _Waiting) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Waiting())
