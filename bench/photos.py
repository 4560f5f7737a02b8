"""How well photos of digits are read, beside the bare images from which they are made.

    python bench/photos.py [MODEL] [--images N] [--png FILE]

Test digits become photos with random paper and pen, light and noise, shadow and table
(`tests/data/photos.py`), are written as JPEG, PNG, WEBP, BMP and GIF, and are read as by
`gradbook predict`. Without a MODEL the recipe `quick` is trained first.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

import gradbook as gb
from gradbook.data.dataset import Images
from gradbook.data.sources import load
from gradbook.lab.models.model import Model
from gradbook.lab.models.predict import Reading, readings
from tests.data.photos import ALL, PLAIN, Kinds, photo, save

KINDS = {
    "drawn, nothing else": PLAIN,
    "uneven light": Kinds(True, False, False, False, False),
    "noise, blur": Kinds(False, True, False, False, False),
    "other pens": Kinds(False, False, True, False, False),
    "table or box around": Kinds(False, False, False, True, False),
    "ruled paper": Kinds(False, False, False, False, True),
    "all of it": ALL,
}
SIDE, ACROSS = 150, 8  # pixels of a photo on the sheet, photos in a row


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--images", type=int, default=100, help="images of each kind")
    parser.add_argument("--kind", choices=KINDS, help="only one kind")
    parser.add_argument("--png", help="a picture of photos and the network's inputs")
    options = parser.parse_args()
    model = gb.load(options.model) if options.model else gb.train("quick", seed=0).model
    test = load("digits").test_for_reporting[: options.images]
    bare = int((model.classify(test.pixels) == test.labels).sum())
    print(f"{len(test):,} test images, {bare / len(test):.2%} read right as they are\n")
    print(f"{'photos':<22}{'right':>9}{'points':>9}{'unread':>8}{'ms each':>9}")
    for name in [options.kind] if options.kind else KINDS:
        found, seconds = read_photos(model, test, KINDS[name])
        right = sum(
            not one.problem and one.ranking[0] == label
            for one, label in zip(found, test.labels, strict=True)
        )
        unread = Counter(one.problem for one in found if one.problem)
        points = 100 * (right - bare) / len(test)
        print(
            f"{name:<22}{right / len(test):>9.2%}{points:>+9.2f}{unread.total():>8}"
            f"{1000 * seconds / len(test):>9.0f}",
            flush=True,
        )
        for problem, count in unread.items():
            print(f"{'':<22}  {count} {problem}")
    if options.png:
        sheet(model, test).save(options.png)


def read_photos(model: Model, test: Images, kinds: Kinds) -> tuple[list[Reading], float]:
    """The digits read, and the seconds of one core that this took."""
    found: list[Reading] = []
    seconds = 0.0
    with TemporaryDirectory() as folder:
        for number, digit in enumerate(test.pixels[:, 0]):
            file = save(photo(digit, number, kinds), Path(folder), number)
            began = process_time()
            found += readings(model, [file])
            seconds += process_time() - began
            file.unlink()
    return found, seconds


def sheet(model: Model, test: Images) -> Image.Image:
    """Draw photos, and under each one the network's input."""
    count = min(3 * ACROSS, len(test))
    found, _ = read_photos(model, test[:count], ALL)
    rows = -(-count // ACROSS)
    made = Image.new("RGB", (ACROSS * (SIDE + 10), rows * (2 * SIDE + 24)), "white")
    for number, one in enumerate(found):
        left, top = number % ACROSS * (SIDE + 10) + 5, number // ACROSS * (2 * SIDE + 24) + 8
        taken = photo(test.pixels[number, 0], number)
        taken.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        made.paste(taken, (left + (SIDE - taken.width) // 2, top + (SIDE - taken.height) // 2))
        if one.image is not None:
            seen = Image.fromarray(np.asarray(one.image[0])).resize((SIDE, SIDE), 0)
            made.paste(seen, (left, top + SIDE + 4))
    return made


if __name__ == "__main__":
    main()
