"""Fast and slow decoder agree on sentences of the real corpora.

The profile ``thorough`` compares 2,100 sentences with the embedded model, and 200 with random
weights for every architecture; otherwise a few of each.
"""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from llmner_hf.core.sentences import split
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.fast.drafts import Drafter
from llmner_hf.decoding.reference import ReferenceDecoder
from llmner_hf.decoding.request import Request
from llmner_hf.pipelines.local import EMBEDDED
from llmner_hf.readers import read_any
from llmner_hf.settings import TAGGER_FILE, TaggerSettings
from tests.doubles.models import tiny
from tests.strategies import number

FILES = {
    "genia": "genia/derived/genia_test.jsonl.xz",
    "bc5cdr_chemical": "bc5cdr/CDR_TestSet.PubTator.txt.xz",
    "cmeee_v2": "cmeee_v2/CMeEE-V2_dev.json.xz",
}
TIE = 1e-9  # so that completions that part at equal logits are counted as different


def sentences(shared, settings, limit):
    """Requests for the first sentences of each corpus."""
    found = []
    for name, path in FILES.items():
        schema, own = settings.schema(name), []
        for example in read_any(shared / "corpora" / path, dataset=name).examples:
            spans = split(example.text, schema.language)
            own += [
                Request(f"{name}/{example.id}/{a}", example.text[a:b], schema) for a, b in spans
            ]
            if len(own) >= limit:
                break
        found += own[:limit]
    return found


class Noting(ReferenceDecoder):
    """Notes the logits among which every token was chosen."""

    def raised(self, row, state):
        own, raised = super().raised(row, state)
        row.seen = [*getattr(row, "seen", []), dict(zip(sorted(row.steps), raised, strict=True))]
        return own, raised


def referred(model, tokenizer, settings, many, *, longest_first=True):
    """The rows that the reference has written, 16 at a time."""
    reference = Noting(model, tokenizer, settings)
    rows = [reference.row(request) for request in many]
    order = sorted(rows, key=lambda row: -len(row.prompt)) if longest_first else rows
    for begin in range(0, len(order), 16):
        reference.write(order[begin : begin + 16])
    return rows


def margin(row, record):
    """How far apart the two tokens are, in logits, where a completion first differs; 0 if nowhere.

    Args:
        row: what the reference has written.
        record: what the decoder has written.
    """
    pairs = enumerate(zip(row.record.tokens, record.tokens, strict=False))
    first = next((place for place, (one, other) in pairs if one != other), None)
    if first is None:
        assert row.record.tokens == record.tokens
        return 0.0
    seen = row.seen[first]
    return float(seen[row.record.tokens[first]] - seen[record.tokens[first]]) or TIE


def compare(model, tokenizer, settings, many, batches):
    """Equal tokens, but for ties within the rounding of fp32, at most one text in a thousand."""
    rows = referred(model, tokenizer, settings, many)
    for size, options in batches:
        decoder = ConstrainedDecoder(model, tokenizer, settings, **options)
        found = decoder.write(many, size)
        apart = list(map(margin, rows, found))
        assert max(apart) < 1e-5
        assert sum(one > 0 for one in apart) <= len(many) // 1000


def test_the_embedded_model(shared):
    model = AutoModelForCausalLM.from_pretrained(EMBEDDED).eval()
    settings = TaggerSettings.load(EMBEDDED / TAGGER_FILE)
    many = sentences(shared, settings, number(10, 700))
    batches = [
        (1, {}),
        (8, {"prefix_bytes": 0}),
        (32, {"drafter": Drafter(hints=False), "longest_draft": 100}),
    ]
    compare(model, AutoTokenizer.from_pretrained(EMBEDDED), settings, many, batches)


@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("glm", "glm-4-9b-chat-hf"),
        ("glm4", "glm-4-9b-chat-hf"),
        ("qwen2", "qwen2.5-7b-instruct"),
        ("llama", "llama-3.1-8b-instruct"),
    ],
)
def test_random_weights_with_the_real_tokenizers(shared, family, name):
    """Vocabularies of 150,000 tokens, pieces of many characters, real prompts."""
    tokenizer = AutoTokenizer.from_pretrained(shared / "tokenizers" / name)
    model = tiny(family, tokenizer, max_position_embeddings=4096)
    settings = TaggerSettings(max_depth=2)
    many = sentences(shared, settings, number(2, 70))
    compare(model, tokenizer, settings, many, [(1, {}), (8, {"longest_draft": 30})])


@pytest.mark.parametrize("other", ["decoder", "reference"])
def test_in_bf16_only_near_ties_differ(shared, other):
    """There the width of a pass shows in the last bits of a state, and so in what is almost equal.

    No less in a run of the reference in which the same texts keep other company.
    """
    tokenizer = AutoTokenizer.from_pretrained(EMBEDDED)
    model = AutoModelForCausalLM.from_pretrained(EMBEDDED, dtype=torch.bfloat16).eval()
    settings = TaggerSettings.load(EMBEDDED / TAGGER_FILE)
    many = sentences(shared, settings, number(5, 700))
    rows = referred(model, tokenizer, settings, many)
    if other == "decoder":
        found = ConstrainedDecoder(model, tokenizer, settings).write(many, 8)
    else:
        again = referred(model, tokenizer, settings, many, longest_first=False)
        found = [row.record for row in again]
    apart = [one for one in map(margin, rows, found) if one]
    print(f"{len(apart)} of {len(many)} differ, by at most {max(apart, default=0):.3f} logits")
    assert all(one < 0.05 for one in apart)
    assert len(apart) <= len(many) // 100 + 1
