"""BERT-CLS and LLM-CAUSAL by the recipe of LLM-CLS: the same candidates, in as many steps.

In: a recipe of ``llmner train-selector`` and options over it. Out: a tuned scorer. LLM-CAUSAL is
the recipe's model with the recipe's adapter, as LLM-CLS is; BERT-CLS is an encoder tuned whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from peft import get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForSequenceClassification, AutoTokenizer, set_seed
from trl import ModelConfig, get_peft_config

from llmner_hf.paper.rivals import CausalScorer, EncoderScorer, encoder_from_scratch, with_marks
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.inputs import with_markers
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.outcome import in_fp32, model_path
from llmner_hf.training.parsing import parsed
from llmner_hf.training.recipe import SelectorTrainingSettings
from llmner_hf.training.tagger.run import load_model
from recipes.selector.compare import drawn

# A rival is not scored while it is trained, and is not kept: its judgements are.
UNSCORED = (
    *("--eval_strategy", "no", "--load_best_model_at_end", "false"),
    *("--save_strategy", "no", "--output_dir"),
)


def tuned(
    kind: str, recipe: Path, options: Sequence[str], encoder: str | None = None
) -> CausalScorer | EncoderScorer:
    """A rival of LLM-CLS, trained.

    Args:
        kind: ``bert_cls`` or ``llm_causal``.
        recipe: of ``llmner train-selector``.
        options: over the recipe, as of that command.
        encoder: of BERT-CLS, a folder or Hub id; one from scratch if absent.
    """
    with TemporaryDirectory() as unused:
        given = [*options, *UNSCORED, unused]
        settings, arguments, model = parsed(SelectorTrainingSettings, recipe, given)
        set_seed(arguments.seed)
        scorer = of_encoder(encoder, model) if kind == "bert_cls" else of_causal(model)
        rows = candidates(settings, model_path(model), arguments.seed)
        scorer.train(list(rows), arguments)
    return scorer


def of_encoder(place: str | None, model: ModelConfig) -> EncoderScorer:
    """An encoder to tune; from scratch it has the tokenizer of the recipe's model."""
    tokenizer = AutoTokenizer.from_pretrained(place or model_path(model))
    if place is None:
        return with_marks(encoder_from_scratch(tokenizer), tokenizer)
    encoder = AutoModelForSequenceClassification.from_pretrained(place, num_labels=1)
    return with_marks(encoder, tokenizer)


def of_causal(settings: ModelConfig) -> CausalScorer:
    """The recipe's model with its adapter; whatever is trained is fp32."""
    model, adapter = load_model(settings), get_peft_config(settings)
    if getattr(model, "is_loaded_in_4bit", False):
        model = prepare_model_for_kbit_training(model)
    if adapter is not None:
        model = get_peft_model(model, adapter)
    in_fp32(model)
    return CausalScorer(model, AutoTokenizer.from_pretrained(model_path(settings)))


def candidates(
    settings: SelectorTrainingSettings, place: str, seed: int
) -> Iterator[tuple[Candidate, bool]]:
    """What LLM-CLS on this model is trained on, each with whether it is gold."""
    tokenizer = AutoTokenizer.from_pretrained(place)
    markers = with_markers(tokenizer, settings.selector()).markers
    settings, tokens = replace(settings, markers=markers), Tokens(tokenizer)
    for dataset in map(Path, settings.datasets):
        yield from drawn([dataset.name], dataset.parent, settings, tokens, seed)
