"""A data set for the terminal: its size, its classes counted, its pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from gradbook.data.dataset import Dataset
from gradbook.data.digits import SUMS
from gradbook.data.images import Images, digest, shared, statistics
from gradbook.data.sources import KNOWN
from gradbook.errors import one_line
from gradbook.report.amounts import counted
from gradbook.report.words.lines import Piece, TextLine

WIDEST_NAME = 30  # columns for the name of a class
LONGEST_BAR = 24
HEADINGS = ("class", "training", "validation", "test")


def lines(dataset: Dataset, *, ascii_only: bool = False) -> Iterator[TextLine]:
    """What there is to know about a data set."""
    images = len(dataset.training_and_validation) + len(dataset.test_for_reporting)
    yield [
        Piece(one_line(dataset.name), "bold"),
        Piece(f": {counted(images, 'image')} of {_sides(dataset)}, "),
        Piece(counted(len(dataset.classes), "class", "classes")),
    ]
    yield from (
        [Piece(line)] for line in wrap(one_line(dataset.source), 79, break_long_words=False)
    )
    yield []
    yield from _counts(dataset, "=" if ascii_only else "━")
    yield []
    found = statistics(dataset.training_and_validation)
    yield [
        Piece(f"pixels from {found.low} to {found.high}; as 0 to 1 their mean is "),
        Piece(_figures(found.mean), "bold"),
        Piece(", their deviation "),
        Piece(_figures(found.deviation), "bold"),
    ]


def _sides(dataset: Dataset) -> str:
    channels, rows, columns = dataset.shape
    return f"{rows}x{columns} in {'grey' if channels == 1 else 'colour'}"


def _counts(dataset: Dataset, ink: str) -> Iterator[TextLine]:
    """A row for each class, with a bar for its share of training, and one for all."""
    parts = (dataset.training, dataset.validation, dataset.test_for_reporting)
    columns = [part.counts(len(dataset.classes)) for part in parts]
    names = [one_line(name)[:WIDEST_NAME] for name in dataset.classes]
    rows = [*zip(names, *columns, strict=True), ("all", *map(sum, columns))]
    width = max(map(len, ("class", *names)))
    yield [Piece(f"{'class':<{width}}  " + "  ".join(f"{h:>10}" for h in HEADINGS[1:]), "bold")]
    most = max(columns[0], default=0) or 1
    for name, *counts in rows[:-1]:
        bar = ink * round(LONGEST_BAR * counts[0] / most)
        yield [Piece(f"{_row(name, counts, width)}  "), Piece(bar, "cyan")]
    name, *counts = rows[-1]
    yield [Piece(_row(name, counts, width), "bold")]


def _row(name: str, counts: Sequence[int], width: int) -> str:
    return f"{name:<{width}}  " + "  ".join(f"{count:>10,}" for count in counts)


def _figures(values: Sequence[float]) -> str:
    return " ".join(f"{value:.4f}" for value in values)


def verified(dataset: Dataset) -> Iterator[TextLine]:
    """What was checked, with sums by which two people can compare what they have."""
    training, test = dataset.training_and_validation, dataset.test_for_reporting
    yield []
    if dataset.name == "digits":
        yield [Piece("the four files are their makers' byte for byte (SHA-256):")]
        yield from ([Piece(f"{expected}  {name}")] for name, expected in SUMS.items())
    else:
        yield [Piece("all was read and fits together; pixels and labels have the SHA-256 sums")]
        yield [Piece(f"{digest(training)}  training and validation")]
        yield [Piece(f"{digest(test)}  test")]
    yield [
        Piece(f"{shared(test, training):,} of {len(test):,} test images are also among the others")
    ]


def known() -> Iterator[TextLine]:
    """The data sets that go by a name."""
    yield [Piece(f"{'name':<16}{'images':>8}{'size':>8}{'classes':>9}", "bold")]
    for name, it in KNOWN.items():
        rows, columns = it.size
        missing = "" if it.is_here else f" (not installed: pip install 'gradbook[{it.needs}]')"
        figures = f"{it.images:>8,}{f'{rows}x{columns}':>8}{it.classes:>9}"
        yield [Piece(f"{name:<16}", "cyan"), Piece(f"{figures}  {it.about}{missing}")]


VERSION = 1


def records(dataset: Dataset) -> dict[str, object]:
    """What `gradbook data NAME` says."""
    channels, rows, columns = dataset.shape
    found = statistics(dataset.training_and_validation)
    classes = len(dataset.classes)
    return {
        "version": VERSION,
        "name": dataset.name,
        "source": dataset.source,
        "channels": channels,
        "rows": rows,
        "columns": columns,
        "classes": list(dataset.classes),
        "parts": {
            "training": _counted(dataset.training, classes),
            "validation": _counted(dataset.validation, classes),
            "test": _counted(dataset.test_for_reporting, classes),
        },
        "lowest": found.low,
        "highest": found.high,
        "mean": list(found.mean),
        "deviation": list(found.deviation),
    }


def _counted(images: Images, classes: int) -> dict[str, object]:
    return {"images": len(images), "of_each_class": images.counts(classes)}


def known_records() -> dict[str, object]:
    """What `gradbook data` says."""
    return {
        "version": VERSION,
        "sets": [
            {
                "name": name,
                "images": it.images,
                "rows": it.size[0],
                "columns": it.size[1],
                "classes": it.classes,
                "about": it.about,
                "is_here": it.is_here,
            }
            for name, it in KNOWN.items()
        ],
    }


def verified_records(dataset: Dataset) -> dict[str, object]:
    """What `gradbook data NAME --verify` finds."""
    training, test = dataset.training_and_validation, dataset.test_for_reporting
    return {
        "sha256": {"training_and_validation": digest(training), "test": digest(test)},
        "test_images_also_in_training": shared(test, training),
    }
