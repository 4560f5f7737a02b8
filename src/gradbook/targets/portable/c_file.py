"""The complete C file: its head, its memory, and optionally a program that reads pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from gradbook.amounts import counted, size
from gradbook.data.formats.cells import SINCE
from gradbook.errors import TargetError, one_line
from gradbook.net.trained import TrainedNet
from gradbook.targets.portable.answer_functions import argument_type
from gradbook.targets.portable.c_text import BYTES, comment, piece
from gradbook.targets.portable.file_parts import BoardProgram
from gradbook.targets.portable.floats import float_program
from gradbook.targets.portable.sensor_numbers import SensorNumbers
from gradbook.targets.portable.whole_makers import WholeNumbers
from gradbook.targets.portable.whole_numbers import whole_program

# The file and its head ------------------------------------------------------------


@dataclass(frozen=True)
class CFile:
    """The text of the file, and its sizes in bytes: constants, variables, and input."""

    text: str
    constants: int
    memory: int
    input: int


def c_file(
    trained: TrainedNet,
    stem: str,
    whole: WholeNumbers | None,
    main: bool = False,
    channels: Sequence[str] = (),
    small: bool = False,
) -> CFile:
    """Write the file in floats, or in these whole numbers; with `main`, a program around it.

    `channels` are the names of a signal's channels. Integers may use the `small`est code instead of
    the fastest.
    """
    name = c_name(stem)
    if whole:
        program = whole_program(trained, whole, name, small)
        input_text = _sensor_text(trained, whole.sensor, channels)
        sample = whole.sensor.size if whole.sensor else 1
    else:
        program = float_program(trained, name)
        input_text, sample = _input_text(trained), BYTES[argument_type(trained)]
    remark = _remark(trained, whole is not None, program, input_text)
    text = f"{comment(remark)}\n\n{program.text}\n"
    if main:
        text = f"#include <stdio.h>\n\n{text}\n{_main(trained, name, whole is not None)}"
    return CFile(text, program.constants, program.memory, trained.number_count * sample)


def c_name(stem: str) -> str:
    """Turn a file's name into a C name."""
    name = re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_") or "net"
    return f"net_{name}" if name[0].isdigit() else name


def _remark(trained: TrainedNet, whole: bool, program: BoardProgram, input_text: str) -> str:
    from gradbook import __version__

    classes = ", ".join(f"{k} {name}" for k, name in enumerate(trained.classes))
    kind = "whole numbers of 8 bits" if whole else "floats"
    what = "image" if trained.reads_bytes else "row"
    constants, memory = size(program.constants), size(program.memory)
    lines = [
        f"{trained.net.name or 'A network'} of {counted(trained.net.count(), 'parameter')} in "
        f"{kind}, made by gradbook {__version__}. C99.",
        f"Constants: {constants}. Memory: {memory}, static: one {what} at a time.",
        input_text,
        f"Classes: {classes}." if classes else _predicted(trained),
        "",
        str(trained.net).rstrip(),
    ]
    return "\n".join(line for number, line in enumerate(lines) if line or number == 4)


def _predicted(trained: TrainedNet) -> str:
    if len(trained.output) > 1:
        steps, outputs = trained.output
        return f"Output: at each of {steps} steps, {counted(outputs, 'number')}."
    if trained.labels:
        return f"It says how sure it is of each of {', '.join(trained.targets)}: several may hold."
    return f"It predicts {', '.join(trained.targets)}."


def _input_text(trained: TrainedNet) -> str:
    if tokens := trained.token_count:
        return f"Input: a row of {trained.number_count} tokens, from 0 to {tokens - 1}."
    if not trained.reads_bytes:
        words = f"Input: a row of {prod(trained.input)} floats, as they are in the table"
        words += ", step by step" * trained.net.laid_out
        words += f", dates as {SINCE}" if any(SINCE in name for name in trained.columns) else ""
        return f"{words}{'; a missing one is NaN' * (trained.filling is not None)}."
    if trained.picture is None:
        return f"Input: {prod(trained.input)} bytes."
    channels, rows, columns = trained.picture
    order = ", channel by channel" if channels > 1 else ""
    return f"Input: an image of {rows} by {columns} bytes{order}, row by row."


def _sensor_text(trained: TrainedNet, sensor: SensorNumbers | None, channels: Sequence[str]) -> str:
    if sensor is None:
        return _input_text(trained)
    names = list(channels) or [f"channel {k}" for k in range(1, len(sensor.times) + 1)]
    count = prod(trained.input)
    is_window = len(sensor.times) < count
    return (
        f"Input: a {'window' if is_window else 'row'} of {count} whole numbers ({sensor.kind})"
        f"{', step by step' * is_window}: {one_line(sensor.describe(names))}."
    )


def _main(trained: TrainedNet, name: str, whole: bool) -> str:
    if trained.picture is None or trained.picture[0] not in (1, 3) or len(trained.output) > 1:
        raise TargetError(
            "--main reads grey or colour pictures, but this network's input isn't one: leave it out"
        )
    planes, rows, columns = trained.picture
    labels = trained.classes or trained.targets
    outputs = trained.net.outputs if whole else len(labels)
    label = '(OUTPUTS == 1 ? "" : names[k])' if trained.classes else "names[k]"
    asks = "predict(image, each)"
    if trained.classes:
        asks = f'printf("%s\\n", names[{asks}])'
    elif outputs == 1:
        asks = "each[0] = predict(image)"
    head = (
        f"enum {{ PLANES = {planes}, ROWS = {rows}, COLUMNS = {columns}, OUTPUTS = {outputs} }};",
        f"typedef {'int32_t' if whole else 'float'} answer;",
        f"static const char *const names[] = {{{', '.join(map(json.dumps, labels))}}};",
        f"typedef {'long' if whole else 'double'} shown;",
        f'#define SHOWN "{"%ld" if whole else "%.6f"}"',
        f"#define predict {name}_predict",
        f"#define SAY(image, each) {asks}",
        f"#define NAME(k) {label}",
    )
    return "\n".join(head) + "\n\n" + piece("main")
