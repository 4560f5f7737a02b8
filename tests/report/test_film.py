"""A training as a film: what each frame shows, and files that come whole or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import gradbook as gb
from gradbook.cli.main import main
from gradbook.errors import LimitError, UsageError
from gradbook.report.film import MOST_FRAMES, film, frames, write_film
from gradbook.targets.drawing import draw, draw_weights
from gradbook.targets.drawing.shapes import Polyline


def by_hand(epochs: int, rate: float) -> list[float]:
    """The error of one weight that learns one sample, worked without a graph."""
    weight, errors = 0.5, []
    for _ in range(epochs + 1):
        errors.append((3 - 2 * weight) ** 2 / 2)
        weight += rate * 2 * (3 - 2 * weight)
    return errors


LINE = "input 1; dense 1 no bias; loss half squared error; weights 0.5; sample 2 -> 3"


def test_its_scenes_are_the_training():
    shot = film(gb.Net.parse(LINE), 6, 0.1)
    assert list(shot.losses) == pytest.approx(by_hand(6, 0.1), rel=1e-12)
    assert [one.epoch for one in shot.scenes] == list(range(7))
    assert next(iter(shot.scenes[1].weights.values())) == pytest.approx(0.5 + 0.1 * 2 * 2)
    assert shot.scenes[0].plane is None


def test_of_a_long_training_frames_are_spread_over_all_epochs():
    shot = film(gb.Net.parse(LINE), 3000, 0.01)
    epochs = [one.epoch for one in shot.scenes]
    assert len(epochs) == MOST_FRAMES
    assert (epochs[0], epochs[-1]) == (0, 3000)


def test_the_plane_says_of_the_samples_what_the_network_says_of_them():
    shot = film(gb.builtin("xor"), 300, 1.0)
    plane = shot.scenes[-1].plane
    left, right, bottom, top = shot.reach
    rows, columns = plane.shape
    for sample in shot.net.examples():
        x, y = sample.inputs
        column = round((x - left) / (right - left) * (columns - 1))
        row = round((top - y) / (top - bottom) * (rows - 1))
        assert plane[row, column] == pytest.approx(sample.targets[0], abs=0.25)
    assert np.ptp(shot.scenes[0].plane) < np.ptp(plane)


def test_lines_are_as_wide_as_their_weights():
    net = gb.builtin("worked")
    weights = dict(zip((one for one in film(net, 1, 0.5).scenes[0].weights), range(8), strict=True))
    drawing = draw_weights(draw(net), weights, 7)
    widths = [shape.width for shape in drawing.shapes if isinstance(shape, Polyline)]
    assert len({round(width, 3) for width in widths}) == 8 + 1  # and those without a weight
    assert max(widths) == 6.0


def test_a_gif_has_the_frames_and_the_same_colours_in_all(tmp_path):
    shot = film(gb.builtin("xor"), 4, 1.0)
    told = []
    write_film(shot, tmp_path / "a.gif", 10, told.append)
    with Image.open(tmp_path / "a.gif") as made:
        assert (made.n_frames, made.size) == (5, next(frames(shot)).size)
        assert made.info["duration"] == 100
    assert told == [1, 2, 3, 4, 5]


def test_interrupted_it_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(b"before")

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_film(film(gb.builtin("worked"), 3, 0.5), path, tick=stop)
    assert path.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["a.gif"]


def test_what_cannot_be_filmed_is_refused_with_a_remedy(tmp_path, monkeypatch, capsys):
    with pytest.raises(LimitError, match="at most 400 can be drawn: film a smaller one"):
        film(gb.Net.parse("input 30; dense 30"), 3, 0.5)
    with pytest.raises(LimitError, match="at most 20,000 epochs"):
        film(gb.builtin("worked"), 30_000, 0.5)
    with pytest.raises(UsageError, match=r"ends in .gif: not a.avi"):
        write_film(film(gb.builtin("worked"), 1, 0.5), "a.avi")
    monkeypatch.chdir(tmp_path)
    assert main(["play", "worked", "-o", "nowhere/a.gif", "--epochs", "2"]) == 2
    assert list(tmp_path.iterdir()) == []
    assert main(["play", "worked", "-o", "a.gif", "--epochs", "2"]) == 0
    assert capsys.readouterr().out == "wrote a.gif: 3 frames, 0.2 s\n"
