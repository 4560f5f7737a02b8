"""Film a training: the network's weights, its error, and what it says of a plane, as they move."""

from __future__ import annotations

from argparse import Namespace

from gradbook.cli.arguments import (
    network,
    number,
    reading_of,
    whole_number,
)
from gradbook.cli.output import counting
from gradbook.cli.page import Verb
from gradbook.errors import UsageError
from gradbook.files import require_replaceable

USUAL_EPOCHS, USUAL_FPS = 200, 15


def run(options: Namespace) -> int:
    from gradbook.rates.sweep import usable_rate
    from gradbook.report.film import film, require_film_writer, write_film

    require_film_writer(options.out)
    if options.rate is not None and options.rate < 0:
        raise UsageError(f"--rate: {options.rate:g} is out of range: it is at least 0")
    net = network(options.net, options.data, **reading_of(options))
    require_replaceable(options.out)
    rate = usable_rate(net, options.epochs) if options.rate is None else options.rate
    shot = film(net, options.epochs, rate)
    with counting("frames drawn", len(shot.scenes)) as tick:
        write_film(shot, options.out, options.fps, tick)
    print(f"wrote {options.out}: {len(shot.scenes)} frames, {len(shot.scenes) / options.fps:.1f} s")
    return 0


ENTRIES = {
    "film": Verb(
        run,
        kinds={"epochs": whole_number(1), "rate": number, "fps": whole_number(1, 60)},
        defaults={"net": "xor", "epochs": USUAL_EPOCHS, "fps": USUAL_FPS},
        facts=lambda: {"epochs": USUAL_EPOCHS, "fps": USUAL_FPS},
    )
}
