"""What a network is given, as lines: input, name, start values and samples, read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from gradbook.net.network import Net
from gradbook.net.task import Sample
from gradbook.net.text.draft import Draft
from gradbook.net.text.line import Line, digits
from gradbook.net.text.training import KINDS
from gradbook.net.wants import Role


def _input(draft: Draft, line: Line) -> None:
    draft.shape = line.sizes("the input", 3, "2 or 1x28x28")
    draft.set("input", draft.shape, line)


def _name(draft: Draft, line: Line) -> None:
    draft.set("name", _phrase(line, "which name? write 'name worked'"), line)


def _phrase(line: Line, question: str) -> str:
    if not line.next:
        line.fail(question)
    return line.rest()


def _start(role: Role) -> Callable[[Draft, Line], None]:
    def read(draft: Draft, line: Line) -> None:
        draft.start[role] = draft.start.get(role, ()) + line.values("a start value")
        draft.places[role] = line

    return read


def _sample(draft: Draft, line: Line) -> None:
    if "table" in draft.settings:
        line.fail("samples stand in a file already: take out this line or the 'data' line", at=0)
    inputs = line.values("an input", until="->")
    if not line.option("->"):
        line.fail("the targets are missing: write '->' and then them")
    draft.samples.append(Sample(inputs, line.values("a target")))
    draft.places[f"sample {len(draft.samples)}"] = line


def _data(draft: Draft, line: Line) -> None:
    if draft.samples:
        line.fail("samples are given already: take out the 'sample' lines or this one", at=0)
    draft.set("table", _phrase(line, "which file? write 'data samples.csv'"), line)
    draft.places["data"] = line


GIVEN: dict[str, Callable[[Draft, Line], None]] = {
    "input": _input,
    "name": _name,
    **{word: _start(role) for word, role in KINDS.items()},
    "sample": _sample,
    "data": _data,
}


# Writing.


def start_lines(net: Net) -> Iterator[str]:
    for word, role in KINDS.items():
        if role in net.start:
            yield f"{word} {_row(net.start[role])}"


def sample_lines(net: Net) -> Iterator[str]:
    if net.table:
        yield f"data {net.table}"
    else:
        yield from (f"sample {_row(one.inputs)} -> {_row(one.targets)}" for one in net.samples)


def _row(numbers: Iterable[float]) -> str:
    return " ".join(map(digits, numbers))
