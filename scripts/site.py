"""Builds the documentation site: docs/ and site/, and beside them what gradbook says of itself.

    python -m scripts.site [FOLDER]        out/site, if no folder is named

The reference comes from the parsers of the verbs, the cards of the layers and the docstrings; the
gallery is made by the commands that site/gallery.md names. zensical makes pages of it and refuses
links and anchors that lead nowhere.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import chdir, redirect_stdout
from functools import cached_property
from html import escape
from importlib import import_module
from importlib.metadata import metadata
from io import StringIO
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any

from openpyxl import load_workbook

import gradbook
from gradbook.cli.main import PARTS, VERBS, main, verb_parser
from gradbook.cli.verbs.about import TOPICS, page
from gradbook.lab.classroom import personalise
from gradbook.layers import KINDS, Activation
from gradbook.net import builtin, parse
from gradbook.report.play_page import HOME_VARIABLE, play_page
from scripts.doc_tables import activations, losses, table

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out" / "site"
WORKER_ELSEWHERE = "https://unpkg.com/iframe-worker/shim"
WORDLESS = re.compile(r"<thead>\s*<tr>\s*(?:<th></th>\s*)+</tr>\s*</thead>")
STUDENTS = ("Ada", "Alan", "Emmy", "Grace", "Kurt", "Sofia", "Zoë")
LINK = re.compile(r"\[([^\[\]]*)\]\(([^)\s]+)\)")
COMMAND = re.compile(r"`(gradbook [^`]+)`")
SECTION = re.compile(
    r"^(Args|Attributes|Raises|Returns|Yields):\n((?:(?: {4}.*)?\n)+)", re.MULTILINE
)
TITLES = {"Args": "Parameters", "Attributes": "Fields"}
EXAMPLE = re.compile(r"^ *>>>.*\n?(?:.+\n?)*", re.MULTILINE)
PROPERTIES = (property, cached_property)
PLAY = "input 2; dense 4; tanh; dense 2; tanh; dense 1; sigmoid; loss binary cross-entropy; rate 1"
PLAY_TITLE = "gradbook: see how a neural network learns, number by number"
WIDTH = 88  # of a signature in one line
VERSIONS = '\n[project.extra.version]\nprovider = "mike"\n'  # reads ../versions.json
RECORDS = (  # what the functions of the face return
    "gradbook.audit.findings:BookReport",
    "gradbook.report.derivation:Explanation",
    "gradbook.report.notebook_page:NetworkPage",
    "gradbook.rates.sweep:Sweep",
    "gradbook.lab.models.columns:TableColumns",
    "gradbook.lab.training.train:Trained",
    "gradbook.report.workbook:WrittenWorkbook",
)


def build(folder: Path, among_versions: bool = False) -> None:
    """Make the whole site in `folder`, in place of what is there.

    Among versions it lies beside those of other releases, and has a menu of them.
    """
    with TemporaryDirectory() as name:
        stage, docs = Path(name), Path(name, "docs")
        shutil.copytree(ROOT / "docs", docs)
        shutil.copytree(ROOT / "site", docs, dirs_exist_ok=True)
        (docs / "zensical.toml").unlink()
        for path in docs.rglob("*.md"):
            path.write_text(inward(path.read_text("utf-8"), path.relative_to(docs)), "utf-8")
        for place, text in reference():
            (docs / place).parent.mkdir(parents=True, exist_ok=True)
            (docs / place).write_text(text, "utf-8")
        make_gallery((docs / "gallery.md").read_text("utf-8"), docs / "gallery")
        make_play(docs / "play")
        settings = configuration() + (VERSIONS if among_versions else "")
        (stage / "zensical.toml").write_text(settings, "utf-8")
        words = [sys.executable, "-m", "zensical", "build", "--strict"]
        subprocess.run(words, cwd=stage, check=True)
        finish(stage / "site")
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(stage / "site", folder)


def configuration() -> str:
    """The generator's settings, with this version and a place for each page of the reference."""
    text = (ROOT / "site" / "zensical.toml").read_text("utf-8")
    commands = [f"reference/commands/{name}.md" for name in ("index", *VERBS)]
    texts = [f"reference/texts/{topic}.md" for topic in TOPICS]
    text = text.replace('"@commands"', json.dumps(commands)).replace('"@texts"', json.dumps(texts))
    return text.replace("@version", gradbook.__version__)


def finish(site: Path) -> None:
    """What the generator leaves: a script from elsewhere, and headings of tables without words."""
    for path in site.rglob("*.html"):
        up = "../" * (len(path.relative_to(site).parts) - 1)
        text = path.read_text("utf-8").replace(WORKER_ELSEWHERE, f"{up}worker.js")
        text = WORDLESS.sub("", text).replace("<th></th>", "<td></td>")
        path.write_text(text, "utf-8")


def inward(text: str, place: Path) -> str:
    """The page with links that lead out of the site turned to where its source is kept."""
    up = "../" * len(place.parts)
    source = sources()

    def turned(link: re.Match[str]) -> str:
        words, target = link.groups()
        if not target.startswith(up):
            return link[0]
        return f"[{words}]({source}{target.removeprefix(up)})" if source else words

    return LINK.sub(turned, text)


def sources() -> str:
    """The address of the project's files, as the package's metadata names it."""
    links = dict(line.split(", ", 1) for line in metadata("gradbook").get_all("Project-URL", []))
    return f"{links['Source']}/blob/main/" if "Source" in links else ""


# The gallery ------------------------------------------------------------------


def make_gallery(text: str, folder: Path) -> None:
    """Run the commands that the page names."""
    folder.mkdir()
    write_class(folder / "class")
    with chdir(folder):
        for command in COMMAND.findall(text):
            said = StringIO()
            with redirect_stdout(said):
                code = main(shlex.split(command)[1:])
            if code not in (0, 1):  # 1: the class has mistakes
                raise SystemExit(f"{command}: exit code {code}\n{said.getvalue()}")


def make_play(folder: Path) -> None:
    """The page to play with, where links to it lead: with a card for previews, and kept by a
    service worker for when there is no network."""
    folder.mkdir()
    home = os.environ.get(HOME_VARIABLE, "").rstrip("/")
    address = f"{home}/play/" if home else ""
    card = {"title": PLAY_TITLE, "type": "website", "image": f"{address}card.png", "url": address}
    tags = (
        f'<meta property="og:{k}" content="{escape(said)}">' for k, said in card.items() if said
    )
    net = parse(PLAY)
    page = play_page(net, home=home, kept_with="".join(tags))
    (folder / "index.html").write_text(page, "utf-8")
    (folder / "card.png").write_bytes(net._repr_png_())
    shutil.move(folder.parent / "sw.js", folder)


def write_class(folder: Path) -> None:
    """What seven students hand in; some of their columns have the wrong sign."""
    folder.mkdir()
    for number, name in enumerate(STUDENTS):
        path = folder / f"{name.lower()}.xlsx"
        gradbook.write_workbook(personalise(builtin("worked"), name), path, epochs=12, rates=())
        book = load_workbook(path)
        for column in book["Training"].iter_cols(min_row=4):
            if column[0].value in ("∂E/∂w2", "∂E/∂w5")[: number % 3]:
                for cell in column[1:]:
                    cell.value = f"=-({cell.value[1:]})"
        book.save(path)


# The reference ----------------------------------------------------------------


def reference() -> Iterator[tuple[str, str]]:
    """Every generated page, by its place."""
    rows = [(f"[`{verb}`]({verb}.md)", about) for verb, about in VERBS.items()]
    yield "reference/commands/index.md", f"# Commands\n\n{table(('command', 'what it does'), rows)}"
    for verb in VERBS:
        yield f"reference/commands/{verb}.md", command_page(verb)
    for topic, about in TOPICS.items():
        yield f"reference/texts/{topic}.md", text_page(topic, about)
    yield "reference/python.md", python_page()


def command_page(verb: str) -> str:
    """A verb as its `--help` tells it, the options as tables; its parts one after the other."""
    if verb not in PARTS:
        return shown_command(verb)
    own = [shown_command(f"{verb} {part}") for part in PARTS[verb]]
    return "\n\n".join([f"# gradbook {verb}", *(re.sub("^#", "##", it, flags=re.M) for it in own)])


def shown_command(verb: str) -> str:
    shown = verb_parser(verb).page
    parts = [f"# gradbook {verb}", in_paragraphs(shown.about), fenced(shown.usage)]
    for section, entries in groupby(shown.entries, key=lambda entry: entry.section):
        rows = [
            (f"`{entry.typed}`".replace("|", "\\|"), entry.about.replace("|", "\\|"))
            for entry in entries
        ]
        parts.append(f"## {section.capitalize()}\n\n{table(('what is typed', 'meaning'), rows)}")
    return "\n\n".join([*parts, f"## Examples\n\n{fenced(dedent(shown.examples))}"])


def text_page(topic: str, about: str) -> str:
    """What can be written as text, as `gradbook help` prints it; of networks, tables first."""
    parts = [f"# {topic.capitalize()}", f"{about.capitalize()}; `gradbook help {topic}` prints it."]
    if topic == "networks":
        layers = [
            (f"`{form.usage}`".replace("|", "\\|"), " ".join(form.help))
            for kind in KINDS
            for form in kind.forms
        ]
        parts += ["## Layers", table(("line", "what it makes"), layers)]
        parts += ["## Activations", activations(), "## Losses", losses(), "## All of it"]
    return "\n\n".join([*parts, fenced(page(topic))])


def in_paragraphs(text: str) -> str:
    """Help as Markdown: what is indented there stays as it is."""
    blocks = re.split(r"\n\s*\n", text.strip("\n"))
    return "\n\n".join(fenced(b) if b.startswith("  ") else b for b in blocks)


def fenced(text: str, language: str = "text") -> str:
    return f"```{language}\n{text.rstrip()}\n```"


# Python -----------------------------------------------------------------------


def python_page() -> str:
    """The public face, the records that it gives back, and the layers, from their docstrings."""
    face = [name for name in gradbook.__all__ if name != "__version__"]
    parts = ["# Python", "```python\nimport gradbook as gb\n```"]
    parts += ["## Functions and classes"]
    parts += [described(f"gb.{name}", getattr(gradbook, name)) for name in face]
    parts += ["## What they return"]
    for place in RECORDS:
        module, _, name = place.partition(":")
        parts.append(described(name, getattr(import_module(module), name)))
    parts += [
        "## Layers",
        "Of `gradbook.net`, for a `gb.Net` that is made without its text form.",
    ]
    parts += [described(kind.__name__, kind) for kind in (*KINDS, Activation)]
    return "\n\n".join(parts)


def described(name: str, thing: Any) -> str:
    """Its signature with types, its docstring, and the same of its public methods."""
    parts = [f"### {name}", signature(name, thing), docstring(thing)]
    for word, member in public_members(thing):
        parts += [f"#### {name}.{word}", signature(word, member), docstring(member)]
    return "\n\n".join(filter(None, parts))


def public_members(thing: Any) -> list[tuple[str, Any]]:
    """Methods and properties of a class that say what they do."""
    if not inspect.isclass(thing) or issubclass(thing, Exception):
        return []
    plain = ((word, getattr(member, "__func__", member)) for word, member in vars(thing).items())
    return [
        (word, member)
        for word, member in plain
        if not word.startswith("_")
        and (inspect.isfunction(member) or isinstance(member, PROPERTIES))
        and inspect.getdoc(member)
    ]


def signature(name: str, thing: Any) -> str:
    """As it would be written, an argument a line where one line is too short."""
    if isinstance(thing, PROPERTIES):
        getter = thing.fget if isinstance(thing, property) else thing.func
        return fenced(f"{name}: {inspect.signature(getter).return_annotation}", "python")
    found = inspect.signature(thing)
    given = [parameter for parameter in found.parameters.values() if parameter.name != "self"]
    kept = found.replace(parameters=given)
    if inspect.isclass(thing):
        kept = kept.replace(return_annotation=inspect.Signature.empty)
    line = name + unquoted(str(kept))
    if len(line) > WIDTH:
        arguments = "".join(f"    {unquoted(str(one))},\n" for one in starred(given))
        line = f"{name}(\n{arguments}){line.rpartition(')')[2]}"
    return fenced(line, "python")


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
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)
    return re.sub(r"<[^<>]*(?:<[^<>]*>)?[^<>]*>", "…", text)


def docstring(thing: Any) -> str:
    """What it says of itself: examples as blocks, what goes in and comes out as lists."""
    text = f"{inspect.getdoc(thing) or ''}\n"
    text = EXAMPLE.sub(lambda found: f"{fenced(dedent(found[0]), 'pycon')}\n", text)
    return SECTION.sub(
        lambda found: f"**{TITLES.get(found[1], found[1])}**\n\n{items(dedent(found[2]))}\n\n", text
    ).strip()


def items(text: str) -> str:
    """A line of a list for each name that is told of; what names nothing stays a paragraph."""
    told = re.sub(r"\n +", " ", text.strip())
    return re.sub(r"^(\*{0,2}\w+): ", r"- `\1`: ", told, flags=re.MULTILINE)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if sys.argv[1:] else OUT)
