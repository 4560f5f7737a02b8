"""Learn lines letter by letter, such as names, and write new ones: a small transformer at work."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from gradbook.amounts import counted
from gradbook.cli.arguments import Verb, network, number, whole_number
from gradbook.cli.output import show, width
from gradbook.errors import UsageError
from gradbook.report.words import Span, fold

EXAMPLES = """\
  gradbook write                             learn names, and write 20 others
  gradbook write words.txt --steps 3000      lines of your own, one to a line
  gradbook write --temperature 0             the likeliest letter each time
  gradbook write --network "input tokens 16 of 27; gru 32 all; conv1d 27 1; softmax"
                                             a recurrent network instead
  gradbook summary microgpt                  the network that learns, layer by layer
"""
USUAL_STEPS, USUAL_COUNT, USUAL_TEMPERATURE = 1000, 20, 0.5


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "lines", nargs="?", metavar="FILE.txt", help="lines to learn (default: 1,511 first names)"
    )
    parser.add_argument(
        "--network",
        metavar="NET",
        help="the network that learns them (default: microgpt, a transformer of one layer)",
    )
    parser.add_argument(
        "--steps",
        metavar="N",
        type=whole_number(1, 1_000_000),
        default=USUAL_STEPS,
        help=f"how many lines to learn from, one at each step (default: {USUAL_STEPS:,})",
    )
    parser.add_argument(
        "--count",
        metavar="N",
        type=whole_number(0, 10_000),
        default=USUAL_COUNT,
        help=f"how many to write (default: {USUAL_COUNT})",
    )
    parser.add_argument(
        "--temperature",
        metavar="T",
        type=number,
        default=USUAL_TEMPERATURE,
        help="0 takes the likeliest letter, 1 letters as likely as they were learned to be, more "
        f"is bolder (default: {USUAL_TEMPERATURE})",
    )
    parser.add_argument(
        "--seed", metavar="N", type=whole_number(0), default=0, help="what chance begins with"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")


def run(options: Namespace) -> int:
    import numpy as np

    from gradbook.lab.texts import (
        USUAL_CONTEXT,
        LettersLearned,
        LineWriter,
        learn_lines,
        read_lines,
        usual_lines,
        usual_network,
    )

    if not 0 <= options.temperature <= 100:
        raise UsageError(f"--temperature: {options.temperature:g} is out of range: 0 to 100")
    lines = read_lines(options.lines) if options.lines else usual_lines()
    net = network(options.network) if options.network else None
    writer = LineWriter(net or usual_network(lines.tokens, USUAL_CONTEXT), lines, options.seed)
    random = np.random.default_rng(options.seed)

    losses: list[float] = []

    def tell(learned: LettersLearned) -> None:
        losses.append(learned.loss)
        if options.json:
            return
        said = writer.write(random, options.temperature)
        print(f"{learned.step:>8,} lines  loss {learned.loss:.3f}  {said}", flush=True)

    if not options.json:
        cut = f", {writer.cut:,} of them cut after {writer.context} letters" if writer.cut else ""
        amount = f"{counted(len(lines.lines), 'line')} of {counted(len(lines.alphabet), 'letter')}"
        print(f"{counted(writer.net.count(), 'parameter')} for {amount}{cut}: {lines.source}")
    last = learn_lines(writer, options.steps, tell)
    doubts = writer.doubts(losses[0], losses[-1]) if losses else ()
    held_out = writer.loss(writer.held_out)
    written = [writer.write(random, options.temperature) for _ in range(options.count)]
    known = set(lines.lines)
    if options.json:
        told = {
            "parameters": writer.net.count(),
            "lines": len(lines.lines),
            "tokens": lines.tokens,
            "steps": last.step,
            "loss": last.loss,
            "heldOutLoss": held_out,
            "doubts": doubts,
            "seconds": last.seconds,
            "written": written,
            "new": sum(line not in known for line in written),
        }
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return 0
    print(
        f"learned in {last.seconds:.2f} s; on {len(writer.held_out):,} lines held out the loss is "
        f"{held_out:.3f} a letter, by guessing {np.log(lines.tokens):.3f}"
    )
    for doubt in doubts:
        show(fold([Span(doubt, "yellow")], width()))
    print(*(f"  {line}{'' if line in known else '  (new)'}" for line in written), sep="\n")
    return 0


ENTRIES = {"write": Verb(__doc__, EXAMPLES, add_arguments, run)}
