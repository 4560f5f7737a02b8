"""Learn lines letter by letter, such as names, and write new ones: a small transformer at work."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from gradbook.amounts import counted
from gradbook.cli.arguments import network, number, whole_number
from gradbook.cli.output import show, width
from gradbook.cli.page import Verb
from gradbook.errors import UsageError
from gradbook.report.words import Span, fold

if TYPE_CHECKING:
    from gradbook.lab.training.epochs import Epoch

USUAL_STEPS, USUAL_COUNT, USUAL_TEMPERATURE = 1000, 20, 0.5


def run(options: Namespace) -> int:
    import numpy as np

    from gradbook.lab.texts import (
        USUAL_CONTEXT,
        LineProblem,
        LineWriter,
        read_lines,
        usual_lines,
        usual_network,
    )
    from gradbook.lab.training.train import train
    from gradbook.lab.training.training import Listener, TrainingRun

    if not 0 <= options.temperature <= 100:
        raise UsageError(f"--temperature: {options.temperature:g} is out of range: 0 to 100")
    lines = read_lines(options.file) if options.file else usual_lines()
    net = network(options.network) if options.network else None
    problem = LineProblem(lines, options.steps, options.seed)
    recipe = problem.recipe(net or usual_network(lines.tokens, USUAL_CONTEXT))
    random = np.random.default_rng(options.seed)

    class Written(Listener):
        """A line after each part of the training."""

        def on_start(self, training: TrainingRun) -> None:
            self.steps, self.writer = training.steps, LineWriter(lines, training.engine)
            cut, seen = self.writer.cut, self.writer.context
            aside = f", {cut:,} of them cut after {seen} letters" if cut else ""
            letters = counted(len(lines.alphabet), "letter")
            amount = f"{counted(len(lines.lines), 'line')} of {letters}{aside}"
            print(f"{counted(recipe.net.count(), 'parameter')} for {amount}: {lines.source}")

        def on_epoch(self, epoch: Epoch) -> None:
            step = min(epoch.epoch * self.steps, options.steps)
            said = self.writer.write(random, options.temperature)
            print(f"{step:>8,} lines  loss {epoch.train_loss:.3f}  {said}", flush=True)

    trained = train(recipe, data=problem, listener=None if options.json else Written())
    if trained.stopped:
        raise KeyboardInterrupt
    held_out, seconds = trained.test.score, trained.seconds
    writer: Any = trained.model
    written = [writer.write(random, options.temperature) for _ in range(options.count)]
    known = set(lines.lines)
    if options.json:
        told = {
            "parameters": recipe.net.count(),
            "lines": len(lines.lines),
            "tokens": lines.tokens,
            "steps": options.steps,
            "loss": trained.history[-1].train_loss,
            "heldOutLoss": held_out,
            "doubts": trained.doubts,
            "seconds": seconds,
            "written": written,
            "new": sum(line not in known for line in written),
        }
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return 0
    print(
        f"learned in {seconds:.2f} s; on {problem.test_count():,} lines held out the loss is "
        f"{held_out:.3f} a letter, by guessing {np.log(lines.tokens):.3f}"
    )
    for doubt in trained.doubts:
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
