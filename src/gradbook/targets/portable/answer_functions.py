"""The public functions of a C file, which compute a network's answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradbook.amounts import counted
from gradbook.errors import TargetError
from gradbook.graph.node import Array
from gradbook.layers.card import AnswerKind
from gradbook.layers.losses import HALF_SURE
from gradbook.net.trained import BothClasses, Shares, TrainedNet
from gradbook.targets.portable.c_text import ConstantArray, fill, sections, smallest, spelt
from gradbook.targets.portable.schedule import Stream

MISSING = "/* The value that replaces a missing number, NaN, in each column. */\n"
NO_LOGARITHMS = (
    "a network that predicts logarithms can't be written in C: end it in 'softmax', or name the "
    "classes that it tells apart"
)
Words = dict[str, object]


@dataclass(frozen=True)
class Interface:
    """The input and output of a network's functions, and the replacements of missing numbers."""

    name: str
    sample: str
    argument: str
    result: str  # C's type of the results
    filling: Array | None = None

    def function(self, called: str, words: Words, **marks: bool) -> str:
        """Write a function of that name: its REMARK, its return KIND, the array WRITTEN, if any,
        and its last lines, BODY; `marks` choose how these are reached."""
        marks = {"step": False, "steps": False, "scores": False} | marks
        fills = self.filling is not None and not marks["steps"]
        parameters = [f"struct {self.name}_state *state"] if marks["step"] else []
        parameters.append(f"const {self.sample} *{self.argument}")
        parameters += [f"{self.result} *{words['WRITTEN']}"] if words["WRITTEN"] else []
        words = {
            "CALLED": f"{self.name}_{called}",
            "GIVEN": ", ".join(parameters),
            "NUMBERS": self.argument,
            "READY": self.argument if self.filling is None else "complete",
            "COUNT": 0 if self.filling is None else self.filling.size,
            **words,
        }
        text = fill(sections("answers")["function"], words, filled=fills, **marks)
        return text.replace("\n\n", "\n")


# In floats ------------------------------------------------------------------------


def argument_name(trained: TrainedNet) -> str:
    """The name of what the functions take."""
    return "image" if trained.reads_bytes else "tokens" if trained.token_count else "numbers"


def argument_type(trained: TrainedNet) -> str:
    """C's type of each of them."""
    if tokens := trained.token_count:
        return smallest(tokens - 1)
    return "uint8_t" if trained.reads_bytes else "float"


def float_ending(answers: TrainedNet, name: str, sample: str, stream: Stream | None) -> str:
    """Write the public functions; missing numbers are replaced first."""
    argument = argument_name(answers)
    interface = Interface(name, sample, argument, "float", answers.filling)
    parts = []
    if answers.filling is not None:
        missing = ConstantArray("float", "missing", answers.filling.astype(np.float32))
        parts.append(f"{MISSING}{missing}")
        parts += [fill(sections("answers")["missing"], stream=True)] if stream else []
    by_steps = stream is not None and len(answers.output) > 1
    if stream:
        words = float_answer(answers, argument, several=False)
        words["REMARK"] = f"Take one step more. {words['REMARK']}"
        parts.append(interface.function("step", words, step=True))
    words = float_answer(answers, argument, several=True)
    words |= {"WIDTH": answers.output[-1]} | ({"BODY": ""} if by_steps else {})
    parts.append(interface.function("predict", words, steps=by_steps))
    return "\n\n".join(parts)


def float_answer(answers: TrainedNet, argument: str, several: bool) -> Words:
    """Describe the result, depending on the last layer; for `several` steps, if the network has an
    output for each."""
    at_steps, last = len(answers.output) > 1, answers.layers[-1].layer
    steps = answers.output[0] if at_steps and several else 1
    count = answers.output[1] if at_steps else answers.net.outputs
    at = f", at each of {steps} steps" if steps > 1 else ""
    kind = "void"
    if at_steps:
        softmax = answers.net.layers[-1].is_softmax
        remark = f"The {counted(count, 'number')} that the network predicts{at}."
        if softmax:
            remark = f"How sure the network is of each of {count} classes{at}."
        written = "probabilities" if softmax else "outputs"
    elif answers.classes:
        softmax = not isinstance(last, BothClasses | Shares)
        count, kind, written = len(answers.classes), "int", "probabilities"
        remark = (
            f"How sure the network is of each of {count} classes; it returns the most likely one."
        )
    else:
        softmax, what = last.is_softmax, f"{'an' if argument == 'image' else 'a row of'} {argument}"
        if last.answer_kind is AnswerKind.LOGARITHMS:
            raise TargetError(NO_LOGARITHMS)
        remark = f"The {count} numbers that the network predicts for {what}."
        written = "outputs"
        if count == 1 and not softmax:
            remark, kind = f"The number that the network predicts for {what}.", "float"
            written = ""
    is_both, is_shares = isinstance(last, BothClasses), isinstance(last, Shares)
    of_one = kind == "int"
    body = fill(
        sections("answers")["floats"],
        {
            "MADE": "arena + ANSWER",
            "SAID": steps * count,
            "STEPS_SAID": steps,
            "CLASSES": count,
            "WRITTEN": written,
            "HALF": spelt(HALF_SURE),
        },
        number=kind == "float",
        numbers=kind != "float" and not (of_one and (is_both or is_shares)),
        softmax=softmax,
        several=steps > 1,
        shares=of_one and is_shares,
        both=of_one and is_both,
        surest=of_one and not is_both,
    )
    return {"REMARK": remark, "KIND": kind, "WRITTEN": written, "BODY": body}
