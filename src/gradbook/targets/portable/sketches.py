"""Sketches for boards: they classify images from a serial line, or signals row by row.

A sketch for signals has a window every few rows, and smooths its answers. The header beside it
scales the values as in training. Only the reader knows the sensor: until its lines are added, rows
come over the serial line as text. With integers, the header reads the sensor's own numbers, and the
classes' probabilities and their moving mean are integers too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import prod

from gradbook.amounts import size
from gradbook.data.signals import Windows
from gradbook.errors import TargetError
from gradbook.net.trained import TrainedNet, with_answers
from gradbook.targets.portable.c_file import CFile, c_name
from gradbook.targets.portable.c_text import fill, piece
from gradbook.targets.portable.whole_makers import WholeNumbers

# Sketches for images, and the boards that are large enough for them.

CODE, LIBRARY = 7000, 400  # bytes of code without constants; of stack and serial memory


@dataclass(frozen=True)
class ArduinoBoard:
    """The name of a kind of board, and its sizes in bytes."""

    name: str
    flash: int
    memory: int


BOARDS = (  # from the smallest
    ArduinoBoard("an Uno or a Nano", 32_256, 2048),
    ArduinoBoard("a Leonardo", 28_672, 2560),
    ArduinoBoard("a Mega 2560", 253_952, 8192),
    ArduinoBoard("an Uno R4", 262_144, 32_768),
    ArduinoBoard("a Nano 33 BLE", 983_040, 262_144),
)


def sketch(trained: TrainedNet, stem: str, whole: bool) -> str:
    """Write a sketch that classifies each image from its serial line."""
    if not trained.reads_bytes or not trained.classes or len(trained.output) > 1:
        raise TargetError(
            "a sketch can be written only for networks that classify images or windows of signals: "
            "write .h instead"
        )
    words = {
        "STEM": stem,
        "NAME": c_name(stem),
        "PIXELS": prod(trained.input),
        "NUMBER": "int32_t" if whole else "float",
        "OUTPUTS": trained.net.outputs if whole else len(trained.classes),
    }
    return fill(piece("images.ino"), words) + "\n"


def boards_for(trained: TrainedNet, file: CFile) -> str:
    """Name the smallest board that is large enough for the sketch, and its sizes."""
    flash = file.constants + CODE
    memory = file.memory + file.input + 8 * len(trained.classes) + LIBRARY
    needs = f"it needs about {size(flash)} of flash and {size(memory)} of memory"
    able = [board for board in BOARDS if flash <= board.flash and memory <= board.memory]
    if not able:
        return (
            f"too large for every board that gradbook knows (the largest is {BOARDS[-1].name}): "
            f"{needs}"
        )
    return f"{able[0].name} is large enough for the sketch: {needs}"


# Sketches for signals.

SMOOTHING = 0.5  # weight of the latest window in the moving mean
SURE = 0.6  # the mean probability that a class must reach to be printed
MICROSECONDS = 1e6
SMOOTHING_UNIT = 256
WHOLE_SHARE = 1 << 15
SIZES = "enum {{ ROWS = {length}, CHANNELS = {many}, STEP = {step}, CLASSES = {count} }};\n"
FLOAT_SETTINGS = f"""\
static const float SMOOTHING = {SMOOTHING}f; /* of the latest window; 1 smooths nothing */
static const float SURE = {SURE}f; /* how likely a class has to be to be said */"""
WHOLE_SETTINGS = f"""\
static const int SMOOTHING = {round(SMOOTHING * SMOOTHING_UNIT)}; \
/* {SMOOTHING_UNIT}ths of the latest window; {SMOOTHING_UNIT} smooths nothing */
static const uint16_t SURE = {round(SURE * WHOLE_SHARE)}; \
/* {WHOLE_SHARE}ths: how likely a class has to be to be said */"""


def signal_sketch(
    trained: TrainedNet,
    windows: Windows,
    stem: str,
    name: str,
    whole: WholeNumbers | None = None,
    library: str = "",
) -> str:
    """Write the sketch with a header called `stem`, whose functions begin with `name`. With a
    `library`, C's type of a sample, the functions are the library's."""
    names = ", ".join(json.dumps(label, ensure_ascii=True) for label in trained.classes)
    rate, many = windows.rate, len(windows.channels)
    channels = _remark(", ".join(windows.channels))
    words: dict[str, object] = {
        "CLASSES_TOLD": _remark(", ".join(trained.classes)),
        "LENGTH": windows.length,
        "CHANNELS_TOLDEVERY": channels + (f", {rate:g} a second" if rate else ""),
        "CHANNELS_TOLD": channels,
        "STEP_ROWS": windows.step,
        "STEM": stem,
        "SETTINGS": settings(windows, len(trained.classes), whole),
        "NAMES": names,
        "MANY": many,
        "COUNT": len(trained.classes),
        "SAMPLE": library,
        "MICROSECONDS": round(MICROSECONDS / rate) if rate else 0,
        "EXAMPLE": " ".join(["0.12"] * many),
        "HEAR": f"{name}_hear" if library else "hear",
        "LABELS": f"{name}_classes" if library else "names",
    }
    sensor = whole.sensor if whole else None
    if sensor:
        times = (f"{by:g}f" if "." in f"{by:g}" else f"{by:.0f}" for by in sensor.times)
        words |= {"NUMBERS_TOLD": _remark(sensor.describe(windows.channels))}
        words |= {"TIMES_EACH": ", ".join(times), "MOST": sensor.most}
    if not library:
        words["HEARING"] = _narrow(hearing(trained, name, "static int hear", whole))
    marks = {"library": bool(library), "rate": bool(rate)}
    return fill(piece("signals.ino"), words, whole=sensor is not None, **marks) + "\n"


def settings(windows: Windows, classes: int, whole: WholeNumbers | None) -> str:
    """Write the sizes of windows and the settings of smoothing."""
    many = len(windows.channels)
    sizes = SIZES.format(length=windows.length, many=many, step=windows.step, count=classes)
    return sizes + (WHOLE_SETTINGS if whole else FLOAT_SETTINGS)


def hearing(trained: TrainedNet, name: str, head: str, whole: WholeNumbers | None) -> str:
    """Write a function with this head that takes one more row and returns the class."""
    if not trained.classes or len(trained.output) > 1:
        raise TargetError(
            "a sketch can be written only for networks that say one class of each window: write "
            ".h instead"
        )
    words = {"HEAR": head, "NAME": name}
    if whole:
        if trained.net.outputs == 1:
            is_share = whole.threshold == 0  # as after a sigmoid
        else:
            is_share = with_answers(trained).layers[-1].layer.is_softmax
        if not is_share:  # other scores aren't probabilities
            raise TargetError(
                "a sketch with --int8 needs a network that ends in a softmax, or in one sigmoid: "
                "leave --int8 out, or write .h"
            )
        numbers = {"LOG2_E": LOG2_E, "STRAIGHT": STRAIGHT, "SQUARE": SQUARE, "CUBE": CUBE}
        shares = piece("shares").replace("LOG2_E", str(LOG2_E))
        words |= {"SHARES": fill(shares, {**numbers, "BITS": whole.score_bits})}
        words |= {"SCORES": "each + 1" if trained.net.outputs == 1 else "each"}
    return fill(piece("hear_whole" if whole else "hear_floats"), words)


def _narrow(text: str) -> str:
    """Indent by two, as sketches do."""
    return re.sub(r"^(?:    )+", lambda wide: wide[0][::2], text, flags=re.MULTILINE)


def _remark(text: str) -> str:
    """Make text safe in a comment: it must neither end it nor continue on the next line."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.replace("*/", "* /").replace("\\", "/")


# Classes' shares in integers.

LOG2_E = 47_274  # log2 e in units of 2^-15
# 2^-t between 1 and 1/2 is 1 - t (a - t (b - t c)), with an error of at most 4 in 32768
STRAIGHT, SQUARE, CUBE = 22_662, 7_566, 1_288
