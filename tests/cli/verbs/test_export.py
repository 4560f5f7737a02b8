from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from gradbook.cli.main import main, verb_parser
from gradbook.lab.models import stored
from gradbook.lab.models.exporting import FORMATS
from gradbook.lab.recipes.recipe_text import recipe
from gradbook.lab.training.run_folder import RunFolder
from tests.cases import for_each
from tests.lab import made_tables as made
from tests.runs import finished, pictures

DATA = pictures(each=12)


@pytest.fixture
def run(tmp_path, monkeypatch) -> RunFolder:
    monkeypatch.chdir(tmp_path)
    return finished(tmp_path / "a", DATA)


def test_the_file_is_named_when_it_is_written(run, capsys):
    assert main(["export", "a", "-o", "net.json"]) == 0
    assert capsys.readouterr().out == "wrote net.json\n"
    record = json.loads((Path(run.path).parent / "net.json").read_text("utf-8"))
    assert record["network"] == str(run.model().net)


def test_a_recipe_can_be_trained_again(run, capsys):
    assert main(["export", "a", "-o", "again.txt"]) == 0
    assert recipe("again.txt") == run.recipe()


def test_a_model_of_a_table_is_exported_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    made.table(tmp_path, "side")
    assert main(["train", "side-0.csv", "--epochs", "2", "-o", "table"]) == 0
    assert main(["export", "table", "-o", "table.npz"]) == 0
    with np.load("table.npz") as archive:
        about = json.loads(str(archive["gradbook.json"]))
        assert archive["dense1.weight"].shape == (32, 5)
    assert about["classes"] == ["large", "small"]
    assert len(about["preparation"]["mean"]) == 5


def test_the_help_lists_every_ending_with_what_it_is():
    said = verb_parser("export").format_help()
    for ending, found in FORMATS.items():
        assert f"  {ending} " in said
        assert found.about.partition("\n")[0] in said


@for_each(
    ("words", "said"),
    [
        (["a"], "the following arguments are required: -o/--out"),
        (
            ["a", "-o", "net.pdf"],
            "'net.pdf' has no ending that selects a format: end the name in .onnx, ",
        ),
        (["a", "-o", "net"], "'net' has no ending that selects a format"),
        (["a", "-o", "nowhere/net.npz"], "there is no folder nowhere"),
        (["nowhere", "-o", "net.npz"], "it doesn't exist"),
        (["unfinished", "-o", "net.npz"], "isn't done: gradbook train --resume unfinished"),
        (["later", "-o", "net.npz"], "its version is 2, but gradbook reads version 1"),
        (["damaged", "-o", "net.npz"], "damaged"),
        (
            ["a", "-o", "a/recipe.txt"],
            "a/recipe.txt belongs to the run itself: choose another name",
        ),
        (["a", "-o", "a/../a/result.json"], "belongs to the run itself"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(words, said, refused, run, tmp_path):
    for name in ("unfinished", "later", "damaged"):
        shutil.copytree("a", name)
    os.remove("unfinished/model.safetensors")
    values, record = stored.read("later/model.safetensors", "model")
    stored.write("later/model.safetensors", values, record | {"version": 2})
    content = (tmp_path / "damaged/model.safetensors").read_bytes()
    (tmp_path / "damaged/model.safetensors").write_bytes(content[:-8])
    assert said in refused(["export", *words])


@for_each(
    ("words", "said"),
    [
        (["net.npz", "--opset", "17"], "--opset works only for .onnx, not for .npz: leave it out"),
        (
            ["net.txt", "--no-fold"],
            "no longer has --no-fold: in Python, use model.export(path, fold=False)",
        ),
        (
            ["net.npz", "--with-preparation"],
            "works only for .onnx, .keras, not for .npz: leave it out",
        ),
        (["net.c", "--small"], "--small works only with --int8: add it, or leave out --small"),
        (["net.keras", "--train"], "--train works only for .py, not for .keras: leave it out"),
        (["net.onnx", "--opset", "0"], "--opset: 0 is out of range: it must be at least 1"),
        (["net.onnx", "--opset", "1000"], "opset 1000: this installation writes 11 to "),
    ],
)
@pytest.mark.witness("onnx")
def test_options_that_cannot_be_are_refused_in_one_line(words, said, refused, run):
    assert said in refused(["export", "a", "-o", *words])


def test_without_the_package_it_is_said_what_to_install(monkeypatch, refused, run):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert "pip install 'gradbook[onnx]'" in refused(["export", "a", "-o", "net.onnx"])
