"""BitNetMCU (https://github.com/cpldcpu/BitNetMCU): its weights, its layers, its demo's order.

What it reads are 16 × 16 numbers from -127 to 127, which somebody else makes of an image: by
Pillow here, as its own test does. On a board without a multiplier its dense layers add and shift.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from bench.peers.peer import Bytes, Peer

SIDE, MEAN, DEVIATION = 16, 0.1307, 0.3081
BEGIN, END = "#ifdef MODEL_CNNMNIST", "void TestSample"
AROUND = """
int net_predict(const uint8_t *image, int32_t *each);
int net_predict(const uint8_t *image, int32_t *each)
{
    int found = (int)BitMnistInference((const int8_t *)image);
    for (int k = 0; k < 10; k++)
        each[k] = k == found;
    return found;
}
"""
NO_MULTIPLIER = "#if defined(__riscv) && !defined(__riscv_mul)\n#define CH32V003\n#endif\n"
LETTERS = "letters"  # the model that reads other things than digits


def peers(folder: Path, images: Bytes) -> list[Peer]:
    """One for each of its headers with weights."""
    demo = (folder / "mcu" / "BitNetMCUdemo.c").read_text("utf-8")
    work = demo[demo.index(BEGIN) : demo.index(END)]
    layers = folder.resolve() / "BitNetMCU_inference.c"
    made = shrunk(images)
    found = []
    for model in sorted((folder / "mcu").glob("BitNetMCU_model_*.h")):
        name = model.stem.removeprefix("BitNetMCU_model_")
        if LETTERS in name:
            continue
        includes = f'#include "{model.resolve()}"\n#include "{layers}"\n'
        text = NO_MULTIPLIER + includes + work + AROUND
        found.append(Peer(f"BitNetMCU {name}", text, made))
    return found


def shrunk(images: Bytes) -> Bytes:
    """As its test makes them: smaller, centred and scaled, the largest of each image being 127."""
    size = (SIDE, SIDE)
    small = [Image.fromarray(image).resize(size, Image.Resampling.BILINEAR) for image in images]
    values = (np.stack([np.asarray(one) for one in small]) / 255 - MEAN) / DEVIATION
    rows = values.reshape(len(images), -1)
    scaled = np.rint(rows * 127 / abs(rows).max(axis=1, keepdims=True))
    return scaled.astype(np.int8).view(np.uint8)
