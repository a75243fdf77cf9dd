"""Make the embedded model's starting point: tokenizer, chat template, config, word vectors.

In: plain text (one passage a line, plain or .xz) and tagged datasets whose training texts are read.
Out: a checkpoint folder that ``llmner train`` starts from. The tokenizer is a byte-level BPE that
keeps every Han character, digit and punctuation mark apart, so that brackets never fall inside a
token there. The input embeddings are word vectors: the positive pointwise mutual information of
tokens within a window, reduced by a truncated SVD. The layers, random at first, learn to copy
sequences of random tokens: tagging is copying with decisions, and from tagged text alone so small
a model does not learn in an epoch to look up what it is copying.

    python recipes/embedded/initialise.py --text pretraining/*.xz --dataset data/* -o runs/initial
"""

import argparse
import lzma
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from datasets import load_dataset
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GlmConfig, GlmForCausalLM, PreTrainedTokenizerFast

SPECIAL = ["<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
# One Han character, one word with the blank before it, one digit, one mark.
PIECE = r" ?\p{Han}| ?[\p{L}\p{M}&&[^\p{Han}]]+| ?\p{N}| ?[^\s\p{L}\p{M}\p{N}]|\s"


def passages(paths: list[Path]) -> Iterator[str]:
    """The lines of all files, without their line ends."""
    for path in paths:
        opener = lzma.open if path.suffix == ".xz" else open
        with opener(path, "rt", encoding="utf-8") as lines:
            yield from (line.rstrip("\n") for line in lines)


def training_texts(folders: list[Path]) -> list[str]:
    """The training texts of tagged datasets."""
    return [text for folder in folders for text in load_dataset(str(folder))["train"]["text"]]


def learn_tokenizer(texts: Iterator[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE with the marks of symbolic tagging as single tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECE), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=SPECIAL[0],
        pad_token=SPECIAL[0],
        padding_side="left",
        chat_template=TEMPLATE,
    )


def cooccurrences(
    tokenizer: PreTrainedTokenizerFast, texts: Iterator[str], window: int
) -> np.ndarray:
    """How often two tokens stand within a window of each other, (vocabulary, vocabulary)."""
    size = len(tokenizer)
    counts = np.zeros(size * size, dtype=np.float32)
    backend, batch, stop = tokenizer.backend_tokenizer, [], tokenizer.eos_token_id

    def add(batch: list[str]) -> None:
        ids = np.concatenate(
            [np.asarray([*e.ids, *[stop] * window]) for e in backend.encode_batch_fast(batch)]
        )
        for distance in range(1, window + 1):
            pairs = ids[:-distance] * size + ids[distance:]
            unique, times = np.unique(pairs, return_counts=True)
            counts[unique] += times / distance

    for text in texts:
        batch.append(text)
        if len(batch) == 20_000:
            add(batch)
            batch = []
    if batch:
        add(batch)
    square = counts.reshape(size, size)
    square[stop] = square[:, stop] = 0
    return square + square.T


def word_vectors(counts: np.ndarray, dimensions: int, seed: int) -> torch.Tensor:
    """Truncated SVD of the positive pointwise mutual information, (vocabulary, dimensions)."""
    total, margin = counts.sum(), counts.sum(axis=1)
    smoothed = margin**0.75  # context distribution smoothing of Levy et al. 2015
    smoothed *= total / smoothed.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(counts * total / np.outer(margin, smoothed))
    information[~np.isfinite(information)] = 0
    torch.manual_seed(seed)
    matrix = torch.from_numpy(np.maximum(information, 0).astype(np.float32))
    u, s, _ = torch.svd_lowrank(matrix, q=dimensions + 16, niter=4)
    return (u * s.sqrt())[:, :dimensions]


def copying_batch(size: int, longest: int, vocabulary: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random tokens, then the same twice; (batch, tokens) and where the copies are foretold.

    Lengths differ within a batch, so that a copy is found by what it says, not by how far it lies.
    """
    ids = torch.zeros(size, 3 * longest + 3, dtype=torch.long)
    copies = torch.zeros_like(ids, dtype=torch.bool)
    for row in range(size):
        length = int(torch.randint(3, longest + 1, (1,)))
        text = torch.randint(len(SPECIAL), vocabulary, (length,)).tolist()
        ids[row, : 3 * length + 3] = torch.tensor([1, *text, 2, *text, 3, *text])
        copies[row, length + 1 : 3 * length + 2] = True
    return ids, copies[:, :-1]


def learn_copying(model: GlmForCausalLM, steps: int, seed: int) -> None:
    """Train the layers to copy random tokens of growing length; prints loss and accuracy.

    The softmax is over the tokens of the batch: the rest of the vocabulary is no likely confusion.
    """
    torch.manual_seed(seed)
    vectors = model.get_input_embeddings().weight
    layers = [p for p in model.parameters() if p is not vectors]
    optimiser = torch.optim.AdamW(layers, betas=(0.9, 0.98), weight_decay=0.01)
    for step in range(steps):
        longest = 6 + 42 * step // steps
        ids, copies = copying_batch(1_200 // longest, longest, len(vectors))
        ids, copies = ids.to(vectors.device), copies.to(vectors.device)
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1.0, (step + 1) / 50)
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1][copies]
        known, gold = ids[:, 1:][copies].unique(return_inverse=True)
        logits = hidden @ vectors[known].T
        loss = torch.nn.functional.cross_entropy(logits, gold)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(layers, 1.0)
        optimiser.step()
        if step % 50 == 49:
            right = (logits.argmax(-1) == gold).float().mean()
            print(f"copying, step {step + 1}: loss {loss:.3f}, right {right:.3f}", flush=True)


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", nargs="+", type=Path, required=True)
    parser.add_argument("--dataset", nargs="+", type=Path, required=True)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--vocabulary", type=int, default=12_000)
    parser.add_argument("--hidden", type=int, default=160)
    parser.add_argument("--intermediate", type=int, default=384)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--copying-steps", type=int, default=800)
    parser.add_argument("--device", default="cpu", help="where the copying is learnt")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Write the checkpoint."""
    given = options()
    own = training_texts(given.dataset)
    # The English articles outweigh everything else; every tenth of them is enough for merges.
    sample = (t for i, t in enumerate(passages(given.text)) if not i % 3)
    marks = ["a [b] [[c] d]: e\n"] * 10_000
    tokenizer = learn_tokenizer(
        (t for part in (own, own, own, marks, sample) for t in part), given.vocabulary
    )
    counts = cooccurrences(
        tokenizer, (t for part in (own, own, own, passages(given.text)) for t in part), window=4
    )
    vectors = word_vectors(counts, given.hidden, given.seed)
    config = GlmConfig(
        vocab_size=len(tokenizer),
        hidden_size=given.hidden,
        intermediate_size=given.intermediate,
        num_hidden_layers=given.layers,
        num_attention_heads=given.hidden // 32,
        num_key_value_heads=given.hidden // 32,
        head_dim=32,
        max_position_embeddings=4096,
        attention_dropout=0.0,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(given.seed)
    model = GlmForCausalLM(config)
    # Of length 1: the head is tied, and with the usual 0.02 no logit is large enough to be sure.
    model.get_input_embeddings().weight.data[:] = torch.nn.functional.normalize(vectors, dim=1)
    learn_copying(model.to(given.device), given.copying_steps, given.seed)
    model.save_pretrained(given.out)
    tokenizer.save_pretrained(given.out)
    print(f"{model.num_parameters():,} parameters, {len(tokenizer):,} tokens -> {given.out}")


if __name__ == "__main__":
    main()
