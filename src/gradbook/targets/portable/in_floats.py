"""The C of a trained network in floats: how sure it is of each class, or the number it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import indent

import numpy as np

from gradbook.graph.node import Array, Node
from gradbook.layers import Layer
from gradbook.layers.activations import GELU_CUBE, GELU_SCALE
from gradbook.layers.losses import HALF_SURE
from gradbook.lowering import OTHER_FORMAT, Vocabulary
from gradbook.net.trained import BothClasses, Shares, TrainedNet, with_answers
from gradbook.targets.portable.makers import NORMING, RowMaker, row_makers
from gradbook.targets.portable.program import Dialect, program, spelt, table
from gradbook.targets.portable.rules_in_c import OpWords, RuleInC, rule_in_c

WORDS = {  # the ops that C says of its inputs and attributes, each of which is a name or a number
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "negate": "-{0}",
    "power": "powf({0}, {1})",
    "exp": "expf({0})",
    "log": "logf({0})",
    "sqrt": "sqrtf({0})",
    "choose": "{0} > 0 ? {1} : {2}",
    "normal_share": "0.5f * erfcf(-0.70710678f * {0})",
    "relu": "{0} > 0 ? {0} : 0",
    "leaky_relu": "{0} > 0 ? {0} : {1} * {0}",
    "sigmoid": "1 / (1 + expf(-{0}))",
    "tanh": "tanhf({0})",
    "relu6": "{0} > 0 ? ({0} < 6 ? {0} : 6) : 0",
    "elu": "{0} > 0 ? {0} : expm1f({0})",
    "softplus": "({0} > 0 ? {0} : 0) + log1pf(expf(-fabsf({0})))",
    "gelu": f"0.5f * {{0}} * (1 + tanhf({spelt(GELU_SCALE)} * {{0}} * "
    f"(1 + {spelt(GELU_CUBE)} * {{0}} * {{0}})))",
    "exact_gelu": "0.5f * {0} * erfcf(-0.70710678f * {0})",
    "silu": "{0} / (1 + expf(-{0}))",
    "hard_swish": "{0} > -3 ? ({0} < 3 ? {0} * ({0} + 3) / 6 : {0}) : 0",
}
SQUARE = "{0} * {0}"
SAYS = Vocabulary("C", frozenset(WORDS), OTHER_FORMAT)
KEEP = """\
/* Store a result: scaled, shifted and put through the activation. */
static void keep(const struct maker *own, value *out, int c, total sum)
{
    const int k = own->first + c;
    *out = activated(own->activation, sum * READ(float, scales + k) + READ(float, shifts + k));
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
STEPS = """\
/* How sure the network is of each of {classes} classes, at each of {steps} steps. */
void {name}_predict(const {sample} *{given}, float *probabilities)
{{
    const value *outputs = arena + ANSWER;
    make_all({given});
    for (int step = 0; step < {steps}; step++, outputs += {classes}, probabilities += {classes}) {{
{shares}
    }}
}}"""
CLASSES = """\
/* How sure the network is of each of {classes} classes; it returns the most likely one. */
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
    """Write a file with `int NAME_predict(const uint8_t *image, float *probabilities)`.

    A table's columns are given as floats. A single number is returned (`float NAME_predict(…)`),
    several are written (`void NAME_predict(…, float *outputs)`).
    """
    answers = with_answers(trained)
    makers = row_makers(answers)
    names = {own.layer: own.name for own in reversed(answers.layers)}
    activations = {m.activation: names[m.activation] if m.activation else "" for m in makers}
    dialect = Dialect(
        value="float",
        total="float",
        sample=_sample(trained),
        edge="0",
        tables=_tables(makers),
        keep=f"{_activation_function(activations)}\n\n{KEEP}",
        works="work_floats",
        fields=_fields(makers, list(activations)),
        includes=("math.h",),
        rules=float_rules(makers),
    )
    weights = [None if m.weights is None else m.weights.astype(np.float32) for m in makers]
    return program(makers, weights, dialect, remark=remark, ending=_ending(answers, name))


def float_rules(makers: Sequence[RowMaker]) -> dict[int, RuleInC]:
    """What layers with values of their own make, by the numbers of their makers."""
    wording = OpWords(SAYS, _expression, spelt)
    return {k: rule_in_c(m, wording) for k, m in enumerate(makers) if m.rule is not None}


def _fields(
    makers: Sequence[RowMaker], activations: Sequence[Layer | None]
) -> dict[str, tuple[str, Sequence[int | str]]]:
    """The further members of `struct maker`."""
    numbers = [activations.index(maker.activation) for maker in makers]
    found: dict[str, tuple[str, Sequence[int | str]]] = {"activation": ("uint8_t", numbers)}
    if any(maker.work in NORMING for maker in makers):
        found["epsilon"] = ("float", [spelt(float(maker.epsilon)) for maker in makers])
    return found


def _sample(trained: TrainedNet) -> str:
    return "uint8_t" if trained.reads_bytes else "float"


def _tables(makers: Sequence[RowMaker]) -> list[str]:
    def join(name: str, otherwise: float) -> str:
        every = [_channels(getattr(m, name), m.shape[2], otherwise) for m in makers]
        return table("float", f"{name}s", np.concatenate(every).astype(np.float32))

    return [join("scale", 1), join("shift", 0)]


def _channels(numbers: Array | None, channels: int, otherwise: float) -> Array:
    return np.full(channels, otherwise) if numbers is None else numbers


def _activation_function(activations: Mapping[Layer | None, str]) -> str:
    """The function of the activations, by the numbers that makers know them by."""
    cases = [
        f"    case {number}:{_body(layer, name)}"
        for number, (layer, name) in enumerate(activations.items())
        if layer is not None
    ]
    default = ["    default:", "        return x;", "    }", "}"]
    head = ["static float activated(int activation, float x)", "{", "    switch (activation) {"]
    return "\n".join((*head, *cases, *default))


def _body(layer: Layer, name: str) -> str:
    """What an activation makes of x: at once, or step by step where C has no words for it."""
    steps = SAYS.steps(layer, name)
    terms = {steps[0]: "x"}
    lines: list[str] = []
    for node in steps[1:]:
        if node.is_constant():
            terms[node] = spelt(node.number)
            continue
        said = _expression(node, [terms[one] for one in node.inputs])
        terms[node] = said if node is steps[-1] else f"t{len(lines) + 1}"
        if node is not steps[-1]:
            lines.append(f"        const float {terms[node]} = {said};\n")
    opening, closing = (" {", "\n    }") if lines else ("", "")
    return f"{opening}\n{''.join(lines)}        return {terms[steps[-1]]};{closing}"


def _expression(node: Node, terms: Sequence[str]) -> str:
    squares = node.op.name == "power" and node.inputs[1].is_constant(2)
    words = SQUARE if squares else WORDS[node.op.name]
    numbers = (spelt(number) for number in node.attributes if isinstance(number, float))
    return words.format(*terms, *numbers)


FILLED = """\
    float complete[{count}];
    for (int k = 0; k < {count}; k++)
        complete[k] = isnan({given}[k]) ? READ(float, missing + k) : {given}[k];
    make_all(complete);"""
MISSING = "/* The value that replaces a missing number, NaN, in each column. */\n"


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
    if len(answers.output) > 1 and answers.net.layers[-1].is_softmax:
        steps, classes = answers.output
        shares = indent(SOFTMAX.format(classes=classes), "    ")
        return STEPS.format(
            name=name, sample=sample, given=given, classes=classes, steps=steps, shares=shares
        )
    if not answers.classes or len(answers.output) > 1:
        what, count = f"{'an' if given == 'image' else 'a row of'} {given}", answers.net.outputs
        ending = NUMBER if count == 1 else NUMBERS
        return ending.format(name=name, sample=sample, given=given, what=what, count=count)
    shares = {BothClasses: BOTH, Shares: SHARES}.get(type(answers.layers[-1].layer), SOFTMAX)
    said = {"name": name, "sample": sample, "given": given, "classes": len(answers.classes)}
    surest = ALONE.format(half=spelt(HALF_SURE)) if shares is BOTH else SUREST.format(**said)
    return CLASSES.format(**said, shares=shares.format(**said), surest=surest)
