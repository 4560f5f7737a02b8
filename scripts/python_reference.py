"""The reference of the Python face: a page a subject, in the order in which one learns it.

What stands on a page is picked by hand, name by name; what is said of a name is its docstring, its
signature and, of a record, the remarks behind its fields.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, is_dataclass
from functools import cached_property
from importlib import import_module
from textwrap import dedent
from typing import Any

import gradbook
from scripts.command_pages import table

FOLDER = "reference/python"
WIDTH = 88  # of a signature in one line
SECTION = re.compile(
    r"^(Args|Attributes|Raises|Returns|Yields):\n((?:(?: {4}.*)?\n)+)", re.MULTILINE
)
TITLES = {"Args": "Parameters", "Attributes": "Fields"}
EXAMPLE = re.compile(r"^ *>>>.*\n?(?:.+\n?)*", re.MULTILINE)
ALIASES = {
    "Array": "NDArray[float64]",
    "Both": "tuple[int, int]",
    "Pad": 'tuple[int, int, int, int] | Literal["same"]',
    "Shape": "tuple[int, ...]",
}
PROPERTIES = (property, cached_property)


@dataclass(frozen=True)
class ReferencePage:
    """One page: public names, and where records live that their functions give back, each with
    the members that are told of."""

    name: str
    title: str
    about: str
    names: dict[str, tuple[str, ...]]
    records: dict[str, tuple[str, ...]] = field(default_factory=dict)


PAGES = (
    ReferencePage(
        "networks",
        "gb.Net",
        "A network is an object and a text at once: `str(net)` writes it, `gb.Net.parse` reads it.",
        {
            "Net": ("parse", "forward", "gradients", "count", "shapes", "with_samples"),
            "Sample": (),
            "builtin": (),
            "read_table": (),
        },
    ),
    ReferencePage(
        "layers",
        "Layers",
        "The usual layers as typed records. Every other layer is named by its line of the "
        "[text form](../texts/networks.md), which `gb.Net` takes in the same list: "
        '`gb.Net((8, 3), ["lstm 8", gb.Dense(2)])`.',
        dict.fromkeys(
            ("Dense", "Bias", "Activation", "Conv", "Pool", "BatchNorm", "Dropout", "Flatten"), ()
        ),
    ),
    ReferencePage(
        "formulas",
        "Formulas of your own",
        "Numbers that remember how they were computed. `gb.explain` and `gb.write_workbook` take "
        "what operators make of them, or the same as a [text](../../guides/formulas.md).",
        {"values": (), "Value": ("named", "backward", "formulas")},
    ),
    ReferencePage(
        "derivation",
        "The derivation",
        "The chain rule, worked with the numbers filled in.",
        {"explain": ()},
        {"gradbook.report.explanation:Explanation": (*("html", "latex", "markdown", "json"),)},
    ),
    ReferencePage(
        "learning-rates",
        "gb.sweep",
        "What each learning rate does to a network.",
        {"sweep": ()},
        {
            "gradbook.rates.sweep:Sweep": ("rates", "outcomes", "limit", "finding"),
            "gradbook.rates.verdict:RateOutcome": (
                *("rate", "losses", "end", "lowest", "trains", "verdict", "reason"),
            ),
            "gradbook.rates.sweep:Limit": ("rate", "beyond", "reliable", "failing"),
        },
    ),
    ReferencePage(
        "workbooks",
        "Workbooks",
        "Write one, and check one that somebody made.",
        {"write_workbook": (), "check": ()},
        {
            "gradbook.report.workbook:WrittenWorkbook": ("path", "rate", "rates", "remarks"),
            "gradbook.audit.findings:BookReport": ("verdict", "sheets", "findings", "notes"),
            "gradbook.audit.findings:SheetReport": (
                *("sheet", "verdict", "loss", "weights", "findings", "notes"),
            ),
            "gradbook.audit.findings:Finding": (
                *("kind", "quantity", "weight", "cells", "formula", "expected", "why"),
            ),
        },
    ),
    ReferencePage(
        "programs",
        "Programs of your own",
        "A training written by hand in NumPy, checked where it runs. `gb.check(step, W1, X, y)` "
        "calls a function ([gb.check](workbooks.md)); `gb.watch` looks on while your own code "
        "trains. [What is checked](../../reference/programs.md) says what either follows.",
        {"watch": ()},
        {
            "gradbook.audit.programs.in_python:Watched": ("check", "explain"),
            "gradbook.audit.programs.program_report:ProgramReport": (
                *("verdict", "models", "reason"),
            ),
            "gradbook.audit.programs.program_report:ProgramModel": (
                *("verdict", "loss", "gradients", "findings", "steps", "reason", "factor"),
            ),
            "gradbook.audit.programs.program_report:ProgramFinding": (
                *("span", "replacement", "why", "kind", "gradients"),
            ),
            "gradbook.audit.programs.program_report:Gradient": (
                *("name", "weight", "is_right", "entry", "yours", "exact", "factor"),
            ),
            "gradbook.audit.programs.program_report:SourceSpan": (
                *("file", "line", "column", "text", "cell"),
            ),
            "gradbook.audit.programs.explaining:ProgramChain": (
                *("weight", "loss", "links", "formula", "gradient", "slopes", "step"),
            ),
            "gradbook.audit.programs.explaining:ChainLink": (
                *("span", "name", "shape", "numbers", "slopes"),
            ),
        },
    ),
    ReferencePage(
        "derivatives",
        "Derivatives of a workbook",
        "Which of a workbook's numbers matter, and by how much; "
        "[the guide](../../guides/derivatives.md) has an example.",
        {
            "read_book": (),
            "Workbook": ("sheets", "results", "derivatives", "write"),
            "Derivatives": ("inputs", "to_frame", "write"),
        },
        {
            "gradbook.derivatives.public_book:WorkbookCell": ("name", "label", "value", "formula"),
            "gradbook.derivatives.sensitivities:Sensitivity": (
                *("name", "label", "value", "slope", "elasticity", "step", "nudged", "sentence"),
            ),
        },
    ),
    ReferencePage(
        "page",
        "The page in a notebook",
        "The page to play with in a cell.",
        {"play": ()},
        {"gradbook.report.notebook:NetworkPage": ()},
    ),
    ReferencePage(
        "training",
        "Training",
        "From arrays, tables, images or a recipe to a trained network and its report.",
        {"train": (), "steps": (), "recipe": (), "recipe_for": (), "write_report": ()},
        {
            "gradbook.lab.training.train:Trained": (
                *("model", "history", "test", "test_accuracy", "validation_accuracy"),
                "class_scores",
                *("seconds", "stopped", "doubts"),
            ),
            "gradbook.lab.training.epochs:History": ("to_frame",),
            "gradbook.lab.models.answers:FinalScore": (
                *("score", "loss", "classes", "confusion", "answers"),
                *("mean_absolute_error", "root_mean_squared_error", "numbers"),
            ),
            "gradbook.lab.models.answers:NumberScore": (
                *("r2", "mean_absolute_error", "root_mean_squared_error"),
            ),
            "gradbook.lab.models.answers:ClassScore": ("images", "precision", "recall", "f1"),
            "gradbook.lab.steps:DrivenTraining": ("predict",),
            "gradbook.lab.training.epochs:Epoch": (
                *("epoch", "rate", "train_loss", "train_accuracy"),
                *("validation_loss", "validation_accuracy", "seconds"),
            ),
        },
    ),
    ReferencePage(
        "models",
        "Trained models",
        "Use a trained network, write it for other programs, or bring one in from them.",
        {
            "load": (),
            "Model": ("predict", "evaluate", "classify", "score", "summary", "save", "export"),
            **dict.fromkeys(("from_torch", "from_keras", "from_sklearn"), ()),
        },
        {"gradbook.lab.models.exporting:Exported": ("files", "remarks")},
    ),
    ReferencePage(
        "errors",
        "Errors",
        "Whatever is wrong with an input is said in one line.",
        {"GradbookError": (), "Assumption": ()},
    ),
)


def python_pages() -> Iterator[tuple[str, str]]:
    """Each page by its place in the site, an overview first."""
    rows = [
        (f"[{page.title}]({page.name}.md)", ", ".join(f"`gb.{name}`" for name in page.names))
        for page in PAGES
    ]
    lead = "# Python\n\n```python\nimport gradbook as gb\n```"
    yield f"{FOLDER}/index.md", f"{lead}\n\n{table(('page', 'names'), rows)}"
    for page in PAGES:
        yield f"{FOLDER}/{page.name}.md", "\n\n".join(filter(None, _parts(page)))


def places() -> list[str]:
    """Where they are, for the site's navigation."""
    return [f"{FOLDER}/{name}.md" for name in ("index", *(page.name for page in PAGES))]


def members() -> Iterator[tuple[str, Any]]:
    """Each method and function that is told of, with its name: Net.forward."""
    for page in PAGES:
        for name, picked in page.names.items():
            thing = getattr(gradbook, name)
            yield name, thing
            yield from ((f"{name}.{word}", getattr(thing, word)) for word in picked)


def _parts(page: ReferencePage) -> Iterator[str]:
    yield from (f"# {page.title}", page.about)
    for name, picked in page.names.items():
        thing = getattr(gradbook, name)
        yield from (f"## gb.{name}", signature(f"gb.{name}", thing), docstring(thing))
        yield from _members(name, thing, picked)
    for place, picked in page.records.items():
        module, _, name = place.partition(":")
        record = getattr(import_module(module), name)
        yield from (f"## {name}", docstring(record))
        yield from _members(name, record, picked)


def _members(owner: str, thing: Any, picked: tuple[str, ...]) -> Iterator[str]:
    """Fields and properties as a table, then the methods."""
    methods = [word for word in picked if callable(getattr(thing, word, None))]
    rows = [
        (f"`{word}`", f"`{kind}`", about)
        for word in picked
        if word not in methods
        for kind, about in [_told(thing, word)]
    ]
    if rows:
        yield table(("field", "type", "meaning"), rows).rstrip()
    for word in methods:
        member = getattr(thing, word)
        yield from (f"### {owner}.{word}", signature(word, member), docstring(member))


def _told(thing: Any, word: str) -> tuple[str, str]:
    """The type of a field and the remark behind it, or those of a property."""
    member = inspect.getattr_static(thing, word, None)
    if isinstance(member, PROPERTIES):
        getter = member.fget if isinstance(member, property) else member.func
        kind = inspect.signature(getter).return_annotation
        return unquoted(kind), " ".join((inspect.getdoc(member) or "").split())
    assert is_dataclass(thing)
    line = re.compile(rf"^    {word}: (.+?)(?: = [^#\n]+?)?(?:  # (.*))?$", re.MULTILINE)
    found = line.search(inspect.getsource(thing))
    assert found
    return unquoted(found[1]), (found[2] or "")


def signature(name: str, thing: Any) -> str:
    """As it would be written, an argument a line where one line is too short."""
    if inspect.isclass(thing) and issubclass(thing, (Exception, str)):
        return ""
    found = inspect.signature(thing)
    given = [parameter for parameter in found.parameters.values() if parameter.name != "self"]
    kept = found.replace(parameters=given)
    if inspect.isclass(thing):
        kept = kept.replace(return_annotation=inspect.Signature.empty)
    line = name + unquoted(str(kept))
    if len(line) > WIDTH:
        arguments = "".join(f"    {unquoted(str(one))},\n" for one in starred(given))
        line = f"{name}(\n{arguments}){line.rpartition(')')[2]}"
    return f"```python\n{line}\n```"


def starred(given: Iterable[inspect.Parameter]) -> Iterator[inspect.Parameter | str]:
    """With a `*` before those that have to be named."""
    before = None
    for parameter in given:
        if parameter.kind is parameter.KEYWORD_ONLY and before is not parameter.kind:
            yield "*"
        before = parameter.kind
        yield parameter


def unquoted(text: str) -> str:
    """Annotations as they are written, and defaults that can't be read left open."""
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text).replace("mappingproxy({})", "{}")
    for alias, meant in ALIASES.items():
        text = re.sub(rf"\b{alias}\b", meant, text)
    return re.sub(r"<[^<>]*(?:<[^<>]*>)?[^<>]*>", "…", text)


def docstring(thing: Any) -> str:
    """What it says of itself: examples as blocks, what goes in and comes out as lists."""
    text = f"{inspect.getdoc(thing) or ''}\n"
    text = text.replace("<BLANKLINE>\n", "").replace("  # doctest: +ELLIPSIS", "")
    text = EXAMPLE.sub(lambda found: f"```pycon\n{dedent(found[0]).rstrip()}\n```\n", text)
    return SECTION.sub(
        lambda found: f"**{TITLES.get(found[1], found[1])}**\n\n{items(dedent(found[2]))}\n\n", text
    ).strip()


def items(text: str) -> str:
    """A line of a list for each name that is told of; what names nothing stays a paragraph."""
    told = re.sub(r"\n +", " ", text.strip())
    return re.sub(r"^(\*{0,2}\w+): ", r"- `\1`: ", told, flags=re.MULTILINE)
