"""A tagger: a tuned model, its tokenizer, how it is asked, and the selector that judges it.

In: a folder or a repository of the Hub at a revision. Out: everything that one needs to annotate,
in one value. What ``save_pretrained`` and ``push_to_hub`` write, ``from_pretrained`` reads, and the
two answer alike. Refused: a selector without files of its own, which could not be saved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from huggingface_hub import HfApi
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from llmner_hf.core.errors import InputError, SettingError
from llmner_hf.hub import Destination, contents_of, push
from llmner_hf.hub.cards import model_card
from llmner_hf.selector.filtering import Selector
from llmner_hf.selector.sharing import can_share
from llmner_hf.selector.soundness import check_tokenizer
from llmner_hf.selector.storage import ADAPTER_FILE, AROUND, SELECTOR_FOLDER, copy_to, export
from llmner_hf.settings import SELECTOR_FILE, SelectorSettings, TaggerSettings
from llmner_hf.settings.origin import Origin
from llmner_hf.tagger.folder import (
    BESIDE,
    merge_adapters,
    model_of,
    origin_of,
    selector_of,
    settings_of,
    tokenizer_of,
)
from llmner_hf.tagger.merging import merged_model

CARD = "README.md"


@dataclass(frozen=True, slots=True, eq=False)
class Tagger:
    """Everything that one needs to annotate.

    Attributes:
        model: a causal language model, with its adapter if it has one.
        tokenizer: its tokenizer.
        settings: how it was tuned and is asked.
        selector: what judges its entities; None for the tagger alone.
        origin: where it came from; None for one that lies nowhere yet.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    settings: TaggerSettings
    selector: Selector | None = None
    origin: Origin | None = None

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        dtype: str | torch.dtype = "auto",
        device_map: Any = None,
        trust_remote_code: bool = False,
        tokenizer: Any = None,
        selector: str | Path | Origin | Selector | None = BESIDE,
        **model_kwargs: Any,
    ) -> Tagger:
        """Load a tagger: a whole model, or an adapter with its base.

        Args:
            name_or_path: folder or Hub id; "embedded" is the model that comes with the package.
            revision: branch, tag or commit, from which all files of the tagger come.
            token: what opens private repositories: of tagger, base and selector.
            cache_dir: where downloads are kept.
            local_files_only: whether to look at what was downloaded before and nowhere else.
            dtype: of the weights. Default: that in which they were saved.
            device_map: as in ``PreTrainedModel.from_pretrained``.
            trust_remote_code: whether code that the model's repository brings may run.
            tokenizer: one that was loaded, or its folder or Hub id. Default: the model's own.
            selector: the same of a selector; None for none. Default: the one beside the model.
            **model_kwargs: as ``quantization_config``, of ``PreTrainedModel.from_pretrained``.

        Raises:
            InputError: nothing that is a tagger lies there.
            SettingError: the selector that is named is none.
        """
        origin = Origin.of(name_or_path, revision, token, cache_dir, local_files_only).pinned()
        options = {"dtype": dtype, "device_map": device_map, "trust_remote_code": trust_remote_code}
        model = model_of(origin, **options, **model_kwargs)
        tokenizer = tokenizer_of(origin, tokenizer)
        check_tokenizer(model, tokenizer, origin.name)
        return cls.around(model, tokenizer, selector=selector, origin=origin)

    @classmethod
    def around(
        cls,
        model: Any,
        tokenizer: Any,
        *,
        settings: TaggerSettings | None = None,
        selector: str | Path | Origin | Selector | None = BESIDE,
        origin: Origin | None = None,
    ) -> Tagger:
        """The tagger of a model in memory, with what lies beside it.

        An adapter in it is merged into its weights in memory, which saves two products in every
        layer, unless these are quantised or a selector shares them.

        Args:
            model: the model; an adapter in it must not have been merged.
            tokenizer: its tokenizer.
            settings: in place of those that lie beside it.
            selector: folder or Hub id of a selector, or one that was loaded. Default: the one in
                the tagger's own folder ``selector``, if there is one. None: no selector.
            origin: where it came from, if the model does not say so.
        """
        origin = origin or origin_of(model, tokenizer)
        if settings is None:
            settings = settings_of(origin) if origin else TaggerSettings()
        chosen, shared = selector_of(origin, model, selector)
        if getattr(model, "_hf_peft_config_loaded", False) and not shared:
            merge_adapters(model)
        return cls(model.eval(), tokenizer, settings, chosen, origin).with_settings(settings)

    def with_settings(self, settings: TaggerSettings) -> Tagger:
        """The tagger asked in another way; its selector reads the gazetteer of these settings."""
        judge = self.selector and replace(self.selector, gazetteer=settings.gazetteer)
        return replace(self, settings=settings, selector=judge)

    def save_pretrained(self, save_directory: str | Path) -> None:
        """Write all of it: weights or adapter, tokenizer, settings, gazetteer, selector.

        Raises:
            InputError: the place is a file, or holds the selector of another tagger.
            SettingError: the selector was made in memory and has no files.
        """
        folder = Path(save_directory)
        if folder.is_file():
            raise InputError(f"{folder}: is a file; name a folder")
        beside = folder / SELECTOR_FOLDER
        if self.selector is None and (beside / SELECTOR_FILE).is_file():
            raise InputError(f"{beside}: a selector lies there and this tagger has none; remove it")
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        self.settings.save(folder)
        if self.selector is not None:
            self._save_selector(self.selector, beside)

    def _save_selector(self, selector: Selector, folder: Path) -> None:
        """The selector's files, with the thresholds and the temperature that it has now."""
        origin = selector.origin
        if origin is None:
            raise SettingError("the selector was made in memory; save it, and load it by its place")
        settings = replace(
            SelectorSettings.load(str(origin.file(SELECTOR_FILE))),
            threshold=selector.threshold,
            thresholds=selector.thresholds,
            temperature=selector.temperature,
        )
        if origin.file(ADAPTER_FILE) and not self._carries(origin):
            export(origin, folder)  # whole, since the tagger is not its base
            settings.save(folder)
            return
        copy_to(origin, folder, settings, AROUND)

    def _carries(self, selector: Origin) -> bool:
        """Whether a selector's adapter is one on this tagger's base."""
        own = self.origin is not None and self.origin.file(f"{SELECTOR_FOLDER}/{SELECTOR_FILE}")
        return own == selector.file(SELECTOR_FILE) or can_share(self.model, selector)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        revision: str = "main",
        private: bool = False,
        token: str | bool | None = None,
    ) -> str:
        """Push all of it in one commit; returns the commit's address.

        Args:
            repo_id: the repository, NAMESPACE/NAME; made if it is not there.
            revision: the branch; made if it is not there.
            private: make or demand the repository private.
            token: one that may write. Default: the one that this computer is logged in by.

        Raises:
            InputError: a file holds a secret or a path of this machine, or an adapter's base is
                nothing on the Hub.
            RunError: the Hub did not take it; it holds what it held before.
        """
        with TemporaryDirectory() as scratch:
            folder = Path(scratch, repo_id.rpartition("/")[2])
            self.save_pretrained(folder)
            card = self.origin.file(CARD) if self.origin else None
            if card is not None:
                (folder / CARD).write_bytes(card.read_bytes())
            contents = contents_of(folder, partial(model_card, name=repo_id))
            to = Destination(repo_id, revision, private)
            return push(contents, to, HfApi(token=token)).url

    def merged(self, dtype: torch.dtype | None = None) -> Tagger:
        """A tagger whose adapter is part of its weights, for servers that take whole models alone.

        The base is loaded anew without quantisation. A tagger without an adapter is returned as it
        is. The selector stays behind: it is an adapter on the base that the merged weights are not.

        Args:
            dtype: of the merged weights. Default: bf16, as the backbones are published.

        Raises:
            SettingError: the base is stored quantised.
            RunError: the merged weights are not finite.
        """
        if not getattr(self.model, "_hf_peft_config_loaded", False):
            return self
        with TemporaryDirectory() as scratch:
            self.model.save_pretrained(scratch)
            model = merged_model(Origin(scratch), dtype or torch.bfloat16)
        return Tagger(model, self.tokenizer, self.settings)
