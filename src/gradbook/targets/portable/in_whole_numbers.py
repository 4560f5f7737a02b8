"""The C of a trained network in whole numbers alone: the class of an image, and scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import TargetError
from gradbook.net.trained import TrainedNet
from gradbook.targets.portable.makers import NORMING, maps_of, row_makers
from gradbook.targets.portable.program import Dialect, program, table
from gradbook.targets.portable.rules_in_c import RuleInC
from gradbook.targets.portable.sensor_numbers import SensorNumbers, sensor_numbers
from gradbook.targets.portable.streaming import stream_of
from gradbook.targets.portable.whole_learning import (
    READ_BY_LEARNING,
    WholeLast,
    tables_of_learning,
    whole_learning_in_c,
)
from gradbook.targets.portable.whole_makers import (
    LOWEST,
    SHIFT_UNIT,
    SPREAD_BITS,
    WholeMaker,
    WholeNumbers,
    even_out,
    in_whole_numbers,
)
from gradbook.targets.portable.whole_rules import CURVE, UNIT_BITS, WholeRule, require_whole
from gradbook.targets.portable.whole_rules_in_c import tables_of, whole_rule_in_c

EVENED = 0.75  # of a channel's size, the power that all are divided by: see `evened`
SCORES = "static int32_t *scores; /* where the last maker's results go, in full precision */\n\n"
SCORED = """\
    if (k >= {outputs}) {{ /* the last maker's results are the scores */
        scores[c] = {last};
        return;
    }}
"""
KEEP = """\
{scores}/* A shift to the right must keep the sign, as it does with every common compiler. */
typedef char shifts_keep_signs[(-1 >> 1) == -1 ? 1 : -1];

/* Store a result: scaled to the levels of its map, and clipped to them. */
static void keep(const struct maker *own, value *out, int c, total sum)
{{
    const int k = own->first + c;
    const int32_t shifted = (sum + READ(int32_t, biases + k)) * own->times;
    const int64_t product = (int64_t)shifted * READ(int32_t, factors + k) + ((int64_t)1 << 31);
    int32_t level = (int32_t)(product >> 32) + own->{offset};
{scored}    level = level > own->low ? level : own->low;
    level = level < 127 ? level : 127;
    *out = {kept};
}}"""
LOOKED_UP = "own->table ? READ(int8_t, bends + 256 * (own->table - 1) + level + 128) : (value)level"
CLASSES = """\
/* The class of {what}{after}, and the score of each class, in units of 1/{unit}. */
int {head}const {sample} *{given}, int32_t *each)
{{
    int best = 0;
    {work}
    for (int k = 1; k < {classes}; k++)
        if (each[k] > each[best])
            best = k;
    return best;
}}"""
SCORING = "scores = each;\n    {}"
WEIGHING = "{}\n    weigh_last(each);"
ON_BY_A_STEP = "take_step(state, {given});\n    make_answers({given});"
BOTH = """\
/* The class of {what}{after}, 0 or 1, and its score, in units of 1/{unit}. */
int {head}const {sample} *{given}, int32_t *each)
{{
    {work}
    return *each >= {half};
}}"""


def require_classes(trained: TrainedNet, reads_windows: bool = False) -> None:
    """Refuse what --int8 can't say: it tells images apart, or windows of signals."""
    told = trained.picture or reads_windows
    if not (told and trained.classes) or len(trained.output) > 1:
        raise TargetError(
            "--int8 is only for networks that classify images or windows of signals: leave it out"
        )


def quantise(trained: TrainedNet, images: NDArray[np.uint8], learns: bool = False) -> WholeNumbers:
    """Say the network in whole numbers that suit such images; if its last layer `learns`, with what
    that reads in the sizes that it was trained on."""
    require_classes(trained)
    return _in_whole_numbers(trained, images, None, learns)


def quantise_windows(trained: TrainedNet, rows: NDArray[Any], channels: int) -> WholeNumbers:
    """Say it in whole numbers that suit such windows, (windows, steps x channels), of a sensor's
    own numbers."""
    require_classes(trained, reads_windows=True)
    sensor = sensor_numbers(rows, channels)
    given = sensor.of(rows) * np.int64(sensor.finer)
    return _in_whole_numbers(sensor.scale(trained), given, sensor)


def _in_whole_numbers(
    trained: TrainedNet,
    given: NDArray[Any],
    sensor: SensorNumbers | None,
    learns: bool = False,
) -> WholeNumbers:
    makers = row_makers(trained)
    for maker in makers:
        if maker.rule is not None:
            require_whole(maker.rule)
    evened = makers[:-1] if learns else makers
    evened = even_out(evened, maps_of(evened, given), EVENED)
    return in_whole_numbers([*evened, *makers[len(evened) :]], given, sensor)


def whole_program(
    trained: TrainedNet,
    whole: WholeNumbers,
    name: str,
    remark: str,
    learner: WholeLast | None = None,
) -> str:
    """Write a file with `int NAME_predict(const uint8_t *image, int32_t *scores)`; windows are
    given as a sensor's whole numbers. The last layer may be one that learns."""
    makers = learner.features.makers if learner else whole.makers
    ruled = [own.rule for own in makers if own.rule is not None]
    bent = [own for own in makers if own.table is not None]
    zeros = [own.levels.edge for own in makers]
    fields = {
        "zero": ("int8_t", zeros),
        "low": ("int8_t", [max(own.low, LOWEST) for own in makers]),
    }
    fields["times"] = ("uint8_t", [own.times for own in makers])
    if bent:  # levels before they are looked up have a zero of their own
        fields["offset"] = ("int8_t", [own.offset for own in makers])
        fields["table"] = ("uint8_t", [bent.index(own) + 1 if own in bent else 0 for own in makers])
    normed = any(own.maker.work in NORMING for own in makers)
    if normed:
        fields["epsilon"] = ("int64_t", [own.epsilon for own in makers])
    last = "level" if makers[-1].maker.activation is None else "(level > 0 ? level : 0)"
    outputs = sum(own.maker.scaled for own in makers[:-1])
    kept, offset = (LOOKED_UP, "offset") if bent else ("(value)level", "zero")
    scored = "" if learner else SCORED.format(outputs=outputs, last=last)
    learning = whole_learning_in_c(learner, trained, name) if learner else ""
    looked_up = tables_of_learning(learner, learning, bool(ruled)) if learner else []
    dialect = Dialect(
        value="int8_t",
        total="int32_t",
        sample=_sample(whole),
        edge="((map)->zero)",
        tables=[*_tables(makers, bent, ruled), *looked_up],
        keep=KEEP.format(scores="" if learner else SCORES, scored=scored, kept=kept, offset=offset),
        works="work_whole",
        name=name,
        rules=whole_rules(makers),
        reads=({"curve": "uint16_t"} if ruled else {}) | (READ_BY_LEARNING if learner else {}),
        sizes={"SPREAD_BITS": SPREAD_BITS, "SHIFT_UNIT": SHIFT_UNIT} if normed else {},
        fields=fields,
        finer=whole.sensor.finer if whole.sensor else 1,
    )
    return program(
        [own.maker for own in makers],
        [own.weights for own in makers],
        dialect,
        remark=remark,
        ending=_ending(trained, whole, name, learner, learning),
    )


def whole_rules(makers: Sequence[WholeMaker]) -> dict[int, RuleInC]:
    """What recurrent layers make, by the numbers of their makers."""
    rules = {k: own for k, own in enumerate(makers) if own.rule is not None}
    return {k: whole_rule_in_c(own.maker, own.rule) for k, own in rules.items() if own.rule}


def _tables(
    makers: Sequence[WholeMaker], bent: Sequence[WholeMaker], rules: Sequence[WholeRule]
) -> list[str]:
    made = [
        table("int32_t", "biases", np.concatenate([own.bias for own in makers])),
        table("int32_t", "factors", np.concatenate([own.factor for own in makers])),
    ]
    for rule in rules:
        made += [table("int32_t", name, numbers) for name, numbers in tables_of(rule).items()]
    made += [table("uint16_t", "curve", CURVE)] if rules else []
    if bent:
        every = np.concatenate([own.table for own in bent if own.table is not None])
        made.append(table("int8_t", "bends", every))
    return made


def _ending(
    trained: TrainedNet, whole: WholeNumbers, name: str, learner: WholeLast | None, learning: str
) -> str:
    bits, half = whole.score_bits, whole.threshold
    makers, work = whole.makers, SCORING
    if learner:
        bits, half, makers, work = UNIT_BITS, learner.threshold, learner.features.makers, WEIGHING
    told: dict[str, Any] = {"unit": 1 << bits, "half": half, "classes": trained.net.outputs}
    sensor = whole.sensor
    told |= {"what": "a window" if sensor else "an image", "sample": _sample(whole)}
    told["given"] = given = "numbers" if sensor else "image"
    said = BOTH if trained.net.outputs == 1 else CLASSES
    found = said.format(
        **told, after="", head=f"{name}_predict(", work=work.format(f"make_all({given});")
    )
    parts = [learning] if learner else []
    if stream_of([own.maker for own in makers]) is not None:
        head = f"{name}_step(struct {name}_state *state, "
        on = work.format(ON_BY_A_STEP.format(given=given))
        parts.append(said.format(**told, after=" after one row more", head=head, work=on))
    return "\n\n".join([*parts, found])


def _sample(whole: WholeNumbers) -> str:
    """What it is given, in C."""
    return whole.sensor.kind if whole.sensor else "uint8_t"
