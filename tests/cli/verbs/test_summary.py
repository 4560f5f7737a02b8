"""gradbook summary: the format that is asked for, where it is asked for."""

from __future__ import annotations

import json

from gradbook.lab.recipes.recipe_text import recipe
from gradbook.lab.training.run_folder import RunFolder
from gradbook.net.text import write
from tests.cases import for_each
from tests.trained import model_of

VERB = "summary"


BEGINNINGS = {
    ".txt": b"worked: 2 in, 2 out\n",
    ".md": b"### worked: 2 in, 2 out\n",
    ".csv": b"layer,output,parameters",
    ".html": b"<!DOCTYPE html>",
    ".xlsx": b"PK",
}


@for_each("ending", BEGINNINGS)
def test_a_file_is_what_its_ending_says(output_of, tmp_path, ending):
    assert output_of("worked", "-o", f"a{ending}") == f"wrote a{ending}\n"
    assert (tmp_path / f"a{ending}").read_bytes().startswith(BEGINNINGS[ending])


def test_a_file_s_ending_says_the_form(refused):
    assert "write --json > a.json" in refused(["summary", "worked", "-o", "a.json"])
    assert "don't go together" in refused(["summary", "worked", "-o", "a.txt", "--json"])
    assert "end it in .txt, .md, .csv" in refused(["summary", "worked", "-o", "a.doc"])


def test_memory_is_for_the_batch(output_of):
    record = json.loads(output_of("worked", "--batch", "1,000", "--json"))
    assert (record["batch"], record["totals"]["memory"]) == (1000, 40_000)


def test_the_network_of_a_recipe_a_run_or_a_model_is_told(output_of, tmp_path):
    asked = recipe("tiny")
    RunFolder(tmp_path / "run").begin(asked)
    (tmp_path / "mine.txt").write_text(str(asked))
    model_of(write(asked.net)).save(tmp_path / "net.safetensors")
    for what in ("tiny", "run", "mine.txt", "net.safetensors"):
        record = json.loads(output_of(what, "--json"))
        assert record["totals"]["parameters"] == asked.net.count()


def test_a_mistake_in_a_recipe_is_found_where_it_is(refused, tmp_path):
    (tmp_path / "mine.txt").write_text(str(recipe("tiny")).replace("relu", "rely", 1))
    refusal = refused(["summary", "mine.txt"])
    assert "mine.txt, line 14, column 1: unknown 'rely'" in refusal


def test_a_file_has_room_for_every_column(output_of, tmp_path):
    assert "hidden" in output_of("reference")
    output_of("reference", "-o", "a.txt")
    assert "hidden" not in (tmp_path / "a.txt").read_text("utf-8")
