"""The C file as people get it: its head, a program that reads pictures, a sketch for Arduino."""

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
from gradbook.targets.portable.in_floats import float_program, float_rules
from gradbook.targets.portable.in_whole_numbers import (
    scales_kept,
    ways_of,
    whole_program,
    whole_rules,
)
from gradbook.targets.portable.learning import (
    RATE,
    WHOLE_RATE,
    LastLayer,
    constants_of,
    memory_of,
    told_of,
)
from gradbook.targets.portable.makers import RowMaker, Work, row_makers
from gradbook.targets.portable.packing import are_packed, most_unpacked, stored_bytes
from gradbook.targets.portable.program import groups_measured, row_order, runtime, widest
from gradbook.targets.portable.sensor_numbers import SensorNumbers
from gradbook.targets.portable.whole_learning import whole_last
from gradbook.targets.portable.whole_makers import WholeNumbers

# The file and its head ------------------------------------------------------------


@dataclass(frozen=True)
class CFile:
    """The text of the file, and bytes that it takes: constants, memory that changes, and what it is
    given."""

    text: str
    constants: int
    memory: int
    given: int


def c_file(
    trained: TrainedNet,
    stem: str,
    whole: WholeNumbers | None,
    main: bool = False,
    last: LastLayer | None = None,
    channels: Sequence[str] = (),
    small: bool = False,
) -> CFile:
    """Write the file in floats, or in these whole numbers; with `main`, a program around it.

    The `last` layer may be one that learns; `channels` are those of a signal. Whole numbers may
    take the `small`est code instead of the fastest.
    """
    name = c_name(stem)
    makers = [own.maker for own in whole.makers] if whole else row_makers(trained, by_tables=True)
    makers = makers[:-1] if last else makers
    wide = 1 if whole else 4
    learner = whole_last(last, whole) if last and whole else None
    rules = whole_rules(whole.makers) if whole else float_rules(makers)
    is_packed = whole is not None and are_packed(makers, ways_of(whole.makers[: len(makers)]))
    scratch = max((rule.scratch for rule in rules.values()), default=0)
    memory = _memory(makers, wide, scratch, is_packed, small)
    scaled = _scaled(whole, len(makers), small) if whole else [m.scaled for m in makers]
    constants = _constants(makers, wide, is_packed, sum(scaled)) + (whole.tables if whole else 0)
    if last:
        memory += memory_of(last, wide == 1)
        constants += constants_of(last, wide == 1) + (learner.tables if learner else 0)
    memory += makers[0].hearing.memory if makers[0].hearing else 0
    given = (
        _whole_given(trained, whole.sensor, channels) if whole and whole.sensor else _given(trained)
    )
    remark = _remark(trained, whole is not None, constants, memory, given)
    remark += f"\n{told_of(name)}." if last else ""
    if whole:
        text = whole_program(trained, whole, name, remark, learner, small)
    else:
        text = float_program(trained, name, remark, last)
    if main:
        text = f"#include <stdio.h>\n\n{text}\n{_main(trained, name, whole is not None)}"
    sample = whole.sensor.size if whole and whole.sensor else 1 if trained.reads_bytes else 4
    return CFile(text, constants, memory, prod(trained.input) * sample)


def c_name(stem: str) -> str:
    """The name in C that is made of a file's name."""
    name = re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_") or "net"
    return f"net_{name}" if name[0].isdigit() else name


def _scaled(whole: WholeNumbers, count: int, small: bool) -> list[int]:
    """For how many channels of each of the first makers it is kept what scales them."""
    makers = whole.makers[:count]
    return scales_kept(makers, ways_of(makers, whole.sensor is None, small))


def _constants(makers: list[RowMaker], wide: int, is_packed: bool, channels: int) -> int:
    """The bytes of weights, each once, and of what scales sums; the table of makers is small."""
    weights = stored_bytes(makers, is_packed)
    return weights * wide + channels * (4 if wide == 1 else 8)


def _memory(makers: list[RowMaker], wide: int, scratch: int, is_packed: bool, small: bool) -> int:
    order = row_order(makers)
    unpacked = 2 * most_unpacked(makers) if is_packed and not small else 0
    alone = any(maker.work is Work.ALONE for maker in makers)
    rows = order.arena + order.longest_edge
    at_once = (widest(makers) > 1 or is_packed) and not small  # sums of a row
    sums = 2 * (widest(makers) + (2 if wide == 1 else 0)) if at_once else 0
    groups = groups_measured(makers) + alone
    if wide == 1:
        return rows + 4 * (sums + scratch) + 2 * len(makers) + 9 * groups + unpacked
    return wide * (rows + sums + scratch) + 2 * len(makers) + 8 * groups


def _remark(trained: TrainedNet, whole: bool, constants: int, memory: int, given: str) -> str:
    from gradbook import __version__

    classes = ", ".join(f"{k} {name}" for k, name in enumerate(trained.classes))
    kind = "whole numbers of 8 bits" if whole else "floats"
    what = "image" if trained.reads_bytes else "row"
    lines = [
        f"{trained.net.name or 'A network'} of {counted(trained.net.count(), 'parameter')} in "
        f"{kind}, made by gradbook {__version__}. C99.",
        f"Constants: {size(constants)}. Memory: {size(memory)}, static: one {what} at a time.",
        given,
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


def _given(trained: TrainedNet) -> str:
    if not trained.reads_bytes:
        said = f"Input: a row of {prod(trained.input)} floats, as they are in the table"
        said += ", step by step" * trained.net.laid_out
        said += f", dates as {SINCE}" if any(SINCE in name for name in trained.columns) else ""
        return f"{said}{'; a missing one is NaN' * (trained.filling is not None)}."
    if trained.picture is None:
        return f"Input: {prod(trained.input)} bytes."
    channels, rows, columns = trained.picture
    order = ", channel by channel" if channels > 1 else ""
    return f"Input: an image of {rows} by {columns} bytes{order}, row by row."


def _whole_given(trained: TrainedNet, sensor: SensorNumbers, channels: Sequence[str]) -> str:
    names = list(channels) or [f"channel {k}" for k in range(1, len(sensor.times) + 1)]
    return (
        f"Input: a window of {prod(trained.input)} whole numbers ({sensor.kind}), step by step: "
        f"{one_line(sensor.said(names))}."
    )


def _main(trained: TrainedNet, name: str, whole: bool) -> str:
    if trained.picture is None or trained.picture[0] not in (1, 3) or len(trained.output) > 1:
        raise TargetError(
            "--main reads grey or colour pictures, but this network's input isn't one: leave it out"
        )
    planes, rows, columns = trained.picture
    outputs = trained.net.outputs if whole else len(trained.classes or trained.targets)
    labels = trained.classes or trained.targets
    names = ", ".join(json.dumps(label, ensure_ascii=True) for label in labels)
    shown = '(OUTPUTS == 1 ? "" : names[k])' if trained.classes else "names[k]"
    head = (
        f"enum {{ PLANES = {planes}, ROWS = {rows}, COLUMNS = {columns}, OUTPUTS = {outputs} }};",
        f"typedef {'int32_t' if whole else 'float'} answer;",
        f"static const char *const names[] = {{{names}}};",
        f"typedef {'long' if whole else 'double'} shown;",
        f'#define SHOWN "{"%ld" if whole else "%.6f"}"',
        f"#define predict {name}_predict",
        f"#define SAY(image, each) {_said(trained, outputs)}",
        f"#define NAME(k) {shown}",
    )
    return "\n".join(head) + "\n\n" + runtime("main")


def _said(trained: TrainedNet, outputs: int) -> str:
    """How the program around it asks the network, and what it says first."""
    if trained.classes:
        return 'printf("%s\\n", names[predict(image, each)])'
    return "each[0] = predict(image)" if outputs == 1 else "predict(image, each)"


# A sketch, and which boards are large enough for it -------------------------------

CODE, LIBRARY = 7000, 400  # bytes of code beside the constants; of memory for stack and serial line


@dataclass(frozen=True)
class ArduinoBoard:
    """What boards of a kind are called, and the bytes that they have."""

    name: str
    flash: int
    memory: int


BOARDS = (  # from the smallest on
    ArduinoBoard("an Uno or a Nano", 32_256, 2048),
    ArduinoBoard("a Leonardo", 28_672, 2560),
    ArduinoBoard("a Mega 2560", 253_952, 8192),
    ArduinoBoard("an Uno R4", 262_144, 32_768),
    ArduinoBoard("a Nano 33 BLE", 983_040, 262_144),
)


ANSWERING = "\n    Serial.println({name}_predict(image, each));"
LEARNING = """ {{
    Serial.println({name}_predict(image, each));
    {name}_learn(image, image[{pixels}], {rate}); /* a class that there isn't teaches nothing */
  }}"""
TOLD = ", and\n   one byte more: the class that it is, from which it learns, or 255"


def sketch(trained: TrainedNet, stem: str, whole: bool, learns: bool = False) -> str:
    """A sketch that waits for images on its serial line and answers each; one that `learns` is told
    after that what it was."""
    if not trained.reads_bytes or not trained.classes or len(trained.output) > 1:
        raise TargetError(
            "a sketch can be written only for networks that classify images or windows of signals: "
            "write .h instead"
        )
    name, pixels = c_name(stem), prod(trained.input)
    outputs = trained.net.outputs if whole else len(trained.classes)
    kind = "int32_t" if whole else "float"
    rate = round(RATE * WHOLE_RATE) if whole else f"{RATE}f"
    work = (LEARNING if learns else ANSWERING).format(name=name, pixels=pixels, rate=rate)
    return f"""\
/* {pixels} bytes of an image come over the serial line, row by row{TOLD * learns}; the
   answer is its class. */
#include "{stem}.h"

static uint8_t image[{pixels + learns}];
static {kind} each[{outputs}];

void setup() {{
  Serial.begin(115200);
  Serial.setTimeout(10000);
}}

void loop() {{
  if (Serial.readBytes((char *)image, sizeof image) == sizeof image){work}
}}
"""


def boards_for(trained: TrainedNet, made: CFile) -> str:
    """The smallest board that takes the sketch, and why smaller ones don't."""
    flash = made.constants + CODE
    memory = made.memory + made.given + 8 * len(trained.classes) + LIBRARY
    needs = f"it needs about {size(flash)} of flash and {size(memory)} of memory"
    able = [board for board in BOARDS if flash <= board.flash and memory <= board.memory]
    if not able:
        return (
            f"too large for every board that gradbook knows (the largest is {BOARDS[-1].name}): "
            f"{needs}"
        )
    return f"{able[0].name} is large enough for the sketch: {needs}"
