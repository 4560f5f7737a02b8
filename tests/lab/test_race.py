"""The bench: fair rivals, turns, ratios, and a form that a program can read."""

from __future__ import annotations

import json

import pytest

from gradbook.cli.main import main
from gradbook.lab import race as racing
from gradbook.lab.race import race
from gradbook.net import builtin


@pytest.mark.parametrize("name", ["reference", "blocks", "flat"])
@pytest.mark.witness("torch")
def test_the_rival_is_the_same_network(name):
    from gradbook.lab.rivals import model

    made = model(builtin(name))
    assert sum(p.numel() for p in made.parameters()) == builtin(name).count()


def test_the_ratio_is_pytorchs_fastest_float32_over_the_engine(monkeypatch):
    turns = {"engine": [1.0, 2.0, 1.0], "eager": [9.0, 9.0, 9.0], "compile": [6.0, 8.0, 5.0]}
    monkeypatch.setattr(racing, "_turns", lambda *words: {**turns, "bf16": [2.0, 2.0, 2.0]})
    found = race(["flat"], [*turns, "bf16"], threads=2, rounds=3, peak=100)
    assert found.ratios == {"flat": 5.0}
    engine = found.times[0]
    assert engine.seconds_per_epoch == 469
    assert engine.peak_share == pytest.approx(engine.gflops / 100)


@pytest.mark.witness("cc")
def test_a_program_can_read_it(capsys, monkeypatch):
    monkeypatch.setattr(racing, "TURN", 0.01)
    assert main(["bench", "blocks", "--engine-only", "--rounds", "1", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["version"] == 1
    assert said["machine"]["peak_gflops"] > 0
    (row,) = said["rows"]
    assert (row["network"], row["batch"], row["mode"]) == ("blocks", 64, "engine")
    assert row["seconds_per_epoch"] > 0
    assert said["ratios"] == {}


def test_an_unknown_network_is_refused(refused):
    refused(["bench", "nothing", "--engine-only"])
