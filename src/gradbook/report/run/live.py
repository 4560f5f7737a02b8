"""A training as a notebook shows it while it goes: a bar, where it stands, and its curves."""

from __future__ import annotations

from statistics import fmean

from gradbook.amounts import counted, duration, loss
from gradbook.lab.training.epochs import Progress
from gradbook.lab.training.training import LiveTraining
from gradbook.report.figures import Frame, chart_svg
from gradbook.report.page import text
from gradbook.report.run.charts import of_run
from gradbook.report.run.progress import spark

PREPARING = "loading the images and compiling the engine …"
FRAME = Frame(width=440.0, height=250.0, left=56.0, right=92.0)
SPARK = 40  # characters that the losses take in plain text


def html(live: LiveTraining) -> str:
    """A bar, a line of words, and the curves of loss and accuracy as far as they go."""
    training = live.training
    if training is None:
        return f"<p>{'' if live.is_over else PREPARING}</p>"
    name = f"<b>{text(training.recipe.title)}</b>"
    parts = [f"<p>{name} {_bar(live)} {text(_standing(live))}</p>"]
    if live.doubt:
        parts.append(f"<p>{text(live.doubt)}</p>")
    if training.history:
        charts = of_run(training.recipe, training.history)[:2]
        drawn = "".join(chart_svg(chart, FRAME) for chart in charts)
        parts.append(f'<div style="display:flex;flex-wrap:wrap;gap:8px">{drawn}</div>')
    return "\n".join(parts)


def words(live: LiveTraining) -> str:
    """The same without pictures: where it stands, the last epoch, and how the loss fell."""
    training = live.training
    if training is None:
        return "" if live.is_over else PREPARING
    lines = [f"{training.recipe.title}: {_standing(live)}", *([live.doubt] if live.doubt else [])]
    if training.history:
        falling = spark([epoch.train_loss for epoch in training.history[-SPARK:]], 0)
        lines += [str(training.history[-1]), f"loss {falling}"]
    return "\n".join(lines)


def _bar(live: LiveTraining) -> str:
    assert live.training
    now = live.training.progress()
    done, of = _steps(live, now), max(now.epochs * now.steps, 1)
    return f'<progress value="{done}" max="{of}" style="width:16em"></progress>'


def _steps(live: LiveTraining, now: Progress) -> int:
    """How many steps are done, over all epochs."""
    assert live.training
    if live.training.is_over:
        return now.epochs * now.steps
    return (now.epoch - 1) * now.steps + now.step


def _standing(live: LiveTraining) -> str:
    training = live.training
    assert training
    if live.is_over or training.is_over:
        said = f"{counted(len(training.history), 'epoch')} in {duration(training.seconds)}"
        return said if training.is_over else f"stopped after {said}"
    now = training.progress()
    recent = f", loss {loss(fmean(now.recent_losses))}" if now.recent_losses else ""
    return (
        f"epoch {now.epoch} of {now.epochs}, step {now.step} of {now.steps}{recent}, "
        f"{now.images_per_second:,.0f} images/s, {duration(now.seconds_left)} left"
    )
