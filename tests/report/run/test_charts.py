from __future__ import annotations

from gradbook.report.run.charts import of_run, of_several
from tests.runs import curve


def test_the_charts_show_the_history():
    history = curve(6)
    loss, right, rate = of_run(history)
    assert [c.label for c in loss.curves] == ["training", "validation"]
    assert loss.curves[1].values.tolist() == [epoch.validation_loss for epoch in history]
    assert right.curves[0].values.tolist() == [epoch.train_accuracy for epoch in history]
    assert rate.curves[0].values.tolist() == [epoch.rate for epoch in history]


def test_runs_that_share_their_rates_share_the_curve():
    several_runs = [("a", curve(4)), ("b", curve(4, start=2))]
    loss, _, rate = of_several(several_runs)
    assert [c.label for c in loss.curves] == ["a", "b"]
    assert [c.label for c in rate.curves] == ["all"]


def test_training_speaks_for_runs_that_held_nothing_back():
    loss, right, _ = of_several([("a", curve(4)), ("b", curve(5, validated=False))])
    assert (loss.title, right.title) == ("Training loss", "Training accuracy")
    assert len(loss.curves[1].values) == 5
