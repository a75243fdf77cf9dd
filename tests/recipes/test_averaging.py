"""The mean of models: what it computes, what it keeps and what it refuses."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.doubles.models import tiny
from tests.doubles.scripts import EMBEDDED, run


def average(folders, out, *options):
    """Run the script; its exit code."""
    return run(EMBEDDED / "average.py", "--models", *folders, *options, "-o", out)


@pytest.fixture
def folders(tokenizer, tmp_path):
    """Two models of one shape and other weights, the second in bf16."""
    made = [tmp_path / "one", tmp_path / "two"]
    for folder, dtype in zip(made, (torch.float32, torch.bfloat16), strict=True):
        model = tiny("glm", tokenizer)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        model.to(dtype).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return made


@pytest.mark.parametrize(
    ("shares", "second"), [((), 0.5), (("0.4", "0.6"), 0.6), (("3", "1"), 0.25)]
)
def test_the_weights_are_the_weighted_means(folders, tmp_path, shares, second):
    out = tmp_path / "out"
    assert average(folders, out, *(["--shares", *shares] if shares else [])) == 0
    one, two, made = (
        AutoModelForCausalLM.from_pretrained(folder, dtype="auto").state_dict()
        for folder in (*folders, out)
    )
    assert made.keys() == two.keys()
    for name, tensor in made.items():
        expected = one[name] * (1 - second) + two[name].float() * second
        assert tensor.dtype == two[name].dtype
        torch.testing.assert_close(tensor.float(), expected, rtol=2**-7, atol=1e-6)
    assert {path.name for path in out.iterdir()} == {path.name for path in folders[1].iterdir()}


def test_of_one_model_it_is_that_model(folders, tmp_path):
    assert average([folders[0]], tmp_path / "out") == 0
    one, made = (
        AutoModelForCausalLM.from_pretrained(folder).state_dict()
        for folder in (folders[0], tmp_path / "out")
    )
    assert all(torch.equal(made[name], tensor) for name, tensor in one.items())


@pytest.mark.parametrize("shares", [["1"], ["0.5", "-0.5"]])
def test_shares_that_do_not_fit_are_refused(folders, tmp_path, capsys, shares):
    assert average(folders, tmp_path / "out", "--shares", *shares) == 2
    assert "2 models need as many shares above 0" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_models_of_other_shapes_are_refused(folders, tokenizer, tmp_path, capsys):
    tiny("glm", tokenizer, num_hidden_layers=3).save_pretrained(tmp_path / "deep")
    assert average([*folders, tmp_path / "deep"], tmp_path / "out") == 2
    assert "models of one shape alone have a mean" in capsys.readouterr().err


def test_a_folder_without_weights_is_named(folders, tmp_path, capsys):
    assert average([*folders, tmp_path / "none"], tmp_path / "out") == 2
    assert "none: no model.safetensors in it" in capsys.readouterr().err
