"""What a page has of charts that can be read; `tests/report/sweep` and `tests/outside` run them."""

from __future__ import annotations

import json
import re
from math import inf, nan

import numpy as np

from gradbook.report.charts import MOST_POINTS, Chart, Curve
from gradbook.report.figures import BESIDE, figure


def chart(*values, labels=None):
    names = labels or [str(k) for k in range(len(values))]
    curves = (Curve(n, np.array(v, float), "#077DB3") for n, v in zip(names, values, strict=True))
    return Chart("Loss", tuple(curves))


def data(html):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html)[1])


def test_every_epoch_of_every_curve_can_be_read():
    found = data(figure([chart([1, 0.5, 0.25], [1, 2, 4])], "how it trained"))
    assert found["epochs"] == [1, 2, 3]
    assert found["x"] == [[BESIDE.x(0), BESIDE.x(0.5), BESIDE.x(1)]]
    assert [curve["words"] for curve in found["charts"][0]] == [
        ["1", "0.5", "0.25"],
        ["1", "2", "4"],
    ]
    falling = found["charts"][0][0]["y"]
    assert falling == sorted(falling)


def test_where_a_curve_has_ended_or_is_nan_there_is_no_place_to_point_at():
    short, broken = data(figure([chart([1, 2, 3], [1], [1, nan, inf])], "a"))["charts"][0][1:]
    assert (short["y"][1:], short["words"][1:]) == ([None, None], ["", ""])
    assert broken["y"][1] is None
    assert broken["words"][1:] == ["NaN", "∞"]
    assert broken["y"][2] == BESIDE.y(1)


def test_of_very_many_epochs_some_can_be_read_with_the_first_and_the_last():
    epochs = data(figure([chart(np.linspace(1, 2, 10_000))], "a"))["epochs"]
    assert (epochs[0], epochs[-1]) == (1, 10_000)
    assert len(epochs) <= MOST_POINTS


def test_without_a_script_the_last_values_are_read():
    html = figure([chart([1, 0.5], labels=["a<b>"])], "a")
    assert "<span>a&lt;b&gt;</span><b>0.5</b>" in html
    assert "at the end" in html


def test_no_name_ends_the_script():
    html = figure([chart([1, 2], labels=["</script><script>x"])], "a")
    assert html.count("</script>") == 1
    assert data(html)["charts"][0][0]["title"] == "</script><script>x"
