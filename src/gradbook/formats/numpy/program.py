"""The whole program: preparation of the input, the network as one function, and its helpers."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from math import prod
from textwrap import fill
from typing import Any

import numpy as np

from gradbook.formats.expressions import ATOM, Expression
from gradbook.formats.layer_ops import ops_of
from gradbook.formats.numpy.op_words import SAYS, NumpyOps
from gradbook.formats.torch.program import (
    checked,
    checked_range,
    constants,
    docstring,
    imports,
    predicts_rows,
    prepared_tokens,
    rows_source,
)
from gradbook.formats.torch.write import WIDEST, function_source, functions
from gradbook.net.trained import OneHot, TrainedNet, strip_idle, with_answers, with_tokens

WEIGHTS = "_weights.npz"  # appended to the file's stem
ROOM = "gradbook.formats.numpy"


def numpy_files(trained: TrainedNet, stem: str) -> dict[str, bytes | str]:
    """Return the program and its weights, by the ending to append to the file's stem."""
    finished = with_answers(strip_idle(with_tokens(trained)))
    archive = io.BytesIO()
    tensors: dict[str, Any] = {}
    for name, array in finished.tensors().items():
        narrow = array.astype(np.float32)
        tensors[name] = narrow if np.array_equal(narrow, array) else array  # if nothing is lost
    np.savez_compressed(archive, **tensors)
    return {".numpy.py": _source(finished, stem), WEIGHTS: archive.getvalue()}


def _source(trained: TrainedNet, stem: str) -> str:
    network = "\n".join(_network(trained)) + "\n"
    what = "images" if trained.reads_bytes else "rows"
    rows = [] if trained.reads_bytes else [rows_source(trained, "np.array")]
    read = "np.load" if trained.reads_bytes else "rows"
    wanted = "an .npy file with the bytes of images"
    if not trained.reads_bytes:
        wanted = "a table: a file with commas" + " and a line of headings" * bool(trained.columns)
    result = "The numbers that are predicted for each row."
    if trained.classes:
        result = f"How sure the network is of each class: ({what}, classes)."
    parts = [
        *_called(network),
        network,
        _prepared(trained),
        function_source("predict", ROOM, what=what, result=result),
        *rows,
        function_source("main", ROOM, wanted=wanted, read=read, classes=trained.classes),
    ]
    body = "\n\n".join(parts)
    named = constants(trained, stem + WEIGHTS)
    named += "W = dict(np.load(WEIGHTS))  # the tensors of each layer, by name\n"
    command = ("IMAGES.npy", "predict images, of which the file has the bytes")
    if not trained.reads_bytes:
        command = ("ROWS.csv", predicts_rows(trained))
    head = docstring(trained, "NumPy", f"{stem}.numpy", [command], "")
    return "\n".join([head, imports(named + body), named, "", body])


def _called(network: str) -> Iterator[str]:
    """Yield the functions that the text calls, and those that these call."""
    sources, waiting, chosen = functions(ROOM), network, dict[str, str]()
    while True:
        called = (name for name in sources if re.search(rf"(?<![\w.]){name}\(", waiting))
        fresh = {name: sources[name] for name in called if name not in chosen}
        if not fresh:
            break
        chosen |= fresh
        waiting = "".join(fresh.values())
    return (sources[name] for name in sources if name in chosen)


def _network(trained: TrainedNet) -> Iterator[str]:
    yield "def network(x):"
    yield '    """The outputs for prepared samples; the shapes are those of one sample."""'
    names = {0: "x"}
    for number, layer in enumerate(trained.layers, 1):
        names[number] = layer.name
        words = f"{layer.name}: {layer.layer.text}" if layer.layer.forms else layer.name
        yield f"    # {words} -> {'x'.join(map(str, layer.output))}"
        if isinstance(layer.layer, OneHot):
            yield f"    {layer.name} = np.eye({layer.layer.tokens})[x.astype(int)]"
            continue
        ops = ops_of(trained, layer, SAYS)
        written = {node: Expression(names[read]) for read, node in ops.inputs.items()}
        written |= {
            leaf: Expression(f'W["{layer.tensor_name(name)}"]')
            for leaf, name in ops.tensors.items()
        }
        lines = NumpyOps(ops, layer.name, written).write()
        yield from (_line(name, value) for name, value in lines)
        if not lines:  # it only passes a value on
            names[number] = written[ops.output].text
    yield f"    return {names[len(trained.layers)]}"


def _line(name: str, value: Expression) -> str:
    line = f"    {name} = {value.text}"
    if len(line) <= WIDEST:
        return line
    body = value.text if value.level == ATOM and value.text.endswith(")") else f"({value.text})"
    margin = " " * 8
    return fill(f"    {name} = {body}", WIDEST, subsequent_indent=margin, break_long_words=False)


def _prepared(trained: TrainedNet) -> str:
    shape = ", ".join(map(str, trained.input))
    if trained.tokens:
        return prepared_tokens(trained, "np.asarray(rows)")
    checks = checked(trained, "np")
    ranged = checked_range(trained)
    if trained.reads_bytes:
        return ranged + function_source("prepared images", ROOM, checked=checks, input=shape)
    count, scales = prod(trained.input), trained.scaling.mean.size
    return ranged + function_source(
        "prepared rows",
        ROOM,
        checked=checks,
        each=scales in (1, count),
        times=count // scales,
        filled=trained.filling is not None,
        input=shape,
    )
