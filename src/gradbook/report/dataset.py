"""Reports on data sets: the named ones, and a data set's size, class counts and pixels."""

from __future__ import annotations

from gradbook.amounts import counted
from gradbook.data.dataset import Dataset, Images, count_shared, digest, statistics
from gradbook.data.digits import SUMS
from gradbook.data.sources import KNOWN
from gradbook.errors import one_line
from gradbook.report.document import Block, Blocks, Listing, Passage, Report, Subheading
from gradbook.report.styled_text import Span, TableColumn, TextTable, bar

VERSION = 1  # of the JSON
INDENT = 2
WIDEST_NAME = 30  # columns for the name of a class
MISSING = " (not installed: pip install 'gradbook[{}]')"


def dataset_report(dataset: Dataset, *, verify: bool = False) -> Report:
    """A data set's figures; with `verify`, also checksums, to compare copies."""
    brightness = statistics(dataset.training_and_validation)
    channels, rows, columns = dataset.shape
    count = len(dataset.classes)
    images = len(dataset.training_and_validation) + len(dataset.test_for_reporting)
    shape = f"{rows}x{columns} in {'grey' if channels == 1 else 'colour'}"
    content = f": {counted(images, 'image')} of {shape}, {counted(count, 'class', 'classes')}"
    mean, deviation = (
        " ".join(map("{:.4f}".format, it)) for it in (brightness.mean, brightness.deviation)
    )
    brief: list[Block] = [
        Passage((Span(one_line(dataset.name), "bold"), Span(content))),
        Passage(one_line(dataset.source)),
        *(Passage((Span(remark, "yellow"),)) for remark in dataset.remarks),
        _counts(dataset),
        Passage(
            (
                Span(f"pixels from {brightness.low} to {brightness.high}; scaled to 0..1: mean "),
                Span(mean, "bold"),
                Span(", standard deviation "),
                Span(deviation, "bold"),
            )
        ),
    ]
    record = {
        "version": VERSION,
        "name": dataset.name,
        "source": dataset.source,
        **({"remarks": list(dataset.remarks)} if dataset.remarks else {}),
        "channels": channels,
        "rows": rows,
        "columns": columns,
        "classes": list(dataset.classes),
        "parts": {
            name: {"images": len(part), "of_each_class": part.counts(count)}
            for name, part in _parts(dataset).items()
        },
        "lowest": brightness.low,
        "highest": brightness.high,
        "mean": list(brightness.mean),
        "deviation": list(brightness.deviation),
    }
    if verify:
        blocks, sums = _verification(dataset)
        brief, record = [*brief, *blocks], record | {"verified": sums}
    return Report(dataset.name, brief=brief, rows=_counts(dataset), record=record, indent=INDENT)


def _counts(dataset: Dataset) -> TextTable:
    """One row per class, with a bar for its training images, and a row of totals."""
    parts = _parts(dataset)
    counts = [part.counts(len(dataset.classes)) for part in parts.values()]
    names = [one_line(name)[:WIDEST_NAME] for name in dataset.classes]
    titles = (TableColumn(title, title, width=10) for title in parts)
    bars = TableColumn("", words=True, ink="cyan", is_drawn=True)
    most = max(counts[0], default=0) or 1
    shares = [(bar(count / most, is_drawn=True),) for count in counts[0]]
    return TextTable(
        (TableColumn("class", "class", words=True), *titles, bars),
        tuple(zip(names, *counts, shares, strict=True)),
        ("all", *map(sum, counts), ""),
    )


def _parts(dataset: Dataset) -> dict[str, Images]:
    return {
        "training": dataset.training,
        "validation": dataset.validation,
        "test": dataset.test_for_reporting,
    }


def _verification(dataset: Dataset) -> tuple[Blocks, dict[str, object]]:
    """What was checked, with checksums by which two people can compare their copies."""
    training, test = dataset.training_and_validation, dataset.test_for_reporting
    shared = count_shared(test, training)
    sums = {"training_and_validation": digest(training), "test": digest(test)}
    if dataset.name == "digits":
        heading = "the four files are byte for byte the original ones (SHA-256):"
        lines = [f"{expected}  {name}" for name, expected in SUMS.items()]
    else:
        heading = "everything was read and is consistent; SHA-256 of pixels and labels:"
        lines = [f"{checksum}  {name.replace('_', ' ')}" for name, checksum in sums.items()]
    remark = f"{shared:,} of {len(test):,} test images also occur in training and validation"
    record = {"sha256": sums, "test_images_also_in_training": shared}
    return [Subheading(heading), Listing("\n".join(lines)), Passage(remark)], record


def known_sets() -> Report:
    """The data sets that have a name."""
    columns = (
        TableColumn("name", words=True, ink="cyan", width=14),
        TableColumn("images", width=8),
        TableColumn("size", width=6),
        TableColumn("classes", spell=str),
    )
    rows = ((name, it.images, "{}x{}".format(*it.size), it.classes) for name, it in KNOWN.items())
    notes = tuple(
        [Span(it.about + ("" if it.is_here else MISSING.format(it.needs)))] for it in KNOWN.values()
    )
    records = [
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
    ]
    record = {"version": VERSION, "sets": records}
    table = TextTable(columns, tuple(rows), notes=notes)
    return Report("Data sets", brief=[table], rows=table, record=record, indent=INDENT)
