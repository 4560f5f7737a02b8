"""Learn lines letter by letter, such as names, and write new ones: a small transformer at work."""

from __future__ import annotations

import json
from argparse import Namespace

from gradbook.amounts import counted
from gradbook.cli.arguments import network, number, whole_number
from gradbook.cli.output import show, width
from gradbook.cli.page import Verb
from gradbook.errors import UsageError
from gradbook.report.words import Span, fold

USUAL_STEPS, USUAL_COUNT, USUAL_TEMPERATURE = 1000, 20, 0.5


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
    lines = read_lines(options.file) if options.file else usual_lines()
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


ENTRIES = {
    "write": Verb(
        run,
        kinds={
            "steps": whole_number(1, 1_000_000),
            "count": whole_number(0, 10_000),
            "temperature": number,
            "seed": whole_number(0),
        },
        defaults={
            "steps": USUAL_STEPS,
            "count": USUAL_COUNT,
            "temperature": USUAL_TEMPERATURE,
            "seed": 0,
        },
        facts=lambda: {
            "steps": f"{USUAL_STEPS:,}",
            "count": USUAL_COUNT,
            "temperature": USUAL_TEMPERATURE,
        },
    )
}
