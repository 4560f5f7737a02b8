"""A data set for the terminal: its size, its classes counted, its pixels."""

from __future__ import annotations

from collections.abc import Iterator

from gradbook.amounts import counted
from gradbook.data.dataset import Dataset, Images, count_shared, digest, statistics
from gradbook.data.digits import SUMS
from gradbook.data.sources import KNOWN
from gradbook.errors import one_line
from gradbook.report.words import GAP, Span, TableColumn, TextLine, TextTable, fold

WIDEST_NAME = 30  # columns for the name of a class
LONGEST_BAR = 24


def lines(dataset: Dataset, *, ascii_only: bool = False) -> Iterator[TextLine]:
    """What there is to know about a data set."""
    images = len(dataset.training_and_validation) + len(dataset.test_for_reporting)
    channels, rows, columns = dataset.shape
    shape = f"{rows}x{columns} in {'grey' if channels == 1 else 'colour'}"
    classes = counted(len(dataset.classes), "class", "classes")
    said = f": {counted(images, 'image')} of {shape}, {classes}"
    yield [Span(one_line(dataset.name), "bold"), Span(said)]
    yield from fold(one_line(dataset.source), 79)
    for remark in dataset.remarks:
        yield from fold([Span(remark, "yellow")], 79)
    yield []
    yield from _counts(dataset, "=" if ascii_only else "━")
    yield []
    found = statistics(dataset.training_and_validation)
    mean, deviation = (" ".join(map("{:.4f}".format, it)) for it in (found.mean, found.deviation))
    yield [
        Span(f"pixels from {found.low} to {found.high}; scaled to 0..1: mean "),
        Span(mean, "bold"),
        Span(", standard deviation "),
        Span(deviation, "bold"),
    ]


def _counts(dataset: Dataset, ink: str) -> Iterator[TextLine]:
    """A row for each class, with a bar for its share of training, and one for all."""
    parts = _parts(dataset)
    counts = [part.counts(len(dataset.classes)) for part in parts.values()]
    names = [one_line(name)[:WIDEST_NAME] for name in dataset.classes]
    columns = (
        TableColumn("class", words=True),
        *(TableColumn(title, width=10) for title in parts),
    )
    table = TextTable(columns, tuple(zip(names, *counts, strict=True)), ("all", *map(sum, counts)))
    *lines, total = table.lines()
    most = max(counts[0], default=0) or 1
    yield lines[0]
    for line, count in zip(lines[1:], counts[0], strict=True):
        yield [*line, Span(GAP), Span(ink * round(LONGEST_BAR * count / most), "cyan")]
    yield total


def _parts(dataset: Dataset) -> dict[str, Images]:
    return {
        "training": dataset.training,
        "validation": dataset.validation,
        "test": dataset.test_for_reporting,
    }


def verification_lines(dataset: Dataset) -> Iterator[TextLine]:
    """What was checked, with sums by which two people can compare what they have."""
    training, test = dataset.training_and_validation, dataset.test_for_reporting
    yield []
    if dataset.name == "digits":
        yield [Span("the four files are byte for byte the original ones (SHA-256):")]
        yield from ([Span(f"{expected}  {name}")] for name, expected in SUMS.items())
    else:
        yield [Span("everything was read and is consistent; SHA-256 of pixels and labels:")]
        yield [Span(f"{digest(training)}  training and validation")]
        yield [Span(f"{digest(test)}  test")]
    yield [
        Span(
            f"{count_shared(test, training):,} of {len(test):,} test images also occur among the "
            "others"
        )
    ]


def known_lines(width: int) -> Iterator[TextLine]:
    """The data sets that go by a name."""
    columns = (
        TableColumn("name", words=True, ink="cyan", width=14),
        TableColumn("images", width=8),
        TableColumn("size", width=6),
        TableColumn("classes", spell=str),
    )
    rows = ((name, it.images, "{}x{}".format(*it.size), it.classes) for name, it in KNOWN.items())
    missing = " (not installed: pip install 'gradbook[{}]')"
    notes = [
        [Span(it.about + ("" if it.is_here else missing.format(it.needs)))] for it in KNOWN.values()
    ]
    yield from TextTable(columns, tuple(rows), notes=tuple(notes)).lines_with_notes(width)


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
        **({"remarks": list(dataset.remarks)} if dataset.remarks else {}),
        "channels": channels,
        "rows": rows,
        "columns": columns,
        "classes": list(dataset.classes),
        "parts": {
            name: {"images": len(images), "of_each_class": images.counts(classes)}
            for name, images in _parts(dataset).items()
        },
        "lowest": found.low,
        "highest": found.high,
        "mean": list(found.mean),
        "deviation": list(found.deviation),
    }


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
        "test_images_also_in_training": count_shared(test, training),
    }
