"""Grammars of what readers take: inputs drawn by Hypothesis, every one of them valid.

Books and tensors are made by our own writers, texts as people write them.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from PIL import Image

from gradbook.cells.formula.syntax import (
    INFIX,
    LONGEST_FORMULA,
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
    Text,
    write,
)
from gradbook.data.formats import idx
from gradbook.net import Net, parse
from gradbook.report.workbook import write_workbook
from tests import families
from tests.audit.material.hostile import SHEET
from tests.audit.material.mangled.bases import TINY, parts_of
from tests.audit.material.mangled.packages import packed
from tests.fuzz.forms import bundle, tensors, with_right_sum
from tests.hostile.packed import npy
from tests.net.spellings import SPELLINGS, complete
from tests.trained import model_of, table_model_of

Bytes = SearchStrategy[bytes]

NAMES = st.text("abcdefghijk", min_size=1, max_size=6)
SMALL = st.integers(1, 9)
SHARES = families.thousandths(0.001, 0.999)


def _lines(*some: SearchStrategy[str]) -> SearchStrategy[str]:
    """Some of these lines, in any order."""
    chosen = st.lists(st.sampled_from(range(len(some))), unique=True)
    return chosen.flatmap(lambda places: st.tuples(*(some[k] for k in places))).map("\n".join)


def _encoded(text: str) -> bytes:
    return text.encode()


# Texts.


def networks() -> Bytes:
    return families.networks(width=3, dropout=True).map(str).map(_encoded)


def warps() -> Bytes:
    return _warp_lines().map(_encoded)


def _warp_lines() -> SearchStrategy[str]:
    scales = st.tuples(families.thousandths(0.7, 1), families.thousandths(1, 1.3))
    chances = st.one_of(st.just(""), SHARES.map(" chance {}".format))
    some = (
        SMALL.map("rotate {}".format),
        SMALL.map("shift {}".format),
        scales.map(lambda pair: f"scale {pair[0]} {pair[1]}"),
        SMALL.map("shear {}".format),
        st.builds("crop {}{}".format, st.integers(20, 28), chances),
        chances.map("flip{}".format),
        st.builds("cutout {}{}".format, st.integers(1, 28), chances),
        st.builds("elastic {} {}".format, st.integers(4, 9), families.thousandths(0, 1)),
        st.integers(0, 255).map("background {}".format),
    )
    drawn = _lines(*some).filter(bool)
    return (drawn | st.just("none")).map(lambda text: text.replace("\n", "; "))


SCHEDULES = st.sampled_from(
    ["constant 0.1", "step 0.2 by 0.5 every 3", "plateau 0.1 patience 2", "cosine 0.3 to 0.01",
     "one cycle 0.2 warm 0.25"]
)  # fmt: skip


@st.composite
def _recipes(draw: DrawFn) -> str:
    net = draw(families.networks(samples=0, depth=2, width=3, dropout=True))
    net = replace(net, rate=net.rate or None)  # a training's lies above 0
    lines = [
        NAMES.map("recipe {}".format),
        NAMES.map("about {}".format),
        SMALL.map("epochs {}".format),
        SMALL.map("batch {}".format),
        st.integers(0, 5).map("hold back {}".format),
        st.sampled_from(["class weights balanced", "class weights 1 0.5"]),
        SMALL.map("early stop {}".format),
        st.just("keep best"),
        st.just("statistics unwarped"),
        _warp_lines().map(lambda text: f"warp {text.replace(';', ',')}"),
    ]
    if net.rate is None:
        lines.append(SCHEDULES.map("schedule {}".format))
    return f"{draw(_lines(*lines))}\n\n{net}"


def recipes() -> Bytes:
    return _recipes().map(_encoded)


VARIED = (
    *("vary quick\nbatch {64|128}", "vary quick\nschedule one cycle {0.1..1 log} warm {0.1..0.4}"),
    "epochs {1..3}\ninput 2\ndense {width: 2..4}\nrelu\ndense {width}",
    "input 1x8x8\nconv {2|3} 3x3\n{relu|tanh}\n{batchnorm|}\nflatten\ndense 2\nsoftmax\nrate 0.1",
    "batch {b: 1..8}\ninput 3\ndense 2\nupdate {momentum 0.9|adam}",
)
ENOUGH = st.integers(20, 99)  # limits that one of these at least keeps


def studies() -> Bytes:
    own = _lines(
        NAMES.map("study {}".format),
        SMALL.map("trials {}".format),
        st.sampled_from(["sampler tpe", "sampler random"]),
        st.lists(st.integers(0, 5), min_size=1, unique=True).map(
            lambda folds: f"folds {' '.join(map(str, folds))}"
        ),
        SMALL.map("seeds {}".format),
        SMALL.map("draw {}".format),
        SMALL.map("ahead {}".format),
        ENOUGH.map("parameters at most {}k".format),
        ENOUGH.map("macs at most {}.5M".format),
    )
    return st.builds("{}\n{}\n".format, own, st.sampled_from(VARIED)).map(_encoded)


# Formulas and books.

CELLS = st.sampled_from(
    [*("A1", "$A$1", "B$2", "$C3", "A1:B9", "$A$1:A9", "S!A1", "'It''s'!B2:C3", "eta", "TRUE"),
     *("A:A", "2:3", "#N/A", "x1000000")]
)  # fmt: skip
FUNCTIONS = st.sampled_from(
    ["SUM", "EXP", "IF", "MMULT", "TRANSPOSE", "SUMPRODUCT", "INDEX", "LET", "MAX", "LN", "POWER"]
)


def _larger(parts: SearchStrategy[Expression]) -> SearchStrategy[Expression]:
    arguments = st.lists(st.none() | parts, min_size=1, max_size=4).map(tuple)
    return st.one_of(
        st.builds(Infix, st.sampled_from(list(INFIX)), parts, parts),
        st.builds(Prefix, st.sampled_from("-+"), parts),
        st.builds(Postfix, st.just("%"), parts),
        st.builds(Call, FUNCTIONS, arguments),
    )


EXPRESSIONS: SearchStrategy[Expression] = st.recursive(
    st.one_of(
        families.thousandths(0, 10).map(Number),
        st.builds(Reference, CELLS),
        st.builds(Text, st.text('ab"', max_size=3)),
    ),
    _larger,
    max_leaves=12,
)


def _written() -> SearchStrategy[str]:
    return EXPRESSIONS.map(write).filter(lambda text: len(text) <= LONGEST_FORMULA)


def formulas() -> Bytes:
    return st.lists(_written(), min_size=1, max_size=4).map("\n".join).map(_encoded)


def typed() -> Bytes:
    """Formulas as people type them, with the numbers of their names."""
    return st.sampled_from([*map(complete, SPELLINGS)]).map(_encoded)


LOOKS = ("xl/styles.xml", "xl/theme/theme1.xml", "docProps/app.xml")


def _made(write: Callable[[Path], object]) -> dict[str, bytes]:
    """The parts of a book that is written to a path."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "book.xlsx")
        write(path)
        return parts_of(path)


@cache
def _tiny(name: str) -> dict[str, bytes]:
    """Without how it looks, which nobody reads."""
    parts = _made(TINY[name]).items()
    return {part: content for part, content in parts if part not in LOOKS}


@st.composite
def _typed(draw: DrawFn) -> dict[str, bytes]:
    """A few cells, in which formulas stand that may be shared or fill an area."""
    from xml.sax.saxutils import escape

    rows = []
    for row in range(1, draw(st.integers(2, 5))):
        cells = []
        for column in "ABCDE"[: draw(st.integers(1, 5))]:
            form = draw(st.sampled_from(["", "", f' t="array" ref="{column}{row}"']))
            formula = f"<f{form}>{escape(draw(_written()))}</f>" if draw(st.booleans()) else ""
            value = draw(families.thousandths(-9, 9))
            cells.append(f'<c r="{column}{row}">{formula}<v>{value}</v></c>')
        rows.append(f'<row r="{row}">{"".join(cells)}</row>')
    sheet = SHEET.format(rows="".join(rows)).encode()
    return {**_tiny("a few cells"), "xl/worksheets/sheet1.xml": sheet}


def _parts() -> SearchStrategy[dict[str, bytes]]:
    return st.sampled_from(list(TINY)).map(_tiny) | _typed()


def books() -> Bytes:
    """Small ones, as bundles of their parts."""
    return _parts().map(bundle)


def our_books() -> Bytes:
    """Those that `sheet` writes; each takes a while."""
    nets = families.networks(images=False, depth=1, width=2, samples=2)
    return nets.map(lambda net: bundle(_made(lambda path: write_workbook(net, path, epochs=3))))


def packages() -> Bytes:
    return st.builds(packed, _parts(), st.sampled_from([0, 8]))


# Data.


def _pixels(draw: DrawFn, *shape: int) -> np.ndarray:
    return np.random.RandomState(draw(st.integers(0, 99))).randint(0, 256, shape).astype(np.uint8)


@st.composite
def image_folders(draw: DrawFn) -> bytes:
    """Idx files, or a table, of a few images; perhaps packed, perhaps in two parts."""
    from tests.data.made import PACK, table

    side, packing = draw(st.integers(4, 6)), draw(st.sampled_from(list(PACK)))
    as_table = draw(st.booleans())
    found = {}
    for part in draw(st.sampled_from([("train",), ("train", "t10k")])):
        count = draw(st.integers(6, 9))
        labels = np.arange(count, dtype=np.uint8) % 2
        pixels = _pixels(draw, count, side, side)
        if as_table:
            rows = table(pixels.reshape(count, -1), list(map(str, labels)))
            found[f"{part}.csv{packing}"] = PACK[packing](rows.encode())
        else:
            for what, array in (("images-idx3", pixels), ("labels-idx1", labels)):
                found[f"{part}-{what}-ubyte{packing}"] = PACK[packing](idx.write(array))
    if not as_table and draw(st.booleans()):
        found["classes.txt"] = b"nought\none\n"
    return bundle(found)


@st.composite
def archives(draw: DrawFn) -> bytes:
    count, side = draw(st.integers(6, 9)), draw(st.integers(2, 5))
    shapes = [f"({count}, {side}, {side})", f"({count}, {side * side})", f"({count}, 1, 1, 3)"]
    kind, size = draw(st.sampled_from([("|u1", 1), ("<i2", 2), (">f8", 8)]))
    shape = draw(st.sampled_from(shapes))
    pixels = 3 * count if shape.endswith("3)") else count * side * side
    body = bytes(pixels * size)
    labels = draw(st.sampled_from([npy(f"({count},)", body=bytes(range(count))),
                                   npy(f"({count}, 1)", "<i4", bytes(4 * count)),
                                   npy(f"({count},)", "|S2", b"ab" * count)]))  # fmt: skip
    images = npy(shape, kind, body, draw(st.sampled_from(["True", "False"])))
    return bundle({"x_train.npy": images, "y_train.npy": labels})


def _csv(rows: Sequence[Sequence[object]], mark: str) -> bytes:
    return "\n".join(mark.join(map(str, row)) for row in rows).encode()


MARKS = st.sampled_from([",", ";", "\t"])


@st.composite
def tables(draw: DrawFn) -> bytes:
    width = draw(st.integers(2, 4))
    numbers, words = families.thousandths(-9, 9), st.sampled_from(["red", "blue"])
    kinds = [draw(st.sampled_from([numbers, words])) for _ in range(width)]
    rows = draw(st.lists(st.tuples(*kinds), min_size=3, max_size=8))
    headed = [[f"c{k}" for k in range(width)], *rows]
    return _csv(headed, draw(MARKS))


def sample_tables() -> Bytes:
    """Of the network with two inputs that tells three classes apart."""
    numbers = families.thousandths(-9, 9)
    rows = st.lists(st.tuples(numbers, numbers), min_size=3, max_size=8)
    labelled = rows.map(lambda found: [(*row, k % 3) for k, row in enumerate(found)])
    spread = rows.map(lambda found: [(*row, 0, 1, 0) for row in found])
    return st.builds(_csv, labelled | spread, MARKS)


@st.composite
def pictures(draw: DrawFn) -> bytes:
    """A stroke on paper, in any format and mode."""
    columns, rows = draw(st.integers(12, 40)), draw(st.integers(12, 40))
    grey = np.full((rows, columns), 255, np.uint8)
    grey[rows // 4 : 3 * rows // 4, columns // 2 : columns // 2 + 3] = 0
    form, modes = draw(
        st.sampled_from([
            ("PNG", "L LA P RGB RGBA 1 I;16"), ("JPEG", "L RGB CMYK"), ("GIF", "L P"),
            ("BMP", "L RGB 1"), ("PPM", "L RGB"), ("WEBP", "RGB RGBA"),
        ])
    )  # fmt: skip
    mode, made = draw(st.sampled_from(modes.split())), BytesIO()
    image = Image.fromarray(grey)
    image = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    image.save(made, form)
    return made.getvalue()


@st.composite
def sounds(draw: DrawFn) -> bytes:
    """WAV of any width."""
    width, channels = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    made = BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(draw(st.sampled_from([8000, 44_100])))
        file.writeframes(bytes(range(12)) * width * channels)
    return made.getvalue()


@st.composite
def recordings(draw: DrawFn) -> bytes:
    """A table of two channels, with a time that starts again or names."""
    named = draw(st.booleans())
    values = draw(st.lists(families.thousandths(-9, 9), min_size=4, max_size=6))
    heading = ["recording" if named else "time", "x", "y", "label"]
    rows = [
        (f"r{label}{take}" if named else k * 0.02, value, -1, label)
        for label in "ab"
        for take in range(2)
        for k, value in enumerate(values)
    ]
    return _csv([heading, *rows], draw(MARKS))


# Records.


def _json(record: SearchStrategy[Any]) -> Bytes:
    return record.map(lambda found: json.dumps(found).encode())


@st.composite
def _model_records(draw: DrawFn) -> dict[str, Any]:
    images = draw(st.booleans())
    start = "input 1x4x4\nflatten\n" if images else "input 4\n"
    inner = draw(st.sampled_from(["", "dense 2\nrelu\n", "batchnorm\n", "layernorm\ndense 3\n"]))
    net = parse(f"{start}{inner}dense 2\nsoftmax\nloss cross-entropy")
    return {
        "kind": "model",
        "version": 1,
        "network": str(net),
        "batch": draw(SMALL),
        "mean": [draw(SHARES)],
        "deviation": [draw(SHARES)],
        "classes": ["a", draw(NAMES.filter(lambda name: name != "a"))],
        "about": {
            "recipe": f"epochs 1\n\n{net}",
            "images": [1, 4, 4] if images else [1, 2, 2],
            "framing": draw(st.sampled_from(["", "3 centred by mass"])),
            "test_accuracy": draw(SHARES),
        },
    }


def models() -> Bytes:
    return _json(_model_records())


NET = "input 1x28x28; flatten; dense 10; log softmax; loss cross-entropy"
RECIPE = f"epochs 1\nbatch 8\n\n{NET.replace('; ', chr(10))}\n"
EPOCH = {
    "epoch": 1,
    "rate": 0.1,
    "train_loss": 1.0,
    "train_accuracy": 0.5,
    "seconds": 1.0,
    "validation_loss": None,
    "validation_accuracy": None,
    "images_per_second": 10.0,
}
RESULT = {
    "event": "done",
    "recipe": "x",
    "parameters": 7850,
    "epochs": 1,
    "seconds": 1.0,
    "images_per_second": 10.0,
    "validation_accuracy": None,
    "test_accuracy": 0.5,
    "seed": 0,
}
JOURNAL = (  # of a study with a trial, by the numbers that Optuna gives to what happens
    {"op_code": 0, "worker_id": "a", "study_name": "study", "directions": [2]},
    {"op_code": 4, "worker_id": "a", "study_id": 0, "datetime_start": "2026-11-30T05:57:18+00:00"},
    {
        "op_code": 5,
        "worker_id": "a",
        "trial_id": 0,
        "param_name": "batch",
        "param_value_internal": 0,
        "distribution": json.dumps(
            {"name": "CategoricalDistribution", "attributes": {"choices": ["64", "128"]}}
        ),
    },
)
DONE = {"accuracies": [0.5], "seconds": 1.5, "bits": ["0"], "why": "", "state": "done"}
NUMBERS = families.thousandths(0, 9)
EPOCHS = st.fixed_dictionaries({
    **dict.fromkeys(EPOCH, NUMBERS),
    "epoch": SMALL,
    "train_accuracy": SHARES,
    "validation_loss": st.none() | NUMBERS,
    "validation_accuracy": st.none() | SHARES,
})  # fmt: skip


def _numbered(epochs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**epoch, "epoch": number} for number, epoch in enumerate(epochs, 1)]


def checkpoints() -> Bytes:
    record = {
        "kind": st.just("checkpoint"),
        "version": st.just(1),
        "recipe": st.just(RECIPE),
        "mark": SMALL,
        "step": SMALL,
        "history": st.lists(EPOCHS, max_size=2).map(_numbered),
        "seconds": NUMBERS,
    }
    return _json(st.fixed_dictionaries(record))


@st.composite
def _files_of_models(draw: DrawFn) -> bytes:
    """A model's file as it lies there."""
    from gradbook.net.work.at_work import at_start

    record = draw(_model_records())
    values = at_start(Net.parse(record["network"])).items()
    arrays = {name: np.asarray(value, np.float32) for name, value in values}
    return with_right_sum(tensors(arrays, json.dumps(record).encode()))


@cache
def _of_a_table(target: str) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        table_model_of(target)[0].save(path)
        return path.read_bytes()


def files_of_tensors() -> Bytes:
    return _files_of_models() | st.sampled_from(["side", "area"]).map(_of_a_table)


def exported(ending: str) -> Bytes:
    """A network in another program's format."""

    @cache
    def content() -> bytes:
        with TemporaryDirectory() as folder:
            path = Path(folder, f"net.{ending}")
            model_of("input 1x6x6; conv 2 3x3; relu; flatten; dense 3; log softmax").export(path)
            return path.read_bytes()

    return st.builds(content)


@st.composite
def runs(draw: DrawFn) -> bytes:
    """A run's recipe, its epochs and its result; perhaps with a study's trials beside them."""
    epochs = draw(st.lists(EPOCHS, min_size=1, max_size=3))
    files = {
        "recipe.txt": RECIPE,
        "metrics.jsonl": "\n".join(map(json.dumps, epochs)),
        "result.json": json.dumps({**RESULT, "test_accuracy": draw(SHARES)}),
    }
    if draw(st.booleans()):
        files["study.txt"] = VARIED[0]
        note = {"result": {**DONE, "accuracy": draw(SHARES)}}
        noted = {"op_code": 8, "worker_id": "a", "trial_id": 0, "user_attr": note}
        files["journal.log"] = "".join(f"{json.dumps(it)}\n" for it in (*JOURNAL, noted))
    return bundle({name: text.encode() for name, text in files.items()})
