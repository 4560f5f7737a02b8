from __future__ import annotations

import json
import os

import numpy as np
import pytest

from gradbook.amounts import percent
from gradbook.data.sources import load
from gradbook.errors import FileError, GradbookError, UsageError
from gradbook.lab.models import exporting
from gradbook.lab.models.exporting import (
    FORMATS,
    ExportContents,
    ExportFormat,
    ExportOptions,
    omission_remarks,
    torch_training,
)
from gradbook.lab.models.model import Model
from gradbook.lab.recipes.recipe import SETTLING
from gradbook.lab.recipes.recipe_text import parse
from tests.cases import for_each
from tests.trained import model_of

IN_C = (".c", ".h", ".ino")
TEXT = "input 1x4x4; conv 2 3x3; batchnorm; relu; flatten; dense 3; softmax"


@pytest.fixture
def model():
    return model_of(TEXT)


def test_a_model_exports_itself_as_the_ending_says(model, tmp_path):
    exported = model.export(tmp_path / "net.npz")
    assert exported.files == (tmp_path / "net.npz",)
    with np.load(tmp_path / "net.npz") as archive:
        assert archive["conv1.weight"].shape == (2, 1, 3, 3)


def test_an_ending_may_be_in_capitals(model, tmp_path):
    model.export(tmp_path / "NET.TXT")
    assert (tmp_path / "NET.TXT").exists()


def test_an_unknown_ending_is_refused_with_all_that_are_known(model, tmp_path):
    with pytest.raises(UsageError, match="has no ending that selects a format") as caught:
        model.export(tmp_path / "net.pdf")
    assert all(ending in str(caught.value) for ending in FORMATS)


def test_an_option_of_another_ending_is_refused_with_those_it_is_for(monkeypatch, model, tmp_path):
    def make(source, options):
        return ExportContents({".made": str(options.opset)})

    monkeypatch.setitem(FORMATS, ".made", ExportFormat("made for a test", make, ("opset",)))
    model.export(tmp_path / "net.made", opset=15)
    assert (tmp_path / "net.made").read_text() == "15"
    with pytest.raises(
        UsageError, match=r"--opset works only for .*\.made, not for .npz: leave it out"
    ):
        model.export(tmp_path / "net.npz", opset=15)


def test_an_option_that_is_none_is_refused_with_the_one_that_was_meant():
    with pytest.raises(UsageError, match="no option 'opst': did you mean 'opset'"):
        ExportOptions.of({"opst": 13})


ODD = ("it's", 'a "word"', "*/ }\n\x00", "\udcff\\")  # of folders that somebody made


@pytest.mark.witness("onnx", "keras")
@for_each("ending", [ending for ending in FORMATS if ending not in IN_C])
def test_classes_of_any_name_can_be_exported(ending, tmp_path):
    plain = model_of(TEXT.replace("dense 3", "dense 4"))
    model = Model(plain.net, plain.values, plain.mean, plain.deviation, ODD)
    first, *_ = model.export(tmp_path / f"net{ending}").files
    if ending == ".py":
        compile(first.read_bytes(), "net.py", "exec")
    if ending == ".json":
        assert json.loads(first.read_bytes())["classes"] == list(ODD)


def test_a_recipe_that_cannot_be_read_is_no_hindrance_unless_it_is_needed(tmp_path):
    plain = model_of(TEXT)
    about = {"recipe": "from another time"}
    model = Model(plain.net, plain.values, plain.mean, plain.deviation, plain.classes, about)
    model.export(tmp_path / "net.py")
    with pytest.raises(GradbookError, match="unknown 'from'"):
        model.export(tmp_path / "net.py", train=True)


def test_several_files_are_all_written_or_none(monkeypatch, model, tmp_path):
    (tmp_path / "net_b.txt").mkdir()  # in the way of the second

    def make(source, options):
        return ExportContents({".made": "first", "_b.txt": "second"})

    monkeypatch.setitem(exporting.FORMATS, ".made", ExportFormat("made for a test", make))
    with pytest.raises(FileError, match="it is a folder"):
        model.export(tmp_path / "net.made")
    assert os.listdir(tmp_path) == ["net_b.txt"]


NET = "input 1x8x8; flatten; dense 4{bias}; softmax"


def of(lines: str, bias: str = ""):
    return parse(f"{lines}; {NET.format(bias=bias)}")


def test_the_loop_takes_what_the_schedule_says():
    training = torch_training(of("schedule cosine 0.2 to 0.01 warm 0.1; epochs 7; batch 64"))
    assert (training.epochs, training.batch, training.kind) == (7, 64, "cosine")
    assert (training.rate, training.end, training.warm, training.rise) == (0.2, 0.01, 0.1, 25)


@for_each(("said", "batches"), [("statistics unwarped", SETTLING), ("epochs 3", 0)])
def test_the_loop_takes_statistics_as_long_as_the_command(said, batches):
    assert torch_training(of(f"schedule constant 0.1; {said}")).settling == batches


def test_nothing_is_said_where_nothing_is_left_out():
    assert omission_remarks(of("warp rotate 5, shift 1; hold back 3; schedule constant 0.1")) == ()


@for_each(
    ("lines", "bias", "said"),
    [
        ("early stop 4", "", "early stop 4"),
        ("keep best; early stop 2", "", "early stop 2; keep best"),
        ("class weights balanced; hold back none", "", "class weights"),
        ("hold back none", " shared bias", "shared bias (each output gets its own)"),
    ],
)
def test_what_is_left_out_is_told(lines, bias, said):
    assert omission_remarks(of(lines, bias)) == (f"the training loop doesn't include {said}",)


def test_small_c_reads_the_same_and_makes_one_sum_at_a_time(tmp_path):
    model = model_of("input 1x8x8; conv 3 3x3; relu; flatten; dense 10; softmax")
    small, fast = (
        model.export(tmp_path / "net.c", int8=True, small=small, data="digits8")
        for small in (True, False)
    )
    assert small.remarks[1:] == fast.remarks[1:]
    test = load("digits8").test_for_reporting
    right = percent(model.score(test.pixels, test.labels), len(test))
    told, before = small.remarks[1].split(", ")
    assert told.endswith(f" % of {len(test)} test images read right")
    assert before == f"{right} before rounding"
    text = (tmp_path / "net.c").read_text()
    model.export(tmp_path / "net.c", int8=True, small=True, data="digits8")
    assert "sums_one(" in (tmp_path / "net.c").read_text()
    assert "sums_one(" not in text
