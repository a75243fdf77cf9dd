"""``llmner terminology``: files to a store, and what is said of both."""

import pytest

from llmner_hf.cli import main
from llmner_hf.terminology.store import Terminology
from tests.terminology.files import SAMPLES, changed, lay


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder in which commands run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *arguments):
    code = main(["terminology", *map(str, arguments)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_a_store_is_built_shown_and_merged(folder, capsys):
    mesh, mondo = lay(folder, "desc2026.xml"), lay(folder, "mondo.obo")
    code, out, err = run(capsys, "build", "mesh.safetensors", mesh)
    assert (code, err) == (0, "")
    assert "desc2026.xml: 4 concepts, mesh, version 2026, free use with attribution" in out
    assert "left out 1: concept that is not selected" in out
    assert "4 concepts with 6 names: Chemical 2, CellLine 1, Disease 1" in out

    code, out, _ = run(capsys, "build", "all.safetensors", "mesh.safetensors", mondo)
    assert code == 0
    assert "1: concept joined by a cross-reference" in out
    code, out, _ = run(capsys, "show", "all.safetensors")
    assert code == 0
    assert "version: 2026; mondo.obo 2026-01-02\n" in out
    assert "files: mesh.safetensors, mondo.obo\n" in out
    assert "  Disease: 3\n" in out
    assert "  1: mondo.obo: obsolete term\n" in out

    code, out, _ = run(capsys, "show", "all.safetensors", "Sulks", "Mendacine", "nothing")
    assert code == 0
    assert out.splitlines() == [
        "Sulks: MESH:D000004 Sulking Disorder, Disease (same name, written)",
        "  names: sulking disorder; sulks; bad mood",
        "  same: MONDO:0000002",
        "  parents: MONDO:0000001 disease",
        "Mendacine: MESH:D000001 Mendacine, Chemical (preferred name, written)",
        "  names: MX-23; Mendacine Sodium",
        "  parents: MESH:D000002 Heterocycles",
        "nothing: no concept",
    ]


def test_options_reach_the_files_and_the_store(folder, capsys):
    table = lay(folder, "mine.csv", "code,term\n1,sulks;moods\n")
    code, out, _ = run(
        capsys,
        *("build", "mine.safetensors", table, "--type", "Mood", "--prefix", "MY"),
        *("--columns", "id=code", "name=term", "--name", "moods", "--version", "7"),
        *("--licence", "CC0 1.0", "--attribution", "Me"),
    )
    assert code == 0
    assert "licence: no FILE" not in out
    store = Terminology.load(folder / "mine.safetensors")
    assert [(c.id, c.name, c.type) for c in store.concepts()] == [("MY:1", "sulks;moods", "Mood")]
    about = store.about
    assert (about.name, about.version, about.licence) == ("moods", "7", "CC0 1.0")
    assert about.attribution == "Me"


def test_a_licence_that_nobody_told_is_asked_for(folder, capsys):
    _, out, _ = run(capsys, "build", "mine.safetensors", lay(folder, "mine.tsv"))
    assert "licence: no FILE says it; tell it with --licence" in out
    _, out, _ = run(capsys, "show", "mine.safetensors")
    assert "licence: not told\n" in out


def test_what_cannot_be_read_is_told_with_its_place(folder, capsys):
    path = changed(folder, "mondo.obo", 'synonym: "sulks"', "synonym: sulks")
    code, out, _ = run(capsys, "build", "mine.safetensors", path)
    assert code == 0
    assert "mondo.obo: left out 1: line that is not OBO (at line 14)\n" in out


def test_each_oddity_of_a_file_is_one_line(folder, capsys):
    rows = [
        ("M:1", "sulks", "M:2"),
        ("M:2", "x" * 10_000, "M:1"),
        ("M:2", "moods", "M:1"),
        ("M:1", "bad mood", ""),
        ("M:3", "Sulks", "M:4"),
    ]
    lines = ["id\tname\tparents", *("\t".join(row) for row in rows)]
    table = lay(folder, "odd.tsv", "\n".join(lines))
    code, out, _ = run(capsys, "build", "odd.safetensors", table, "--type", "Mood")
    assert code == 0
    assert [line.removeprefix(f"{table}: ") for line in out.splitlines()[1:-3]] == [
        "left out 1: name of more than 1,000 characters (at line 3)",
        "left out 1: concept without a name (at line 3)",
        "kept 1: id that stands in the file twice, joined (at M:1)",
        "1: parent that led back to its own concept, taken away",
        "1 names have several concepts: sulks (2)",
    ]
    _, out, _ = run(capsys, "show", "odd.safetensors", "bad mood")
    assert out == (
        "bad mood: M:1 sulks, Mood (synonym name, written)\n  names: bad mood\n"
        "  parents: M:2 moods\n"
    )


TAUGHT = (
    "1|t|The black mood came.\n1|a|A black mood, and MX.\n"
    "1\t4\t14\tblack mood\tDisease\tD000004\n1\t23\t33\tblack mood\tDisease\tD000004\n"
    "1\t39\t41\tMX\tChemical\tD999999\n"
)


def test_names_are_learnt_from_annotated_texts(folder, capsys):
    mesh, taught = lay(folder, "desc2026.xml"), lay(folder, "taught.txt", TAUGHT)
    code, out, err = run(capsys, "build", "mesh.safetensors", mesh, "--learn", taught)
    assert (code, err) == (0, "")
    assert "1: name learnt from annotated texts\n" in out
    assert "1: mention of a concept that no FILE has, or that has another type\n" in out
    _, out, _ = run(capsys, "show", "mesh.safetensors", "Black Moods")
    assert out.startswith("Black Moods: MESH:D000004 Sulking Disorder, Disease (learnt name, spelt")
    assert b"black mood" not in (folder / "mesh.safetensors").read_bytes()
    _, out, _ = run(capsys, "show", "mesh.safetensors")
    assert "  1: name learnt from annotated texts\n" in out

    without = ["--learn", taught, "--learn-without", taught]
    code, out, _ = run(capsys, "build", "mesh.safetensors", mesh, *without)
    assert (code, "1: text that is left out\n" in out) == (0, True)
    _, out, _ = run(capsys, "show", "mesh.safetensors", "Black Moods")
    assert out == "Black Moods: no concept\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "out.safetensors", "none.obo"], "none.obo: cannot be read"),
        (["build", ".", "mine.tsv"], ".: a folder; name a file"),
        (["build", "out.safetensors", "mine.tsv", "--select", "D"], "'D' selects nothing"),
        (["build", "out.safetensors", "mine.tsv", "--select", "x=Y"], "no concept of this table"),
        (["build", "out.safetensors", "mine.tsv", "--columns", "n=a"], "'n=a' names no column"),
        (["build", "out.safetensors", "mine.tsv", "--columns", "name=a"], "no column 'a'; it has"),
        (["build", "out.safetensors", "mine.tsv", "--format", "mesh"], "no concept of this mesh"),
        (["build", "out.safetensors", "supp2026.xml"], "name the file of descriptors too"),
        (["build", "out.safetensors", "mine.tsv", "--learn", "no.txt"], "no.txt: no such file"),
        (["build", "out.safetensors", "mine.tsv", "--learn", "plain.txt"], "no mention has a link"),
        (
            ["build", "out.safetensors", "mine.tsv", "--learn-without", "plain.txt"],
            "--learn-without",
        ),
        (["show", "none.safetensors"], "none.safetensors: no such store"),
        (["show", "mine.tsv"], "mine.tsv: not a terminology, or cut off"),
    ],
)
def test_bad_input_is_one_line(folder, capsys, arguments, message):
    lay(folder, "mine.tsv")
    lay(folder, "supp2026.xml")
    lay(folder, "plain.txt", "1|t|Moods.\n1|a|Low.\n1\t0\t5\tMoods\tDisease\n")
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert err.startswith("llmner: ")
    assert err.count("\n") == 1
    assert message in err
    assert not (folder / "out.safetensors").exists()


@pytest.mark.parametrize("format", sorted({*SAMPLES.values()}))
def test_the_help_names_every_format(capsys, format):
    with pytest.raises(SystemExit) as caught:
        main(["terminology", "build", "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert f"\n  {format}: " in shown
    assert (
        "default: Chemical: D; Disease: C, F03; Species: B; Anatomy: A; CellLine: A11.251" in shown
    )
