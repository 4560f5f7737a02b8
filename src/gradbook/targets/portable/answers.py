"""What others call in a C file: functions that say what a network answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from gradbook.amounts import counted
from gradbook.graph.node import Array
from gradbook.layers.losses import HALF_SURE
from gradbook.net.trained import BothClasses, Shares, TrainedNet
from gradbook.targets.portable.c_text import ConstantArray, fill, sections, spelt
from gradbook.targets.portable.schedule import Stream

MISSING = "/* The value that replaces a missing number, NaN, in each column. */\n"


@dataclass(frozen=True)
class SpokenAnswer:
    """What a function returns, what it writes, and its last lines, once all rows are made."""

    remark: str
    kind: str
    written: str  # '' where nothing is
    body: str


@dataclass(frozen=True)
class Asked:
    """What the functions of a network are given, and what stands in place of missing numbers."""

    name: str
    sample: str
    given: str
    result: str  # C's type of what they write
    filling: Array | None = None

    @property
    def fills(self) -> bool:
        return self.filling is not None

    @property
    def words(self) -> dict[str, object]:
        """Those of a function that fills in what is missing."""
        count = 0 if self.filling is None else self.filling.size
        ready = "complete" if self.fills else self.given
        return {"NUMBERS": self.given, "READY": ready, "COUNT": count}

    def function(
        self,
        called: str,
        answer: SpokenAnswer,
        words: Mapping[str, object] | None = None,
        **marks: bool,
    ) -> str:
        """A function of that name; `marks` say which way it comes to its answer."""
        is_step = marks.get("step", False)
        given = [f"struct {self.name}_state *state"] if is_step else []
        given.append(f"const {self.sample} *{self.given}")
        given += [f"{self.result} *{answer.written}"] if answer.written else []
        told: dict[str, object] = {
            "REMARK": answer.remark,
            "KIND": answer.kind,
            "CALLED": f"{self.name}_{called}",
            "GIVEN": ", ".join(given),
            "WRITTEN": answer.written,
            "BODY": answer.body,
            **self.words,
            **(words or {}),
        }
        every = {"step": False, "steps": False, "scores": False, "weighs": False} | marks
        fills = self.fills and not every["steps"]
        return fill(sections("answers")["function"], told, filled=fills, **every).replace(
            "\n\n", "\n"
        )


# In floats ------------------------------------------------------------------------


def float_ending(
    answers: TrainedNet, name: str, sample: str, stream: Stream | None, learning: str
) -> str:
    """What others call; missing numbers are put in before it works through the network. A last
    layer that is `learning` says its outputs itself."""
    given = "image" if answers.reads_bytes else "numbers"
    asked = Asked(name, sample, given, "float", answers.filling)
    parts = []
    if answers.filling is not None:
        missing = ConstantArray("float", "missing", answers.filling.astype(np.float32))
        parts.append(f"{MISSING}{missing}")
        parts += [fill(sections("answers")["missing"], stream=True)] if stream else []
    parts += [learning] if learning else []
    whole = float_answer(answers, given, several=True, learns=bool(learning))
    goes_by_steps = stream is not None and len(answers.output) > 1
    if stream:
        one = float_answer(answers, given, several=False, learns=bool(learning))
        one = replace(one, remark=f"Take one step more. {one.remark}")
        parts.append(asked.function("step", one, step=True))
    if goes_by_steps:
        whole = replace(whole, body="")
    width = {"WIDTH": answers.output[-1]}
    parts.append(asked.function("predict", whole, width, steps=goes_by_steps))
    return "\n\n".join(parts)


def float_answer(answers: TrainedNet, given: str, several: bool, learns: bool) -> SpokenAnswer:
    """What is said at the end, by what the network's last layer is; of `several` steps, if it
    answers at each."""
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
        softmax, what = False, f"{'an' if given == 'image' else 'a row of'} {given}"
        remark = f"The {count} numbers that the network predicts for {what}."
        written = "outputs"
        if count == 1:
            remark, kind = f"The number that the network predicts for {what}.", "float"
            written = ""
    is_both, is_shares = isinstance(last, BothClasses), isinstance(last, Shares)
    of_one = kind == "int"
    body = fill(
        sections("answers")["floats"],
        {
            "MADE": "outputs_of_last()" if learns else "arena + ANSWER",
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
    return SpokenAnswer(remark, kind, written, body)
