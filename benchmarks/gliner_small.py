"""GLiNER-small on texts from standard input, for `benchmarks/embedded.py`, in its own environment.

In: JSON ``{"texts", "labels", "batches", "repeats"}``. Out: one line of JSON. The architecture is
that of urchade/gliner_small-v2.1 (DeBERTa-v3-small, an LSTM, spans of up to 12 words by their
borders), run by `gliner` itself. The weights are random, which does not change their speed. The
vocabulary has the published size, but every word is one token, fewer than any tokenizer makes; and
the threshold is 1, so that nothing is spent on what was found. Both are in its favour.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import DebertaV2Config, PreTrainedTokenizerFast

# As microsoft/deberta-v3-small and urchade/gliner_small-v2.1 publish them.
VOCABULARY = 128_000
BACKBONE = DebertaV2Config(
    vocab_size=VOCABULARY,
    hidden_size=768,
    intermediate_size=3072,
    num_hidden_layers=6,
    num_attention_heads=12,
    max_position_embeddings=512,
    relative_attention=True,
    position_buckets=256,
    norm_rel_ebd="layer_norm",
    share_att_key=True,
    pos_att_type=["p2c", "c2p"],
    position_biased_input=False,
    type_vocab_size=0,
    layer_norm_eps=1e-7,
    pad_token_id=0,
)
SPANS: dict[str, Any] = {
    "max_width": 12,
    "hidden_size": 512,
    "dropout": 0.4,
    "subtoken_pooling": "first",
    "span_mode": "markerV0",
    "max_len": 384,
    "num_rnn_layers": 1,
}
SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
# Where GLiNER itself cuts a text into words.
WORD = re.compile(r"\w+(?:[-_]\w+)*|\S")


def tokenizer_of(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """One token for each word of the texts, in a vocabulary of the published size."""
    words = sorted({word for text in texts for word in WORD.findall(text)})
    idle = (f"\ue000{number}" for number in range(VOCABULARY - len(SPECIAL) - len(words)))
    ids = {piece: number for number, piece in enumerate([*SPECIAL, *words, *idle])}
    made = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    names = dict(zip(("pad_token", "cls_token", "sep_token", "unk_token"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=made, **names)


def rival(texts: list[str], folder: str) -> Any:
    """The model; the folder holds what it would else take from the Hub."""
    from gliner import GLiNER, GLiNERConfig  # only here: the rest is tested without it

    tokenizer_of(texts).save_pretrained(folder)
    BACKBONE.save_pretrained(folder)
    torch.manual_seed(0)
    config = GLiNERConfig(model_name=folder, encoder_config=BACKBONE.to_dict(), **SPANS)
    return GLiNER.from_config(config, backbone_from_pretrained=False)


def seconds(model: Any, texts: list[str], labels: list[str], batch: int) -> float:
    """The processor time that annotating all texts takes."""
    started = process_time()
    model.inference(texts, labels, batch_size=batch, threshold=1.0)
    return process_time() - started


def main() -> None:
    """Read the texts, write what was measured."""
    given = json.load(sys.stdin)
    texts, labels = given["texts"], given["labels"]
    torch.set_num_threads(given["threads"])
    with TemporaryDirectory() as folder:
        model = rival(texts, folder)
        model.inference(texts[:1], labels, threshold=1.0)
        found = {
            batch: [seconds(model, texts, labels, batch) for _ in range(given["repeats"])]
            for batch in given["batches"]
        }
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(
        json.dumps(
            {
                "version": version("gliner"),
                "transformers": version("transformers"),
                "parameters": sum(p.numel() for p in model.model.parameters()),
                "peak_mib": peak / 2**10,
                "seconds": found,
            }
        )
    )


if __name__ == "__main__":
    main()
