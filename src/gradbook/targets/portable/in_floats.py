"""The C of a trained network in floats: how sure it is of each class, or the number it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import indent

import numpy as np

from gradbook.amounts import counted
from gradbook.graph.node import Array, Node
from gradbook.layers import Layer
from gradbook.layers.activations import GELU_CUBE, GELU_SCALE
from gradbook.layers.losses import HALF_SURE
from gradbook.lowering import OTHER_FORMAT, Vocabulary
from gradbook.net.trained import BothClasses, Shares, TrainedNet, with_answers
from gradbook.targets.portable.learning import LastLayer, learning_in_c, wanted_in_c
from gradbook.targets.portable.makers import NORMING, RowMaker, Work, row_makers
from gradbook.targets.portable.program import Dialect, program, runtime, spelt, table
from gradbook.targets.portable.rules_in_c import OpWords, RuleInC, rule_in_c
from gradbook.targets.portable.streaming import Stream, stream_of

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
    "floor": "floorf({0})",
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
MADE, LEARNT = "arena + ANSWER", "outputs_of_last()"  # where the outputs are
NUMBER = "    return *({made});"
NUMBERS = """\
    const value *said = {made};
    for (int k = 0; k < {count}; k++)
        outputs[k] = said[k];"""
CLASSES = """\
    const value *outputs = {made};
{shares}
{surest}"""
STEPS = """\
    const value *outputs = arena + ANSWER;
    for (int step = 0; step < {steps}; step++, outputs += {classes}, probabilities += {classes}) {{
{shares}
    }}"""
SUREST = """\
    int surest = 0;
    for (int k = 1; k < {classes}; k++)
        if (probabilities[k] > probabilities[surest])
            surest = k;
    return surest;"""
ALONE = "    return outputs[0] >= {half};"
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


def float_program(
    trained: TrainedNet, name: str, remark: str, last: LastLayer | None = None
) -> str:
    """Write a file with `int NAME_predict(const uint8_t *image, float *probabilities)`.

    A table's columns are given as floats. A single number is returned (`float NAME_predict(…)`),
    several are written (`void NAME_predict(…, float *outputs)`). The `last` layer may learn.
    """
    answers = with_answers(trained)
    makers = list(last.features) if last else row_makers(answers, by_tables=True)
    names = {own.layer.with_numbers(own.tensors): own.name for own in reversed(answers.layers)}
    bending = [m.activation for m in (*makers, *([last.maker] if last else []))]
    activations = {layer: names[layer] if layer else "" for layer in bending}
    dialect = Dialect(
        value="float",
        total="float",
        sample=_sample(trained),
        edge="0",
        tables=[*_tables(makers), *(tables_of_last(last) if last else [])],
        keep=f"{_activation_function(activations)}\n\n{KEEP}",
        works=("work_floats",),
        sizes=_longest_frame(makers),
        name=name,
        fields=_fields(makers, list(activations)),
        includes=("math.h",),
        rules=float_rules(makers),
    )
    weights = [None if m.weights is None else m.weights.astype(np.float32) for m in makers]
    learning = _learning(answers, last, name, list(activations)) if last else ""
    ending = _ending(answers, name, stream_of(makers), learning)
    return program(makers, weights, dialect, remark=remark, ending=ending)


def _longest_frame(makers: Sequence[RowMaker]) -> dict[str, int]:
    """The samples that a Fourier transform is made of, at the most, where there is any."""
    frames = [maker.window.size[0] for maker in makers if maker.work is Work.WAVES]
    return {"FRAME": max(frames)} if frames else {}


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
"""
FILLED_STEP = """\
    const int taken = steps_taken(state), row = taken < STEPS ? taken : STEPS - 1;
    float complete[FEATURES];
    for (int k = 0; k < FEATURES; k++)
        complete[k] = isnan({given}[k]) ? READ(float, missing + row * FEATURES + k) : {given}[k];
"""
TAKEN = """\
static int steps_taken(struct {name}_state *state)
{{
    now = state;
    return made[0];
}}"""
MISSING = "/* The value that replaces a missing number, NaN, in each column. */\n"
EACH_STEP = """\
    static struct {name}_state whole;
    {name}_reset(&whole);
    for (int k = 0; k < STEPS; k++, {given} += FEATURES, {written} += {count})
        {name}_step(&whole, {given}, {written});"""


@dataclass(frozen=True)
class _Answer:
    """What a function returns, what it writes, and its last lines, once all rows are made."""

    remark: str
    kind: str
    written: str
    body: str

    def function(self, called: str, given: Sequence[str], work: str) -> str:
        parameters = [*given, *([f"float *{self.written}"] if self.written else [])]
        head = f"{self.kind} {called}({', '.join(parameters)})"
        return f"/* {self.remark} */\n{head}\n{{\n{work}\n{self.body}\n}}".replace("\n\n", "\n")


def tables_of_last(last: LastLayer) -> list[str]:
    """The constants that a layer that learns begins with."""
    made = [table("float", "last_weights", last.weights.ravel().astype(np.float32))]
    if last.bias is not None:
        made.append(table("float", "last_biases", last.bias.astype(np.float32)))
    return made


def _learning(
    answers: TrainedNet, last: LastLayer, name: str, activations: Sequence[Layer | None]
) -> str:
    """The last layer as one that learns."""
    answered = "last_sums[k]"
    if last.maker.activation is not None:
        answered = f"activated({activations.index(last.maker.activation)}, {answered})"
    if answers.spread != (1.0, 0.0):
        deviation, mean = map(spelt, map(float, answers.spread))
        answered = f"{deviation} * {answered} + {mean}"
    given, filling = _given(answers), answers.filling
    count = 0 if filling is None else len(filling)
    words = {
        "NAME": name,
        "ANSWERED": answered,
        "GIVEN": f"const {_sample(answers)} *{given}",
        "FILL": FILLED.format(count=count, given=given).rstrip(),
        "READY": "complete" if count else given,
    }
    wording, wanted = OpWords(SAYS, _expression, spelt), wanted_in_c(answers, "(float)({})")
    marks = {"filled": count > 0, "changed": answered != "last_sums[k]"}
    return learning_in_c(last, runtime("learning_floats"), wording, wanted, words, marks)


def _given(answers: TrainedNet) -> str:
    return "image" if answers.reads_bytes else "numbers"


def _ending(answers: TrainedNet, name: str, stream: Stream | None, learning: str = "") -> str:
    """What others call; missing numbers are put in before it works through the network. A last
    layer that learns says its outputs itself."""
    given = _given(answers)
    sample, filling = f"const {_sample(answers)} *{given}", answers.filling
    parts = []
    if filling is not None:
        parts.append(MISSING + table("float", "missing", filling.astype(np.float32)))
        parts += [TAKEN.format(name=name)] if stream else []
    parts += [learning] if learning else []
    fill = "" if filling is None else FILLED.format(count=len(filling), given=given)
    ready = given if filling is None else "complete"
    if stream:
        one = _answer(answers, given, several=False, learns=bool(learning))
        fill_step = "" if filling is None else FILLED_STEP.format(given=given)
        work = f"{fill_step}    take_step(state, {ready});\n    make_answers({ready});"
        state = f"struct {name}_state *state"
        one = replace(one, remark=f"Take one step more. {one.remark}")
        parts.append(one.function(f"{name}_step", [state, sample], work))
    whole = _answer(answers, given, several=True, learns=bool(learning))
    if stream and len(answers.output) > 1:
        told = {"name": name, "given": given, "written": whole.written, "count": answers.output[1]}
        parts.append(
            replace(whole, body=EACH_STEP.format(**told)).function(f"{name}_predict", [sample], "")
        )
    else:
        parts.append(whole.function(f"{name}_predict", [sample], f"{fill}    make_all({ready});"))
    return "\n\n".join(parts)


def _answer(answers: TrainedNet, given: str, several: bool, learns: bool) -> _Answer:
    """What is said at the end, by what the network's last layer is; of `several` steps, if it
    answers at each."""
    steps, classes = answers.output if len(answers.output) > 1 else (1, answers.net.outputs)
    steps = steps if several else 1
    if steps > 1 or len(answers.output) > 1:
        return _steps_answer(answers, given, steps, classes)
    if not answers.classes:
        return _numbers_answer(given, classes, learns)
    count = len(answers.classes)
    made = LEARNT if learns else MADE
    shares = {BothClasses: BOTH, Shares: SHARES}.get(type(answers.layers[-1].layer), SOFTMAX)
    surest = ALONE.format(half=spelt(HALF_SURE)) if shares is BOTH else SUREST.format(classes=count)
    body = CLASSES.format(made=made, shares=shares.format(classes=count), surest=surest)
    remark = f"How sure the network is of each of {count} classes; it returns the most likely one."
    return _Answer(remark, "int", "probabilities", body)


def _numbers_answer(given: str, count: int, learns: bool = False) -> _Answer:
    what, made = f"{'an' if given == 'image' else 'a row of'} {given}", LEARNT if learns else MADE
    if count == 1:
        return _Answer(
            f"The number that the network predicts for {what}.",
            "float",
            "",
            NUMBER.format(made=made),
        )
    remark = f"The {count} numbers that the network predicts for {what}."
    return _Answer(remark, "void", "outputs", NUMBERS.format(made=made, count=count))


def _steps_answer(answers: TrainedNet, given: str, steps: int, count: int) -> _Answer:
    at = f", at each of {steps} steps" if steps > 1 else ""
    if not answers.net.layers[-1].is_softmax:
        found = _numbers_answer(given, 2)
        return replace(
            found,
            remark=f"The {counted(count, 'number')} that the network predicts{at}.",
            body=NUMBERS.format(made=MADE, count=steps * count),
        )
    remark = f"How sure the network is of each of {count} classes{at}."
    shares = SOFTMAX.format(classes=count)
    body = CLASSES.format(made=MADE, shares=shares, surest="").rstrip()
    if steps > 1:
        body = STEPS.format(shares=indent(shares, "    "), steps=steps, classes=count)
    return _Answer(remark, "void", "probabilities", body)
