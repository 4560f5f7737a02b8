"""A student's first hour: the exercise worked, and digits read by less than 20,000 parameters."""

from __future__ import annotations

import json
import re
from math import exp

import numpy as np
import pytest

from gradbook.cli.main import main
from tests.outside.browser import browser
from tests.outside.witness import read_values, recalculate

INPUTS, TARGETS = (0.05, 0.1), (0.5, 0.5)
START = (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55)  # of the exercise, by hand


def by_hand(rate: float, epochs: int) -> tuple[list[float], list[float]]:
    """The losses of the exercise's epochs, and the gradients of its first, as in a textbook."""

    def layer(weights, given):
        sums = (sum(w * x for w, x in zip(row, given, strict=True)) for row in weights)
        return [1 / (1 + exp(-max(min(s, 700), -700))) for s in sums]

    weights, losses, first = list(START), [], []
    for _ in range(epochs):
        hidden = layer((weights[:2], weights[2:4]), INPUTS)
        outputs = layer((weights[4:6], weights[6:]), hidden)
        losses.append(sum((t - a) ** 2 / 2 for t, a in zip(TARGETS, outputs, strict=True)))
        off = [(a - t) * a * (1 - a) for t, a in zip(TARGETS, outputs, strict=True)]
        back = [
            (off[0] * weights[4 + j] + off[1] * weights[6 + j]) * a * (1 - a)
            for j, a in enumerate(hidden)
        ]
        gradients = [d * x for d in back for x in INPUTS] + [d * a for d in off for a in hidden]
        first = first or gradients
        weights = [w - rate * g for w, g in zip(weights, gradients, strict=True)]
    return losses, first


def trains(rate: float) -> bool:
    """Whether the loss is below its start in the last tenth of 70 epochs."""
    losses, _ = by_hand(rate, 70)
    return max(losses[-7:]) < losses[0]


@pytest.mark.witness("libreoffice")
def test_what_the_exercise_is_told_by_is_what_a_hand_computes(typed, tmp_path, capsys):
    losses, gradients = by_hand(1, 70)
    assert main(["explain", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    found = {weight["name"]: weight["gradient"] for weight in record["weights"]}
    assert [found[f"w{k}"] for k in range(1, 9)] == pytest.approx(gradients, rel=1e-12)
    assert record["error"] == pytest.approx(losses[0], rel=1e-12)
    typed("gradbook sheet")
    values = read_values(recalculate(tmp_path / "worked.xlsx", tmp_path / "again"))
    training = values["Training"]
    column = next(cell for cell, value in training.items() if value == "E_total")
    column = re.match("[A-Z]+", column)[0]
    shown = [training[f"{column}{row}"] for row in range(1, 200) if f"{column}{row}" in training]
    shown = [value for value in shown if isinstance(value, float)]
    assert shown[:70] == pytest.approx(losses, rel=1e-9)


def test_a_sweep_says_up_to_which_rate_the_exercise_trains(typed):
    text = " ".join(typed("gradbook sweep worked").split())
    reliable, most = map(
        float, re.search(r"up to about (\d+)\. .* up to about (\d+)\.", text).groups()
    )
    assert all(trains(float(rate)) for rate in np.geomspace(0.05, 0.97 * reliable, 60))
    assert not any(trains(float(rate)) for rate in np.geomspace(1.02 * most, 1.5 * most, 60))


@pytest.mark.witness("chromium")
def test_the_page_that_a_student_plays_with_says_what_is_so(typed, tmp_path, monkeypatch):
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "kept"))
    sentence = re.search(
        "Training works for .*? others fail, up to about [0-9]+\\.",
        " ".join(typed("gradbook sweep worked").split()),
    )
    typed("gradbook play")
    (place,) = (tmp_path / "kept" / "pages").iterdir()
    verdict = "document.querySelector('#verdict .verdict').textContent"
    with browser() as page:
        page.show(place)
        page.until("document.querySelector('#limit').textContent")
        assert page.text("#limit") == sentence[0]
        for rate, word in (("1000", "saturated"), ("1", "good"), ("0.01", "too slow")):
            page.write("#rate-field", rate)
            page.until(f"{verdict} === '{word}'")
            assert f"rate {rate}" in page.value("document.querySelector('#text').value").split("\n")
        page.value("document.querySelector('#pace').value = '100000'")
        page.click("#run")
        page.until(f"{verdict} !== 'too slow'")
        page.click("#run")
        epochs = int(page.text("#epoch").replace(",", ""))
        assert by_hand(0.01, epochs)[0][-1] < 0.1 * by_hand(0.01, 1)[0][0]
        assert page.said == []


@pytest.mark.witness("libreoffice", "cc")
def test_a_student_works_the_exercise_and_reads_digits(typed, tmp_path):
    assert "0.01288082" in typed("gradbook explain worked")
    typed("gradbook explain mazur --only w5")
    typed("gradbook sheet")
    values = read_values(recalculate(tmp_path / "worked.xlsx", tmp_path / "again"))
    training = values["Training"]
    epochs = [training[cell] for cell in training if re.fullmatch(r"A[0-9]+", cell)]
    assert [epoch for epoch in epochs if isinstance(epoch, int | float)] == list(range(1, 71))
    assert "saturated" in typed("gradbook sweep worked")
    typed("gradbook train")
    result = json.loads((tmp_path / "runs" / "quick" / "result.json").read_text("utf-8"))
    assert result["parameters"] < 20_000
    assert result["test_accuracy"] > 0.994
    assert result["epochs"] < 20
    typed('gradbook explain runs/quick --only "conv2 3,1,0,2" --image 7')
