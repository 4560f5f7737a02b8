"""The C of a trained network in whole numbers alone: the class of an image, and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import TargetError
from gradbook.net.trained import TrainedNet
from gradbook.targets.portable.makers import NORMING, Work, maps_of, row_makers
from gradbook.targets.portable.packing import (
    are_packed,
    bits_of,
    most_unpacked,
    packed,
    packed_fields,
)
from gradbook.targets.portable.parabolas import POINT, Bends
from gradbook.targets.portable.program import (
    Dialect,
    functions_in,
    program,
    smallest,
    table,
    widest,
)
from gradbook.targets.portable.rules_in_c import RuleInC
from gradbook.targets.portable.sensor_numbers import SensorNumbers, sensor_numbers
from gradbook.targets.portable.streaming import stream_of
from gradbook.targets.portable.whole_hearing import (
    heard_at_once,
    sizes_of_hearing,
    tables_of_hearing,
)
from gradbook.targets.portable.whole_learning import (
    READ_BY_LEARNING,
    WholeLast,
    tables_of_learning,
    whole_learning_in_c,
)
from gradbook.targets.portable.whole_makers import (
    HIGHEST,
    LOWEST,
    SHIFT_UNIT,
    SPREAD_BITS,
    WholeMaker,
    WholeNumbers,
    bends_of,
    even_out,
    in_whole_numbers,
)
from gradbook.targets.portable.whole_rules import CURVE, UNIT_BITS, WholeRule, require_whole
from gradbook.targets.portable.whole_rules_in_c import tables_of, whole_rule_in_c

EVENED = 0.75  # of a channel's size, the power that all are divided by: see `evened`
SCORES = "static int32_t *scores; /* where the last maker's results go, in full precision */\n\n"
ARE_SCORES = "((own)->first == {first}) /* the last maker's results are */"
SCORED = """\
    if (ARE_SCORES(own)) {{
        const int32_t level = scaled_by(&scale, sum * {times});
        scores[c] = {last};
        return;
    }}
"""
KEEP = """\
{scores}/* Kernels need all the registers that there are. */
#if defined(__GNUC__) && !defined(__OPTIMIZE_SIZE__)
#define APART __attribute__((noinline))
#else
#define APART
#endif

/* A shift to the right must keep the sign, as it does with every common compiler. */
typedef char shifts_keep_signs[(-1 >> 1) == -1 ? 1 : -1];

/* What scales the sums of a channel: a factor, then what is added to the product. Where long
   products are slow, one of 16 bits is made of the upper and of the lower half of a sum. */
#if defined(__AVR__) || defined(__ARM_ARCH_6M__) || (defined(__riscv) && !defined(__riscv_mul))
struct scale {{
    int16_t factor;
    int32_t start;
    uint8_t down;{details}
}};
#define FACTOR(own, stored) (stored)
#define START(own, sum) (sum)
#define DOWN(own) , (uint8_t)(16 - own->up)

static inline int32_t scaled_by(const struct scale *scale, total sum)
{{
#if defined(__riscv) || (defined(__AVR__) && !defined(__AVR_HAVE_MUL__)) /* nothing multiplies */
    int factor = scale->factor < 0 ? -scale->factor : scale->factor;
    const total x = scale->factor < 0 ? -sum : sum;
    int32_t product = 0;
    for (int bit = 16; bit > 0; bit--, factor >>= 1)
        product = (factor & 1 ? product + x : product) >> 1;
#else
    const int32_t low = (int32_t)(uint16_t)sum * scale->factor;
    const int32_t product = (int32_t)(int16_t)(sum >> 16) * scale->factor + (low >> 16);
#endif
    return (product + scale->start) >> scale->down;
}}
#else
struct scale {{
    int32_t factor;
    int64_t start;{details}
}};
#define FACTOR(own, stored) ((stored) * ((int32_t)1 << own->up))
#define START(own, sum) ((int64_t)(sum) * ((int64_t)1 << (16 + own->up)))
#define DOWN(own)

static inline int32_t scaled_by(const struct scale *scale, total sum)
{{
    return (int32_t)(((int64_t)sum * scale->factor + scale->start) >> 32);
}}
#endif

static inline struct scale scale_of(const struct maker *own, int c)
{{
    const int k = (int)own->first + {channel};
    const int32_t bias = READ(int16_t, biases + k) * ((int32_t)1 << own->bias_up);
    const int32_t half = (int32_t)1 << (15 - own->up), zero = own->{offset} * 2 * half;
    const struct scale found = {{FACTOR(own, READ(int16_t, factors + k)),
                                START(own, bias + half + zero) DOWN(own){values}}};
    (void)own;
    return found;
}}

/* The level that a sum becomes, clipped to those of its map. */
static inline value level_of(const struct scale *scale, total sum)
{{
    int32_t level = scaled_by(scale, sum);
    if (level != (value)level)
        level = level < 0 ? -128 : 127;
{clipped}    return {kept};
}}

#define ARE_SCORES(own) {are_scores}

static inline void keep(const struct maker *own, value *out, int c, total sum)
{{
    const struct scale scale = scale_of(own, c);
{scored}    *out = level_of(&scale, sum * own->times);
}}"""
CLIPS = {
    "low": "    level = level > scale->low ? level : scale->low;\n",
    "high": "    level = level < scale->high ? level : scale->high;\n",
}
LOOKED_UP = "scale->bent ? bent(scale->bent, level) : (value)level"
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


def quantise_windows(
    trained: TrainedNet, rows: NDArray[Any], channels: int, learns: bool = False
) -> WholeNumbers:
    """Say it in whole numbers that suit such windows, (windows, steps x channels), of a sensor's
    own numbers."""
    require_classes(trained, reads_windows=True)
    sensor = sensor_numbers(rows, channels)
    given = sensor.of(rows) * np.int64(sensor.finer)
    return _in_whole_numbers(sensor.scale(trained), given, sensor, learns)


def _in_whole_numbers(
    trained: TrainedNet,
    given: NDArray[Any],
    sensor: SensorNumbers | None,
    learns: bool = False,
) -> WholeNumbers:
    at_once = heard_at_once(row_makers(trained, by_tables=True), sensor) if sensor else None
    makers = at_once or row_makers(trained)
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
    small: bool = False,
) -> str:
    """Write a file with `int NAME_predict(const uint8_t *image, int32_t *scores)`; windows are
    given as a sensor's whole numbers. The last layer may be one that learns. What is `small` takes
    the least code, and longer."""
    makers = learner.features.makers if learner else whole.makers
    ruled = [own.rule for own in makers if own.rule is not None]
    bends = bends_of(makers)
    zeros = [own.levels.edge for own in makers]
    offsets = [own.offset for own in makers]
    fields: dict[str, tuple[str, Sequence[int | str]]] = {"zero": ("int8_t", zeros)}
    ends = _ends(makers, learner is None)
    details, kept = {f"int32_t {name}": f"own->{name}" for name in ends}, "(value)level"
    if offsets != zeros:
        fields["offset"] = ("int8_t", offsets)
    fields |= {name: ("int8_t", levels) for name, levels in ends.items()}
    ways = ways_of(makers, whole.sensor is None, small)
    inner = range(len(makers) - (learner is None))
    scaling = [k for k in inner if ways.get(k) != "bytes"] or [0]
    others = makers[scaling[0]].times  # of bytes, which aren't scaled, and of scores
    times = [own.times if k in scaling else others for k, own in enumerate(makers)]
    fields["times"] = ("uint8_t", times)
    fields["up"] = ("uint8_t", [own.up for own in makers])
    fields["bias_up"] = ("uint8_t", [own.bias_up for own in makers])
    if bends.each:
        numbered = smallest(max(len(bends.each), len(bends.pieces)))
        fields["table"] = (numbered, [_bent_by(own, bends, small) for own in makers])
        details["bend bent"], kept = "BEND(own->table)", LOOKED_UP
    is_packed = are_packed([own.maker for own in makers], ways)
    if is_packed:
        fields |= packed_fields([own.maker for own in makers])
    normed = any(own.maker.work in NORMING for own in makers)
    if normed:
        fields["epsilon"] = ("int64_t", [own.epsilon for own in makers])
    last = "level" if makers[-1].maker.activation is None else "(level > 0 ? level : 0)"
    *begins, end = 0, *accumulate(scales_kept(makers, ways))
    fields["first"] = (smallest(end), begins)
    scored = "" if learner else SCORED.format(times=makers[-1].times, last=last)
    learning = ""
    if learner:
        learning = whole_learning_in_c(learner, trained, name, _sample(whole), _given(whole))
    looked_up = tables_of_learning(learner, learning, bool(ruled)) if learner else []
    dialect = Dialect(
        value="int8_t",
        total="int32_t",
        sample=_sample(whole),
        edge="((map)->zero)",
        tables=[
            *_tables(makers, ruled, ways),
            *_bends_in_c(bends, small),
            *looked_up,
            *tables_of_hearing(makers[0].maker.hearing, whole.finer),
        ],
        keep=KEEP.format(
            scores="" if learner else SCORES,
            scored=scored,
            are_scores="0" if learner else ARE_SCORES.format(first=begins[-1]),
            channel=_channel(makers),
            kept=kept,
            clipped="".join(CLIPS[name] for name in ends),
            offset="zero" if offsets == zeros else "offset",
            details="".join(f"\n    {detail};" for detail in details),
            values="".join(f", {said}" for said in details.values()),
        ),
        works=("work_whole", "sums_whole", "hearing_whole"),
        ways=ways,
        packed=_packed(makers) if is_packed else (),
        name=name,
        rules=whole_rules(makers),
        reads={
            "factor": "int16_t",
            **({"packed": "uint8_t"} if is_packed else {}),
            **({"curve": "uint16_t"} if ruled else {}),
            **({"taken": "uint16_t"} if makers[0].maker.hearing else {}),
            **(READ_BY_LEARNING if learner else {}),
        },
        sizes={
            **({"SPREAD_BITS": SPREAD_BITS, "SHIFT_UNIT": SHIFT_UNIT} if normed else {}),
            **sizes_of_hearing(makers[0].maker.hearing),
            **(
                {"UNPACKED": most_unpacked([own.maker for own in makers])}
                if is_packed and not small
                else {}
            ),
        },
        fields=fields,
        finer=whole.finer,
    )
    return program(
        [own.maker for own in makers],
        [own.weights for own in makers],
        dialect,
        remark=remark,
        ending=_ending(trained, whole, name, learner, learning),
    )


def _ends(makers: Sequence[WholeMaker], ends_in_scores: bool) -> dict[str, list[int]]:
    """Between which levels each maker's are kept, where that isn't all that a byte holds."""
    inner = makers[: len(makers) - ends_in_scores]
    found = {}
    if any(own.low > LOWEST for own in inner):
        found["low"] = [max(own.low, LOWEST) for own in makers]
    if any(own.high < HIGHEST for own in inner):
        found["high"] = [min(own.high, HIGHEST) for own in makers]
    return found


def ways_of(
    makers: Sequence[WholeMaker], of_bytes: bool = True, small: bool = False
) -> dict[int, str]:
    """Ways to make rows of sums, by what these read, and of bytes that are levels already; in
    `small` code a sum is made at a time."""
    few = any(own.maker.levels is not None for own in makers)
    if widest([own.maker for own in makers]) == 1 and not few and not small:
        return {}
    ways = {}
    for number, own in enumerate(makers):
        maker = own.maker
        if of_bytes and maker.work is Work.GIVEN and _are_levels(own):
            ways[number] = "bytes"
        if maker.work is Work.SUMS and not maker.is_irregular and maker.weights is not None:
            each, reads = maker.weights.shape[-1], makers[maker.reads[0]].maker.shape[2]
            own_channel = each == 1 and maker.shape[2] == reads
            if small:
                ways[number] = "sums_one" if each == reads or own_channel else "sums_group"
            elif each == 1 and maker.window.size == (3, 3) and maker.window.stride == (1, 1):
                ways[number] = "sums_deep"
            elif each < reads:
                ways[number] = "sums_each"
            else:
                ways[number] = "sums_flat" if maker.window.size[0] == 1 else "sums"
    return ways


def _packed(makers: Sequence[WholeMaker]) -> list[NDArray[np.int64] | None]:
    return [
        None if own.weights is None else packed(own.weights, bits_of(own.maker)) for own in makers
    ]


def _are_levels(given: WholeMaker) -> bool:
    """Whether each byte that is given becomes the level that is 128 less."""
    every = np.arange(256.0)[:, None]
    return bool((given.result(every) == every + LOWEST).all()) and given.table is None


def whole_rules(makers: Sequence[WholeMaker]) -> dict[int, RuleInC]:
    """What recurrent layers make, by the numbers of their makers."""
    rules = {k: own for k, own in enumerate(makers) if own.rule is not None}
    return {k: whole_rule_in_c(own.maker, own.rule) for k, own in rules.items() if own.rule}


def _scaled_alike(makers: Sequence[WholeMaker]) -> set[Work]:
    """The works whose makers scale all channels alike; sums seldom do."""
    unlike = {
        own.maker.work
        for own in makers
        if own.maker.is_irregular or (own.factor.size and (np.ptp(own.factor) or np.ptp(own.bias)))
    }
    return {own.maker.work for own in makers} - unlike - {Work.SUMS}


def scales_kept(makers: Sequence[WholeMaker], ways: Mapping[int, str]) -> list[int]:
    """For how many channels of each maker it is kept what scales them: for none where bytes are
    levels already, once where all are scaled alike."""
    alike, kept = _scaled_alike(makers), []
    for number, own in enumerate(makers):
        most = 1 if own.maker.work in alike else own.factor.size
        kept.append(0 if ways.get(number) == "bytes" else min(most, own.factor.size))
    return kept


def _channel(makers: Sequence[WholeMaker]) -> str:
    """By whose scale a channel goes, in C."""
    alike = _scaled_alike([own for own in makers if own.factor.size > 1])
    which = [f"own->work == {work.upper()}" for work in Work if work in alike]
    return f"({' || '.join(which)} ? 0 : c)" if which else "c"


def _tables(
    makers: Sequence[WholeMaker], rules: Sequence[WholeRule], ways: Mapping[int, str]
) -> list[str]:
    kept = [
        (own.bias[:count] >> own.bias_up, own.factor[:count])
        for own, count in zip(makers, scales_kept(makers, ways), strict=True)
    ]
    biases, factors = map(np.concatenate, zip(*kept, strict=True))
    made = [table("int16_t", "biases", biases), table("int16_t", "factors", factors)]
    for rule in rules:
        made += [table("int32_t", name, numbers) for name, numbers in tables_of(rule).items()]
    made += [table("uint16_t", "curve", CURVE)] if rules else []
    return made


def _bent_by(own: WholeMaker, bends: Bends, small: bool) -> int | str:
    """What its levels are bent by, as the file has it: 0 if by nothing."""
    if own.table is None:
        return 0
    number, piece = bends.number(own.table), bends.last_piece(own.table)
    if not bends.are_pieces:
        return number
    return piece if small else f"BENT_BY({number}, {piece})"


def _bends_in_c(bends: Bends, small: bool) -> list[str]:
    """The tables, or pieces where these are smaller, and products are fast or code is to be
    `small`; and what reads them."""
    if not bends.each:
        return []
    said = functions_in("bends")
    tables = table("int8_t", "bends", np.concatenate([own for own, _ in bends.each]))
    if not bends.are_pieces:
        return [tables, said["table"]]
    numbers = np.array([number for piece in bends.pieces for number in piece.numbers])
    reckoned = said["pieces"].replace("POINT", str(POINT))
    pieces = [table("int32_t", "pieces", numbers), reckoned]
    if small:
        return pieces
    return [said["both"], tables, said["table"], said["else"], *pieces, said["end"]]


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
    told["given"] = given = _given(whole)
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


def _given(whole: WholeNumbers) -> str:
    return "numbers" if whole.sensor else "image"


def _sample(whole: WholeNumbers) -> str:
    """What it is given, in C."""
    return whole.sensor.kind if whole.sensor else "uint8_t"
