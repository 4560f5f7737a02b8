"""A sketch for Arduino around the C file, and which boards it is small enough for."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from gradbook.amounts import size
from gradbook.errors import TargetError
from gradbook.net.trained import TrainedNet
from gradbook.targets.portable.c_file import CFile, c_name

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


def sketch(trained: TrainedNet, stem: str, whole: bool) -> str:
    """A sketch that waits for images on its serial line and answers each."""
    if not trained.reads_bytes or not trained.classes:
        raise TargetError("a sketch is written for networks that tell images apart: take .h")
    name, pixels = c_name(stem), prod(trained.input)
    outputs = trained.net.outputs if whole else len(trained.classes)
    kind = "int32_t" if whole else "float"
    return f"""\
/* {pixels} bytes of an image on the serial line, row by row, are answered with its class. */
#include "{stem}.h"

static uint8_t image[{pixels}];
static {kind} each[{outputs}];

void setup() {{
  Serial.begin(115200);
  Serial.setTimeout(10000);
}}

void loop() {{
  if (Serial.readBytes((char *)image, sizeof image) == sizeof image)
    Serial.println({name}_predict(image, each));
}}
"""


def boards_for(trained: TrainedNet, made: CFile) -> str:
    """The smallest board that takes the sketch, and why smaller ones don't."""
    flash = made.constants + CODE
    memory = made.memory + prod(trained.input) + 4 * len(trained.classes) + LIBRARY
    needs = f"it takes about {size(flash)} of flash and {size(memory)} of memory"
    able = [board for board in BOARDS if flash <= board.flash and memory <= board.memory]
    if not able:
        return f"too large for the boards known ({BOARDS[-1].name} at the most): {needs}"
    return f"{able[0].name} is large enough for the sketch: {needs}"
