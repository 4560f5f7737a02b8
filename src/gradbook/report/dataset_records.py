"""A data set as plain records, for a program to read."""

from __future__ import annotations

from gradbook.data.dataset import Dataset
from gradbook.data.images import Images, digest, shared, statistics
from gradbook.data.sources import KNOWN

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


def known() -> dict[str, object]:
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


def verified(dataset: Dataset) -> dict[str, object]:
    """What `gradbook data NAME --verify` finds."""
    training, test = dataset.training_and_validation, dataset.test_for_reporting
    return {
        "sha256": {"training_and_validation": digest(training), "test": digest(test)},
        "test_images_also_in_training": shared(test, training),
    }
