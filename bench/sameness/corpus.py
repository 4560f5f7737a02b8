"""The corpus: networks through every medium and format, trainings, books, and words.

What it needs is written by what stands here, once, and both commits are given the same files.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count, islice, product
from multiprocessing import get_context
from pathlib import Path
from shutil import copyfile
from typing import Any

from gradbook.builtin_networks import BUILTIN
from gradbook.cli.main import every_command

ROOT = Path(__file__).parents[2]
REAL_BOOKS = ROOT.parent / "shared" / "workbooks"


@dataclass(frozen=True)
class Case:
    """Some commands, one after the other, in a folder with these files."""

    part: str
    name: str
    commands: tuple[tuple[str, ...], ...]
    files: tuple[str, ...] = ()


# Networks -----------------------------------------------------------------------------

SAMPLE = "sample 0.5 -1 -> 1 0"
END = f"loss mean squared error; {SAMPLE}"
LAYERS = {  # each card at least once
    "biases": f"input 2; dense 3; tanh; dense 2; sigmoid; loss half squared error; {SAMPLE}",
    "no biases": f"input 2; dense 2 no bias; sigmoid; dense 2; {END}",
    "cross-entropy": f"input 2; dense 4; relu; dense 2; softmax; loss cross-entropy; {SAMPLE}",
    "few bits": f"input 2; dense 3 bits 4; quantize 4; dense 2; {END}",
    "ternary": f"input 2; dense 3 ternary; relu; dense 2; {END}",
    "back": f"input 2; dense 2; tanh; add back 2; dense 2; {END}",
    "times": f"input 2; dense 2; sigmoid; multiply back 2; dense 2; {END}",
    "joined": f"input 2; dense 2; tanh; concat back 2; dense 2; {END}",
    "one": "input 1; dense 1 no bias; loss half squared error; sample 2 -> 1",
    "dropout": f"input 2; dense 4; relu; dropout 0.25; dense 2; {END}",
    "prelu": f"input 2; dense 3; prelu; dense 2; {END}",
    "norm": f"input 2; dense 4; layernorm; relu; dense 2; {END}",
    "adam": f"input 2; dense 2; sigmoid; dense 2; update adam; {END}",
    "momentum": f"input 2; dense 2; sigmoid; dense 2; update momentum 0.9; {END}",
    "two samples": f"input 2; dense 2; tanh; dense 2; {END}; sample 1 1 -> 0 1",
}
ACTIVATIONS = (
    *("sigmoid", "tanh", "relu", "leaky relu", "relu6", "elu", "softplus", "logrelu", "gelu"),
    *("exact gelu", "silu", "mish", "hardsigmoid", "hard swish", "identity"),
)
IMAGES = {
    "convnet": "conv 4 3x3 pad 1; batchnorm; relu; maxpool 2; dropout 0.1; conv 6 3x3; relu; "
    "avgpool all; flatten",
    "depthwise": "conv 4 3x3; relu; depthwise 3x3; relu6; conv 8 1x1; avgpool all; flatten",
    "groups": "conv 4 3x3 no bias; groupnorm 2; silu; maxpool 2; instancenorm; flatten; dense 10",
    "up": "conv 4 3x3 stride 2; relu; upsample 2; convtranspose 2 2x2 stride 2; flatten; dense 10",
    "residual": "conv 4 3x3 pad 1; relu; conv 4 3x3 pad 1; add back 2; relu; flatten; dense 10",
    "bits": "conv 4 3x3 bits 8; relu; quantize 4; flatten; dense 10 ternary",
}
SEQUENCES = {
    "rnn": "rnn 5; dense 3",
    "gru": "gru 4 all; gru 4; dense 3",
    "lstm": "lstm 4; dense 3",
    "attention": "conv1d 4 1; sinusoids; attention heads 2; placenorm; flatten; dense 3",
    "positions": "positions; attention; rmsnorm; flatten; dense 3",
    "windows": "conv1d 4 3 pad 1x1; relu; maxpool1d 2; avgpool1d all; flatten; dense 3",
}
MEDIA = ("txt", "html", "tex", "md", "json")
FORMATS = ("onnx", "py", "keras", "npz", "json", "txt", "c")


def texts() -> Mapping[str, str]:
    """The networks by name: built-in ones, one for each card, and one for each activation."""
    bends = {bend: f"input 2; dense 2; {bend}; dense 2; {END}" for bend in ACTIVATIONS}
    return {name: name for name in BUILTIN} | LAYERS | bends


def _networks(_: Path) -> Iterator[Case]:
    for name, text in texts().items():
        for medium in MEDIA:
            yield Case("networks", f"{name} as {medium}", (("explain", text, "-o", f"d.{medium}"),))
        yield Case("networks", f"summary of {name}", (("summary", text),))


def _books(_: Path) -> Iterator[Case]:
    for name, text in texts().items():
        yield Case("books", f"book of {name}", (("sheet", text, "--epochs", "8", "-o", "b.xlsx"),))
    for name in ("worked", "mazur", "xor", "echo"):
        words = ("sheet", name, "--exercise", "7", "-o", "e.xlsx")
        yield Case("books", f"exercise of {name}", (words,))


def _pages(_: Path) -> Iterator[Case]:
    for name, text in texts().items():
        yield Case("pages", f"page of {name}", (("play", text, "-o", "p.html"),))
    for name in ("worked", "xor"):
        yield Case("pages", f"sweep of {name}", (("sweep", name, "-o", "s.html"),))
        words = ("quiz", name, "-o", "q.xml")
        yield Case("pages", f"quiz of {name}", (words,))


def _exports(_: Path) -> Iterator[Case]:
    for kind, names in (("images", IMAGES), ("steps", SEQUENCES)):
        for name in names:
            file = f"{kind} {name}.safetensors"
            for ending in FORMATS:
                words = ("export", file, "-o", f"net.{ending}")
                yield Case("exports", f"{name} as {ending}", (words,), (file,))
            whole = ("export", file, "-o", "net.c", "--int8", "--data", "digits")
            if kind == "images":
                yield Case("exports", f"{name} in whole numbers", (whole,), (file,))


def _write_models(folder: Path) -> None:
    from tests.trained import model_of

    for name, text in IMAGES.items():
        ending = "" if "dense 10" in text else "; dense 10"
        model = model_of(f"input 1x28x28; {text}{ending}; log softmax")
        model.save(folder / f"images {name}.safetensors")
    for name, text in SEQUENCES.items():
        model = model_of(f"input 6x2; {text}; log softmax", images=(1, 6, 2))
        model.save(folder / f"steps {name}.safetensors")


# Trainings ----------------------------------------------------------------------------


def _trainings(_: Path) -> Iterator[Case]:
    once = ("--epochs", "1", "-o", "run")
    for recipe in ("iris", "gestures"):
        yield Case("trainings", recipe, (("train", recipe, *once),))
    for recipe in ("quick", "tiny"):
        yield Case("trainings", recipe, (("train", recipe, *once, "--threads", "1"),))
    words = ("train", "names", "--set", "steps 50", "-o", "run")
    yield Case("trainings", "names", (words, ("generate", "run")))


# Books that others made ---------------------------------------------------------------

BOOKS_AT_ONCE = 25  # by one command
NUMBERS_APART = 1_000  # of what two groups are drawn from


def _audits(folder: Path) -> Iterator[Case]:
    for path in sorted((folder / "audit").glob("*/*")):
        name = str(path.relative_to(folder))
        yield Case("audits", name, (("check", name, "--json", "--workers", "1"),), (name,))


def _write_books(folder: Path) -> None:
    """Each group in a folder of its own, by a process of its own."""
    jobs = [("real", 0), ("kinds", 0), ("layouts", 0)]
    jobs += [("mutants", group) for group in range(600 // BOOKS_AT_ONCE)]
    jobs += [("perceptrons", group) for group in range(200 // BOOKS_AT_ONCE)]
    jobs += [("exercises", number) for number in range(10)]
    with ProcessPoolExecutor(mp_context=get_context("fork")) as pool:
        list(pool.map(partial(_write_group, folder), *zip(*jobs, strict=True)))


def _write_group(folder: Path, sort: str, group: int) -> None:
    warnings.simplefilter("ignore")
    for number, (name, save) in enumerate(_books_of(sort, group, folder)):
        path = folder / "audit" / sort / str(group + number // BOOKS_AT_ONCE) / f"{name}.xlsx"
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path)


def _books_of(sort: str, group: int, folder: Path) -> Iterator[tuple[str, Callable[[Path], Any]]]:
    """Each book's name, and what saves it."""
    from tests.audit.material import exercises, mutants
    from tests.audit.material.kinds import catalogue
    from tests.audit.material.layouts.places import LAYOUTS
    from tests.audit.material.layouts.planted import drawn, planted_table
    from tests.audit.material.perceptrons import mutants as perceptrons

    numbers = count(group * NUMBERS_APART)
    match sort:
        case "real":
            for real in sorted(REAL_BOOKS.glob("*.xls*")):
                yield real.stem, partial(copyfile, real)
        case "kinds":
            for name, kind in catalogue.KINDS.items():
                for number, table in enumerate([kind.table, *kind.mistakes.values()]):
                    yield f"{name} {number}", partial(catalogue.saved, kind, table)
        case "layouts":
            for name, number in product(LAYOUTS, range(200 // len(LAYOUTS))):
                laid_out = planted_table(*drawn(number, name), name)
                if laid_out:
                    yield f"{name} {number}", laid_out[1].save
        case "mutants":
            drawn_books = ((k, mutants.mutant(k, (1, 1, 2))) for k in numbers)
            yield from islice(((str(k), m[2].save) for k, m in drawn_books if m), BOOKS_AT_ONCE)
        case "perceptrons":
            planted = ((k, perceptrons.spoilt(k)) for k in numbers)
            books = ((str(k), book[1].table().save) for k, book in planted if book)
            yield from islice(books, BOOKS_AT_ONCE)
        case "exercises":
            variation = exercises.Variation.of(group)
            desk = folder / f"desk {group}"
            desk.mkdir()
            given = exercises.exercise(variation, desk)
            for which, mistake in enumerate(exercises.mistakes(variation)):
                book = exercises.hand_in(given, mistake.entries, variation)
                yield f"{group} {which} {mistake.letter}", book.rename


# Words --------------------------------------------------------------------------------

MISTAKES: Sequence[tuple[str, ...]] = (
    ("explain", "input 2; dens 3"),
    ("explain", "nothing.txt"),
    ("explain", "worked", "--only", "w99"),
    ("sheet", "reference", "-o", "b.xlsx"),
    ("sheet", "worked", "-o", "b.docx"),
    ("check", "nothing.xlsx"),
    ("train", "nothing"),
    ("train", "quick", "--epochs", "0"),
    ("predict", "nothing", "a.png"),
    ("export", "nothing", "-o", "a.onnx"),
    ("import", "nothing.onnx"),
    ("play", "worked", "--port", "x"),
    ("sweep", "xor", "--rates", "fast"),
    ("quiz", "worked", "-o", "q.zzz"),
    ("class", "grow", "here"),
    ("nothing",),
)


def _words(_: Path) -> Iterator[Case]:
    for verb in every_command():
        yield Case("words", f"help of {verb}", ((*verb.split(), "--help"),))
    for topic in ("networks", "recipes"):
        yield Case("words", f"help {topic}", (("help", topic),))
    for words in MISTAKES:
        yield Case("words", " ".join(words), (words,))


PARTS: Mapping[str, Callable[[Path], Iterator[Case]]] = {
    "networks": _networks,
    "books": _books,
    "pages": _pages,
    "exports": _exports,
    "trainings": _trainings,
    "audits": _audits,
    "words": _words,
}


def write_files(folder: Path, part: str) -> None:
    """What the cases of this part are given."""
    if part == "exports":
        _write_models(folder)
    if part == "audits":
        _write_books(folder)
