"""How fast the page to play with is, in Chromium: its first view, and its frames while it trains.

python bench/page.py                          this page, of 120 points and two layers of eight units
python bench/page.py before.html after.html   pages that were written before and after a change

Pages take turns, so that other work on the machine affects all of them. Frames are counted at full
speed, and with the processor slowed down to a quarter, which stands for a phone; the cost of a
frame is processor time, which other work disturbs less.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gradbook.net import parse
from gradbook.report.play_page import play_page
from tests.outside.browser import Browser, browser

PLAY = "input 2; dense 8; tanh; dense 8; tanh; dense 1; sigmoid; loss binary cross-entropy"
SLOWER = 4  # times, for a phone
SETTLED = 2.5  # seconds, after which a page has judged all rates
WATCH = """addEventListener("DOMContentLoaded", () => {
  const look = () => document.querySelector("#drawing svg") && document.querySelector("#loss").value
    ? requestAnimationFrame(() => { window.seen = performance.now() }) : requestAnimationFrame(look)
  look()
})"""
FRAMES = """new Promise(done => {
  const begun = performance.now()
  let count = 0
  const next = now => now - begun > 3000 ? done(count * 1000 / (now - begun))
    : requestAnimationFrame(next, count += 1)
  requestAnimationFrame(next)
})"""


def main(words: list[str]) -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE.html")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each page (default: 5)")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder, browser() as opened:
        own = Path(folder, "play.html")
        own.write_text(play_page(parse(PLAY)), encoding="utf-8")
        opened.ask("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        pages = options.pages or [own]
        found: dict[Path, list[tuple[float, ...]]] = {page: [] for page in pages}
        for _ in range(options.rounds):
            for page in pages:
                found[page].append(_measured(opened, page))
    for page, rows in found.items():
        first, quick, cost, slow = (median(column) for column in zip(*rows, strict=True))
        print(
            f"{page.name}: first view {first:.2f} s; {quick:.0f} frames a second, "
            f"{cost:.1f} ms of the processor each; {slow:.0f} at a {SLOWER}th of the speed"
        )


def _measured(opened: Browser, page: Path) -> tuple[float, ...]:
    """Seconds to the first view; frames per second, the cost of one; frames when slowed down."""
    _slow_down(opened, 1)
    opened.show(page, 1440, 900)
    first = opened.until("window.seen") / 1000
    opened.value("document.querySelector('#pace').value = 100000")
    opened.value(f"new Promise(done => setTimeout(done, {1000 * SETTLED}))")
    opened.press("#run")
    before = _processor(opened)
    quick = opened.value(FRAMES)
    cost = (_processor(opened) - before) / (3 * quick)
    _slow_down(opened, SLOWER)
    slow = opened.value(FRAMES)
    return first, quick, 1000 * cost, slow


def _slow_down(opened: Browser, times: int) -> None:
    opened.ask("Emulation.setCPUThrottlingRate", rate=times)


def _processor(opened: Browser) -> float:
    """The processor seconds of all pages so far."""
    session, opened.session = opened.session, ""
    try:
        running = opened.ask("SystemInfo.getProcessInfo")["processInfo"]
    finally:
        opened.session = session
    return float(sum(it["cpuTime"] for it in running if it["type"] == "renderer"))


if __name__ == "__main__":
    main(sys.argv[1:])
