"""A checked program as JSON: complete, and as the reference describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gradbook.audit.programs.check_program import check_program
from gradbook.audit.programs.program_json import program_record
from gradbook.audit.programs.program_report import with_hints
from tests.report.checked_programs import EVERY_VERDICT, LOSS, XOR, in_a_notebook, judged

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "programs.md"


def keys_of(record: object) -> Iterator[str]:
    if isinstance(record, dict):
        for key, value in record.items():
            yield key
            yield from keys_of(value)
    elif isinstance(record, list):
        for value in record:
            yield from keys_of(value)


def example():
    return json.loads(re.search(r"```json\n(.*?)\n```", REFERENCE.read_text("utf-8"), re.S)[1])


def test_every_field_is_in_the_table_of_the_reference():
    table = REFERENCE.read_text("utf-8").partition("| field | meaning |")[2]
    described = set(re.findall(r"`(\w+)`", table))
    told = set(
        keys_of({"version": 1, "programs": list(map(program_record, EVERY_VERDICT.values()))})
    )
    assert told <= described
    assert told == set(keys_of(example()))


def test_the_example_of_the_reference_is_what_is_found(tmp_path):
    (tmp_path / "xor.py").write_text(XOR, "utf-8")
    record = program_record(check_program(str(tmp_path / "xor.py")))
    record = json.loads(
        json.dumps(record).replace(json.dumps(str(tmp_path / "xor.py")), '"xor.py"')
    )
    (told,) = example()["programs"]
    (shown,), (model,) = told["models"], record["models"]
    assert shown["findings"] == model["findings"][1:]
    assert shown["loss"].keys() == model["loss"].keys()
    for name, value in shown["gradients"][0].items():
        now = model["gradients"][1][name]
        assert now == value or abs(now - value) < 1e-9, name
    for name in ("file", "verdict", "reason", "fault", "finished", "lost"):
        assert told[name] == record[name], name


def test_it_is_json_whatever_was_computed():
    odd = replace(LOSS, course=(float("nan"), float("inf"), 1.0), corrected_course=())
    report = judged("right", loss=odd, largest_difference=float("inf"), factor=float("nan"))
    text = json.dumps(program_record(report), allow_nan=False)
    (model,) = json.loads(text)["models"]
    assert model["loss"]["course"] == [None, None, 1.0]
    assert (model["largest_difference"], model["factor"]) == (None, None)


def test_a_place_in_a_notebook_has_its_cell():
    (model,) = program_record(in_a_notebook())["models"]
    assert [(it["cell"], it["line"]) for it in model["findings"]] == [(2, 11), (2, 13)]


def test_hints_keep_the_place_alone():
    (model,) = program_record(with_hints(EVERY_VERDICT["wrong"]))["models"]
    for finding in model["findings"]:
        assert (finding["should_be"], finding["why"], finding["note"]) == (None, "", "")
        assert finding["edits"] == []
        assert finding["found"] in XOR
