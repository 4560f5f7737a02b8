"""How much is read of files that may be untrusted: one table, for the readers and the documents.

Each limit is checked before the data are unpacked or kept, so that refusing them takes little
time and memory. `gradbook help limits` shows this table.
"""

from __future__ import annotations

TYPE_CHECKING = False  # every command imports this
if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 2**20
BYTES = "bytes"


class ReadLimit:
    """The most that is read of something."""

    def __init__(self, most: int, unit: str, of: str, why: str = "") -> None:
        self.most: int = most
        self.unit: str = unit
        self.of: str = of
        self.why: str = why

    def __str__(self) -> str:
        if self.unit != BYTES or self.most % MIB:
            return f"{self.most:,} {self.unit}".strip()
        return f"{self.most // MIB:,} MiB"


# Files as they are stored.
TEXT = ReadLimit(16 * MIB, BYTES, "a text: a network, a recipe, a study, the record of a run")
SETTINGS_BY_HAND = ReadLimit(2**16, BYTES, "a class's settings: class.toml, rubric.toml")
BOOK = ReadLimit(64 * MIB, BYTES, "a workbook")
TABLE = ReadLimit(2**31, BYTES, "a table of samples")
LIST = ReadLimit(8 * MIB, BYTES, "a class's tables: names.csv, marks.csv, whose.csv")
IMAGES = ReadLimit(2**30, BYTES, "a file of images: idx, npz", "packed or unpacked")
IMAGE_TABLE = ReadLimit(256 * MIB, BYTES, "a table of images", "packed or unpacked")
WIDE_TABLE = ReadLimit(50 * MIB, BYTES, "a table of images in UTF-16")
RECORDING = ReadLimit(64 * MIB, BYTES, "a recording: WAV")
PICTURE = ReadLimit(64 * MIB, BYTES, "a picture")
MODEL = ReadLimit(2**31, BYTES, "a model or checkpoint of gradbook")
FOREIGN = ReadLimit(256 * MIB, BYTES, "a network of another program: ONNX, Keras, PyTorch")
TRIALS = ReadLimit(512 * MIB, BYTES, "the trials of a study")
ENGINE = ReadLimit(256 * MIB, BYTES, "a compiled engine in the cache")
REPORT = ReadLimit(64 * MIB, BYTES, "the stored report of a workbook")

# Contents of archives, or of files packed by gzip or xz.
ENTRIES = ReadLimit(4_000, "", "entries of an archive")
DIRECTORY = ReadLimit(2 * MIB, BYTES, "the directory of an archive")
RATIO = ReadLimit(400, "times", "the ratio of unpacked to packed size", "beyond the first MiB")
PART = ReadLimit(256 * MIB, BYTES, "a part of a workbook, or of a network's archive, unpacked")
SETTINGS = ReadLimit(8 * MIB, BYTES, "a network's settings as JSON; the header of a model")
ARCHIVE = ReadLimit(512 * MIB, BYTES, "everything that is read of an archive, unpacked")
XZ_MEMORY = ReadLimit(128 * MIB, BYTES, "the dictionary that an xz file asks for")

# Contents of files.
ELEMENTS = ReadLimit(780_000, "", "XML elements in a part of a workbook", "three for each cell")
DEPTH = ReadLimit(60, "", "nesting of XML elements")
TAG = ReadLimit(MIB, BYTES, "an XML tag with its attributes")
STRINGS = ReadLimit(200_000, "", "shared strings of a workbook")
ROWS = ReadLimit(25_000_000, "", "rows of a table of samples")
COLUMNS = ReadLimit(100_000, "", "columns of a table of samples")
ROW = ReadLimit(8_000_000, "characters", "a row of a table of samples")
SAMPLES = ReadLimit(100_000, "", "rows of a table given with --data to anything but `train`")
SAMPLE_CELLS = ReadLimit(4_000_000, "", "cells of such a table, or of a class's table")
CELLS = ReadLimit(60_000_000, "", "cells of a table of samples", "of which 50,000,000 are learned")
LIST_ROWS = ReadLimit(10_000, "", "rows of a class's table")
LIST_COLUMNS = ReadLimit(1_000, "", "columns of a class's table")
LINES = ReadLimit(2_000_000, "", "lines of a table of images, including blank ones")
LINE = ReadLimit(MIB, BYTES, "a line of a table of images", "enough for 295×295 pixels in colour")
CLASSES = ReadLimit(10_000, "", "classes of a dataset")
LABEL = ReadLimit(100, "characters", "the name of a class in a table or an archive")
PIXELS = ReadLimit(2**26, "pixels", "a picture")
TRANSPARENT = ReadLimit(2**25, "pixels", "a picture with transparency")
UNAVERAGED = ReadLimit(2**24, "pixels", "a picture with a palette, in CMYK or of 16 bits")
SIDE = ReadLimit(32_767, "pixels", "the longer side of a picture")
TRAINED_PIXELS = ReadLimit(2**22, "pixels", "a picture to train on, without --size")
BATCH = ReadLimit(100_000, "images", "a batch")
SCANS = ReadLimit(100, "", "passes of a progressive JPEG", "10 is usual")
SIDES = ReadLimit(32, "", "dimensions of an array")
VALUES = ReadLimit(2**25, "numbers", "all tensors of a network of another program")
LAYERS = ReadLimit(10_000, "", "layers of a network of another program")
FIELDS = ReadLimit(500_000, "", "fields of an ONNX file, nested ones included")


def table() -> Iterator[ReadLimit]:
    """Every limit, in the order of their definition."""
    yield from (limit for limit in globals().values() if isinstance(limit, ReadLimit))


def row(limit: ReadLimit) -> tuple[str, str]:
    """A limit's value and its subject."""
    return str(limit), f"{limit.of} ({limit.why})" if limit.why else limit.of
