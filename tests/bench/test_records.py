"""The board of records: every entry is what it claims, and what may not enter is refused."""

from __future__ import annotations

import re
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from bench import records
from bench.recorded import entry as entries
from bench.recorded.entry import Claim, read_all, read_entry
from bench.recorded.table import PAGE, PARAMETERS, SMALLEST, page
from gradbook.errors import GradbookError
from gradbook.lab.recipes.recipe_text import measurement
from tests.cases import for_each
from tests.conftest import require

ALL = read_all()
NETWORK = "input 1x28x28\nmaxpool 4\nflatten\ndense 10 no bias\nlog softmax\nloss cross-entropy\n"
RECIPE = f"schedule cosine 0.1\nepochs 1\nbatch 256\n{NETWORK}"
FIGURES = "accuracy = 80\ndeviation = 0.5\nseeds = 10\n"


def written(folder, recipe=RECIPE, claim=FIGURES, more="", name="mine"):
    path = folder / f"{name}.toml"
    own = f'recipe = """\n{recipe}"""\n' if recipe else ""
    path.write_text(f'who = "Ada"\n{own}{more}[claim]\n{claim}', "utf-8")
    return path


by_entry = for_each(
    "entry", [entry for entry in ALL if entry.is_verifiable], ids=lambda entry: entry.name
)


@by_entry
def test_an_entry_has_the_parameters_that_it_claims(entry):
    found = next(records.findings(entry, Namespace(quick=True)))
    assert (found.what, found.holds) == ("parameters", True)


@by_entry
def test_an_entry_has_the_bytes_that_it_claims(entry):
    require("arm-none-eabi-gcc")
    found = list(records.findings(entry, Namespace(quick=True)))
    assert [str(one) for one in found if not one.holds] == []


def test_the_page_is_written_of_the_entries():
    assert PAGE.read_text("utf-8") == page(ALL), "run: python -m bench.records"


def test_an_entry_of_ours_has_the_figures_that_were_measured():
    mine = next(entry for entry in ALL if entry.name == "best")
    measured = measurement("best")
    assert (mine.claim.accuracy, mine.claim.lowest) == (measured.mean, measured.lowest)


def test_a_class_has_who_may_enter_the_best_first(tmp_path):
    small = read_entry(written(tmp_path))
    large = replace(small, name="large", claim=replace(small.claim, parameters=600, accuracy=0.9))
    better = replace(small, name="better", claim=replace(small.claim, accuracy=0.81))
    least, more = PARAMETERS[1:3]
    assert least.of([small, large, better]) == [better, small]
    assert more.of([small, large, better]) == [large, better, small]
    good = replace(large, claim=replace(large.claim, accuracy=0.995, flash=3_000))
    assert SMALLEST[0].of([small, large, good]) == [good]


def test_a_claim_holds_within_twice_the_error_of_both_means():
    claim = Claim(490, accuracy=0.98, deviation=0.001, seeds=10)
    assert claim.within(0.98, 0.001, 10)
    assert claim.within(0.99, 0.001, 10)
    assert claim.within(0.9792, 0.001, 10)  # 2 · √(2/10) · 0.1 % is 0.089 %
    assert not claim.within(0.9790, 0.001, 10)
    assert not claim.within(0.9792, 0.001, 1_000)
    assert not replace(claim, deviation=0.5).within(0.9790, 0.001, 10)


# What may not enter.

REFUSED = {
    "a file": ({"recipe": "network /etc/passwd\n"}, "names a network's file"),
    "a file in a line": ({"recipe": f"epochs 1; network mine.txt\n{NETWORK}"}, "a network's file"),
    "data": ({"recipe": f"data fashion\n{RECIPE}"}, "is of other images"),
    "test images": (
        {"recipe": f"hold back none\ntest none\n{RECIPE}"},
        "trains on the test images",
    ),
    "an epoch": ({"recipe": f"keep best\n{RECIPE}"}, "keeps another epoch"),
    "a short one": ({"recipe": f"early stop 2\n{RECIPE}"}, "may stop early"),
    "no recipe": ({"recipe": "quack\n"}, "unknown 'quack'"),
    "an unknown name": ({"recipe": "", "more": 'recipe = "../../secret"\n'}, "no recipe of bench"),
    "one seed": ({"claim": "accuracy = 80\nseeds = 1\n"}, "mean of 10 seeds"),
    "no accuracy": ({"claim": "seeds = 10\n"}, "claim has no accuracy"),
    "too much": ({"claim": "accuracy = 180\nseeds = 10\n"}, "from 0 to 100"),
    "no number": ({"claim": "accuracy = nan\nseeds = 10\n"}, "a number"),
    "digits": ({"claim": f"accuracy = {'9' * 5_000}\n"}, "it isn't TOML"),
    "brackets": ({"claim": f"accuracy = {'[' * 5_000}\n"}, "it "),
    "a key": ({"claim": f"speed = 3\n{FIGURES}"}, "no key called 'speed'"),
    "code": ({"more": 'setup = "import os"\n'}, "no key called 'setup'"),
    "a machine": ({"claim": f"machine = '|'\n{FIGURES}"}, "its machine has '|'"),
    "a table": ({"more": 'about = "| x | y"\n'}, "its about has '|'"),
    "two lines": ({"more": 'about = "x\\ny"\n'}, "its about has '\\n'"),
    "a tag": ({"more": 'about = "<script>"\n'}, "its about has '<'"),
    "an address": ({"more": 'source = "javascript:alert(1)"\n'}, "its source is no address"),
    "a link": ({"more": 'source = "https://a.b/c)[d](e"\n'}, "its source is no address"),
    "nothing": ({"recipe": ""}, "give a recipe"),
    "no choice": ({"recipe": "", "more": 'source = "https://a.b/c"\n'}, "how its epoch was chosen"),
    "a name": ({"name": "../x y".replace("/", "")}, "name the file with small letters"),
}


@for_each("case", REFUSED)
def test_what_may_not_enter_is_refused_in_a_line(case, tmp_path, capsys):
    changed, said = REFUSED[case]
    path = written(tmp_path, **changed)
    with pytest.raises(GradbookError) as error:
        read_entry(path)
    assert said in str(error.value)
    assert "\n" not in error.value.message
    assert records.main([str(path), "--quick"]) == 2
    assert said in capsys.readouterr().err


def test_an_entry_that_is_not_there(capsys):
    assert records.main(["575x"]) == 2
    assert "no entry is called '575x': did you mean '575'?" in capsys.readouterr().err


def test_no_file_is_read_but_the_entry(tmp_path, monkeypatch):
    """A name in place of a recipe isn't a path."""
    (tmp_path / "other.txt").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, recipe="", more='recipe = "other.txt"\n')
    with pytest.raises(GradbookError, match=r"no recipe of bench/curve"):
        read_entry(path)


# Verifying.


@for_each(
    ("claim", "code", "says"),
    [
        (FIGURES, 0, "mine: the claim holds"),
        ("accuracy = 97.5\ndeviation = 0.1\nseeds = 10\n", 1, "1 figures do not hold"),
        (f"parameters = 489\n{FIGURES}", 1, "parameters: 490, claimed 489: DOESN'T HOLD"),
    ],
)
def test_a_claim_is_held_against_trainings(claim, code, says, tmp_path, capsys):
    path = written(tmp_path, claim=claim)
    words = [str(path), "--seeds", "2", "-o", str(tmp_path / "runs")]
    assert records.main(words) == code
    output = capsys.readouterr().out
    assert says in output
    assert output.count("  seed ") == 2
    assert "[claim]\nparameters = 490\n" in output
    assert "\naccuracy = " in output


def test_what_rounding_costs_is_measured_with_the_bytes(tmp_path, monkeypatch, capsys):
    path = written(tmp_path, claim=f"{FIGURES}flash = 900\n")
    monkeypatch.setattr(records, "board_bytes", lambda model: {"flash": 900, "memory": 0})
    words = [str(path), "--seeds", "2", "-o", str(tmp_path / "runs")]
    assert records.main(words) == 0
    assert "rounding costs: " in capsys.readouterr().out
    monkeypatch.setattr(records, "ROUNDING", -1.0)  # the seeds aren't trained again
    assert records.main(words) == 1
    assert "at most -100: DOESN'T HOLD" in capsys.readouterr().out


@for_each(("claimed", "code"), [(1.4, 0), (1.2, 1)])
def test_a_time_is_held_against_that_of_quick(claimed, code, tmp_path, monkeypatch, capsys):
    path = written(tmp_path, claim=f"{FIGURES}times_quick = {claimed}\n")
    own, quick = iter((9.0, 6.0, 30.0, 4.5)), iter((9.0, 4.0, 20.0, 3.0))  # the first compiles
    monkeypatch.setattr(
        records, "seconds_of", lambda what, threads: next(quick if what == "quick" else own)
    )
    assert records.main([str(path), "--seeds", "2", "-o", str(tmp_path / "runs")]) == code
    assert "1.50 times as long" in capsys.readouterr().out


@for_each("what", ["flash", "memory"])
def test_bytes_are_counted_where_the_compiler_is(what, tmp_path, monkeypatch, capsys):
    path = written(tmp_path, claim=f"{FIGURES}{what} = 10\n")
    monkeypatch.setattr(records, "board_bytes", lambda model: {"flash": 11, "memory": 10})
    assert records.main([str(path), "--quick"]) == int(what == "flash")
    monkeypatch.setattr(records, "board_bytes", lambda model: None)
    assert records.main([str(path), "--quick"]) == 0
    assert f"{what}: claimed 10 bytes, but no compiler" in capsys.readouterr().out


def test_what_is_found_is_kept_where_it_is_claimed(tmp_path, monkeypatch):
    path = written(tmp_path, claim=f"flash = 10  # bytes\nparameters = 1\n{FIGURES}")
    before = path.read_text("utf-8")
    monkeypatch.setattr(records, "board_bytes", lambda model: {"flash": 900, "memory": 77})
    assert records.main([str(path), "--quick", "--keep"]) == 1
    found = before.replace("flash = 10 ", "flash = 900 ").replace("meters = 1\n", "meters = 490\n")
    assert path.read_text("utf-8") == found
    assert records.main([str(path), "--quick"]) == 0


def test_without_an_entry_the_page_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(records, "PAGE", tmp_path / "records.md")
    assert records.main([]) == 0
    assert (tmp_path / "records.md").read_text("utf-8") == page(ALL)


def test_an_entry_of_others_is_claimed(tmp_path, capsys):
    more = 'source = "https://example.org/net"\nchosen = "the last epoch of a run"\n'
    path = written(tmp_path, recipe="", claim="accuracy = 99\nparameters = 400\n", more=more)
    assert records.main([str(path)]) == 0
    assert "claimed, not verified" in capsys.readouterr().out
    link = "claimed: [the last epoch of a run](https://example.org/net)"
    assert link in page([read_entry(path)])


def test_the_folder_holds_nothing_else():
    """An entry is one file, and none lies where it isn't read."""
    found = {file.name for file in Path(entries.RECORDS).iterdir()}
    assert found == {"README.md", "board.md", *(f"{entry.name}.toml" for entry in ALL)}


def test_the_examples_of_the_readme_may_enter(tmp_path):
    text = (entries.RECORDS / "README.md").read_text("utf-8")
    examples = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    for number, example in enumerate(examples):
        path = tmp_path / f"example-{number}.toml"
        path.write_text(example, "utf-8")
        assert read_entry(path).claim.parameters > 0
