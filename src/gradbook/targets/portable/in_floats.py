"""The C of a trained network in floats: how sure it is of each class, or the number it says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradbook.graph.node import Array
from gradbook.layers import Activation
from gradbook.layers.activations import GELU_CUBE, GELU_SCALE
from gradbook.layers.losses import HALF_SURE
from gradbook.net.trained import BothClasses, Shares, TrainedNet, answering
from gradbook.targets.portable.makers import NORMING, RowMaker, row_makers
from gradbook.targets.portable.program import Dialect, program, spelt, table

BENDS = {  # each activation of x, in C
    "relu": "x > 0 ? x : 0",
    "leaky relu": "x > 0 ? x : {slope} * x",
    "sigmoid": "1 / (1 + expf(-x))",
    "tanh": "tanhf(x)",
    "relu6": "x > 0 ? (x < 6 ? x : 6) : 0",
    "elu": "x > 0 ? x : expm1f(x)",
    "softplus": "(x > 0 ? x : 0) + log1pf(expf(-fabsf(x)))",
    "gelu": "0.5f * x * (1 + tanhf({scale} * x * (1 + {cube} * x * x)))",
    "exact gelu": "0.5f * x * erfcf(-0.70710678f * x)",
    "silu": "x / (1 + expf(-x))",
    "hard swish": "x > -3 ? (x < 3 ? x * (x + 3) / 6 : x) : 0",
}
KEEP = """\
/* A result into its place: scaled, shifted and bent. */
static void keep(const struct maker *own, value *out, int c, total sum)
{
    const int k = own->first + c;
    *out = bent(own->activation, sum * READ(float, scales + k) + READ(float, shifts + k));
}"""
NUMBER = """\
/* The number that the network predicts for {what}. */
float {name}_predict(const {sample} *{given})
{{
    make_all({given});
    return arena[ANSWER];
}}"""
NUMBERS = """\
/* The {count} numbers that the network predicts for {what}. */
void {name}_predict(const {sample} *{given}, float *outputs)
{{
    make_all({given});
    for (int k = 0; k < {count}; k++)
        outputs[k] = arena[ANSWER + k];
}}"""
CLASSES = """\
/* How sure the network is of each of {classes} classes; it returns the surest. */
int {name}_predict(const {sample} *{given}, float *probabilities)
{{
    const value *outputs = arena + ANSWER;
    make_all({given});
{shares}
{surest}
}}"""
SUREST = """\
    int surest = 0;
    for (int k = 1; k < {classes}; k++)
        if (probabilities[k] > probabilities[surest])
            surest = k;
    return surest;"""
ALONE = """\
    return outputs[0] >= {half};"""
BOTH = """\
    probabilities[0] = 1 - outputs[0];
    probabilities[1] = outputs[0];"""
SHARES = """\
    float whole = 0;
    for (int k = 0; k < {classes}; k++)
        whole += outputs[k];
    for (int k = 0; k < {classes}; k++)
        probabilities[k] = outputs[k] / whole;"""
SOFTMAX = """\
    float largest = outputs[0], whole = 0;
    for (int k = 1; k < {classes}; k++)
        if (outputs[k] > largest)
            largest = outputs[k];
    for (int k = 0; k < {classes}; k++)
        whole += probabilities[k] = expf(outputs[k] - largest);
    for (int k = 0; k < {classes}; k++)
        probabilities[k] /= whole;"""


def float_program(trained: TrainedNet, name: str, remark: str) -> str:
    """A file with `int NAME_predict(const uint8_t *image, float *probabilities)`.

    Of a table's columns it takes floats; one number it returns (`float NAME_predict(…)`), several
    it writes (`void NAME_predict(…, float *outputs)`).
    """
    answers = answering(trained)
    makers = row_makers(answers)
    bends = list(dict.fromkeys(maker.activation for maker in makers))
    dialect = Dialect(
        value="float",
        total="float",
        sample=_sample(trained),
        edge="0",
        tables=_tables(makers),
        keep=f"{_bending(bends)}\n\n{KEEP}",
        works="work_floats",
        fields=_fields(makers, bends),
        includes=("math.h",),
    )
    weights = [None if m.weights is None else m.weights.astype(np.float32) for m in makers]
    return program(makers, weights, dialect, remark=remark, ending=_ending(answers, name))


def _fields(
    makers: Sequence[RowMaker], bends: Sequence[Activation | None]
) -> dict[str, tuple[str, Sequence[int | str]]]:
    """What `struct maker` has besides."""
    bent = [bends.index(maker.activation) for maker in makers]
    found: dict[str, tuple[str, Sequence[int | str]]] = {"activation": ("uint8_t", bent)}
    if any(maker.work in NORMING for maker in makers):
        found["epsilon"] = ("float", [spelt(float(maker.epsilon)) for maker in makers])
    return found


def _sample(trained: TrainedNet) -> str:
    return "uint8_t" if trained.reads_bytes else "float"


def _tables(makers: Sequence[RowMaker]) -> list[str]:
    def joined(name: str, otherwise: float) -> str:
        every = [_channels(getattr(m, name), m.shape[2], otherwise) for m in makers]
        return table("float", f"{name}s", np.concatenate(every).astype(np.float32))

    return [joined("scale", 1), joined("shift", 0)]


def _channels(numbers: Array | None, channels: int, otherwise: float) -> Array:
    return np.full(channels, otherwise) if numbers is None else numbers


def _bending(bends: Sequence[Activation | None]) -> str:
    """The function of the activations, by the numbers that makers know them by."""
    cases = [
        f"    case {number}:\n        return "
        + BENDS[bend.kind].format(
            slope=spelt(bend.slope), scale=spelt(GELU_SCALE), cube=spelt(GELU_CUBE)
        )
        + ";"
        for number, bend in enumerate(bends)
        if bend is not None
    ]
    default = ["    default:", "        return x;", "    }", "}"]
    head = ["static float bent(int activation, float x)", "{", "    switch (activation) {"]
    return "\n".join((*head, *cases, *default))


FILLED = """\
    float complete[{count}];
    for (int k = 0; k < {count}; k++)
        complete[k] = isnan({given}[k]) ? READ(float, missing + k) : {given}[k];
    make_all(complete);"""
MISSING = "/* What stands for a missing number, NaN, in each column. */\n"


def _ending(answers: TrainedNet, name: str) -> str:
    """What others call; missing numbers are put in before it works through the network."""
    made = _called(answers, name)
    if answers.filling is None:
        return made
    given, count = "numbers", len(answers.filling)
    filled = FILLED.format(given=given, count=count)
    constants = MISSING + table("float", "missing", answers.filling.astype(np.float32))
    return f"{constants}\n\n{made.replace(f'    make_all({given});', filled)}"


def _called(answers: TrainedNet, name: str) -> str:
    """What others call, by what the network's last layer is."""
    sample = _sample(answers)
    given = "image" if answers.reads_bytes else "numbers"
    if not answers.classes:
        what, count = f"{'an' if given == 'image' else 'a row of'} {given}", answers.net.outputs
        ending = NUMBER if count == 1 else NUMBERS
        return ending.format(name=name, sample=sample, given=given, what=what, count=count)
    shares = {BothClasses: BOTH, Shares: SHARES}.get(type(answers.layers[-1].layer), SOFTMAX)
    said = {"name": name, "sample": sample, "given": given, "classes": len(answers.classes)}
    surest = ALONE.format(half=spelt(HALF_SURE)) if shares is BOTH else SUREST.format(**said)
    return CLASSES.format(**said, shares=shares.format(**said), surest=surest)
