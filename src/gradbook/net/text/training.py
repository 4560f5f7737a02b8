"""How a network is trained, as lines: loss, update, decay, rate and seed, read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gradbook.errors import did_you_mean
from gradbook.net.network import Net
from gradbook.net.task import USUAL_RATES, Loss, Update
from gradbook.net.text.draft import Draft, pointing
from gradbook.net.text.line import Line, digits
from gradbook.net.wants import Role

KINDS = {  # of parameter, as the text calls them
    "weights": Role.WEIGHT,
    "biases": Role.BIAS,
    "scales": Role.SCALE,
    "shifts": Role.SHIFT,
}


def _loss(draft: Draft, line: Line) -> None:
    phrase = line.rest(until="smoothing")
    if phrase not in list(Loss):
        known = [str(loss) for loss in Loss]
        hint = did_you_mean(phrase, known) or ": one of " + ", ".join(known)
        line.fail(f"unknown loss {phrase!r}{hint}" if phrase else f"which loss{hint}", at=1)
    draft.set("loss", Loss(phrase), line)
    draft.settings["smoothing"] = line.value("smoothing") if line.option("smoothing") else 0.0


def _update(draft: Draft, line: Line) -> None:
    kind = line.next
    settings: dict[str, Any] = {}
    if kind not in USUAL_RATES:
        hint = did_you_mean(kind, USUAL_RATES) or ": one of " + ", ".join(USUAL_RATES)
        line.fail(f"unknown update {kind!r}{hint}" if kind else f"which update{hint}")
    line.take()
    if kind == "momentum":
        if line.next not in ("", "nesterov"):
            settings["momentum"] = line.value("momentum")
        settings["nesterov"] = line.option("nesterov")
    if kind in ("adam", "adamw") and line.next:
        settings["betas"] = (line.value("beta1"), line.value("beta2"))
        if line.next:
            settings["epsilon"] = line.value("epsilon")
    with pointing(line, at=1):
        draft.set("update", Update(kind, **settings), line)


def _decay(draft: Draft, line: Line) -> None:
    decay = line.value("decay")
    known = draft.settings.setdefault("decay", {})
    draft.places["decay"] = line
    for role in _kinds(line):
        if role in known:
            line.fail("decay is given for these already: say it once", at=0)
        known[role] = decay


def _kinds(line: Line) -> list[Role]:
    """The kinds of parameter named, or weights where none is."""
    found: list[Role] = []
    while line.next:
        if line.next not in KINDS:
            hint = did_you_mean(line.next, KINDS) or ": one of " + ", ".join(KINDS)
            line.fail(f"unknown kind of parameter {line.next!r}{hint}")
        found.append(KINDS[line.take()])
    return found or [Role.WEIGHT]


def _rate(draft: Draft, line: Line) -> None:
    draft.set("rate", line.value("the rate"), line)


def _seed(draft: Draft, line: Line) -> None:
    draft.set("seed", line.whole("the seed"), line)


TRAINING: dict[str, Callable[[Draft, Line], None]] = {
    "loss": _loss,
    "update": _update,
    "decay": _decay,
    "rate": _rate,
    "seed": _seed,
}


# Writing.


def training_lines(net: Net) -> Iterator[str]:
    """Whatever isn't as usual, and the loss."""
    yield f"loss {net.loss}" + (f" smoothing {digits(net.smoothing)}" if net.smoothing else "")
    if net.update != Update():
        yield f"update {update_words(net.update)}"
    for word, role in KINDS.items():
        if role in net.decay:
            yield f"decay {digits(net.decay[role])} {word}"
    if net.rate is not None:
        yield f"rate {digits(net.rate)}"
    if net.seed:
        yield f"seed {net.seed}"


def update_words(update: Update) -> str:
    if update.kind == "momentum":
        ahead = " nesterov" if update.nesterov else ""
        return f"momentum {digits(update.momentum)}{ahead}"
    if update.kind in ("adam", "adamw"):
        return f"{update.kind} " + " ".join(map(digits, (*update.betas, update.epsilon)))
    return update.kind
