"""Make the picture of a training in the terminal, as it looks in the middle of its last epoch.

    .venv/bin/python -m scripts.training_picture

Trains by the recipe `quick`; needs chromium, and a quiet machine if the figures are to be right.
"""

from __future__ import annotations

import time
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from PIL import Image

from gradbook.cli.display import OnScreen
from gradbook.lab.training.train import train
from gradbook.report.training import BLOCK
from gradbook.report.words import TextLine
from tests.outside.witness import screenshot

PICTURE = Path("docs/pictures/training.png")
RECIPE = "quick"
MOMENT = 0.6  # of the last epoch
COMMAND = f"$ gradbook train {RECIPE}"
COLOURS = {
    "bold": "font-weight:bold",
    "dim": "color:#8b8f98",
    "cyan": "color:#3fb8c9",
    "green": "color:#5fbf77",
    "magenta": "color:#c38fe0",
    "yellow": "color:#d7b65e",
    "": "",
}
PAGE = """\
<!DOCTYPE html><meta charset="utf-8">
<body style="margin:0; background:#17181c; color:#e4e3de">
<pre style="margin:28px 32px; font:20px/1.3 'DejaVu Sans Mono', monospace">{lines}</pre>
"""


class Watched(OnScreen):
    """Keeps what is said, and its foot at the moment."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[TextLine] = []
        self.seen: list[TextLine] = []

    def say(self, lines: list[TextLine]) -> None:
        self.said += lines

    def watch(self) -> None:
        while not self.seen:
            time.sleep(0.1)
            if self.training and self._is_moment():
                self.seen = [*self.said, *self.foot(BLOCK, 24)]
            elif self.training:
                self.foot(BLOCK, 24)  # it follows the losses as it is drawn

    def _is_moment(self) -> bool:
        now = self.training.progress()
        return now.epoch == now.epochs and now.step >= MOMENT * now.steps


def main() -> None:
    watched = Watched()
    watcher = Thread(target=watched.watch)
    watcher.start()
    train(RECIPE, listener=watched)
    watcher.join()
    lines = "\n".join([f"{COMMAND}\n", *map(_html, watched.seen)])
    with TemporaryDirectory() as folder:
        page = Path(folder, "training.html")
        page.write_text(PAGE.format(lines=lines), encoding="utf-8")
        height = 56 + 26 * (len(watched.seen) + 2)
        screenshot(page, PICTURE, width=64 + 12 * (BLOCK + 2), height=height)
    Image.open(PICTURE).convert("RGB").quantize(64).save(PICTURE, optimize=True)
    print(f"wrote {PICTURE}, {PICTURE.stat().st_size // 1024} KB")


def _html(line: TextLine) -> str:
    return "".join(
        f'<span style="{COLOURS[piece.colour]}">{escape(piece.text)}</span>' for piece in line
    )


if __name__ == "__main__":
    main()
