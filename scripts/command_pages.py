"""The reference of the commands and of what is written as text, set as pages.

What gradbook prints is made of paragraphs, of entries in two columns and of examples. A page has
the same as paragraphs, tables and blocks of code; each topic and each verb that is named there is a
link to its page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import dedent

from gradbook.cli.main import PARTS, VERBS, parts_page, verb_parser
from gradbook.cli.verbs.about import TOPICS, page
from scripts.mathematics import as_tex

COMMANDS, TEXTS = "reference/commands", "reference/texts"
TITLES = {
    "networks": "Lines of a network",
    "recipes": "Lines of a recipe",
    "studies": "Lines of a study",
    "warps": "Warps",
    "tables": "Lines for tables",
    "signals": "Lines for signals",
    "findings": "Verdicts and findings",
    "limits": "Limits",
    "completion": "Tab completion",
}
HEADINGS = {  # where a long text has none, by how its parts begin
    "An activation turns": "Activations",
    "A window K": "Windows, biases and bits",
    "| line | meaning |\n|---|---|\n| `loss": "Loss, training and samples",
    "explain, sheet, play": "Formulas",
}
ENTRY = re.compile(r"( *)(\S(?:.*?\S)??)(?: {2,}(\S.*)| ?)")
SECOND_FORM = re.compile(r"(\{.*?\}) {2,}(\S.*)")
EXAMPLE = re.compile(r" *(gradbook (?:\S+ ?)+?)(?: {2,}(\S.*)| ?)")
HELP_ON = re.compile(r"(gradbook help )((?:\w+)(?:(?:, | and )\w+)*)")
COMMAND = re.compile(r"gradbook (\w+)(?: (init|collect|mark|serve)\b)?(?: --help)?")
SENTENCE = re.compile(r"\s*[A-Z]\w*(?: [^\s=]+){3}")
MARKUP = re.compile(r"([|*<])")
NBSP = "\u00a0"


def command_pages() -> Iterator[tuple[str, str]]:
    """Each page by its place in the site."""
    rows = [(f"[`{verb}`]({verb}.md)", about) for verb, about in VERBS.items()]
    yield f"{COMMANDS}/index.md", f"# Commands\n\n{table(('command', 'what it does'), rows)}"
    for verb in VERBS:
        yield f"{COMMANDS}/{verb}.md", _command_page(verb)
    yield f"{TEXTS}/index.md", _topics_page()
    for topic, about in TOPICS.items():
        yield f"{TEXTS}/{topic}.md", _text_page(topic, about)


def _command_page(verb: str) -> str:
    """What it does, its options as tables; a verb with parts shows each."""
    if verb not in PARTS:
        return f"# gradbook {verb}\n\n{_help_of(verb, level=2)}"
    rows = [
        (f"[`gradbook {verb} {part}`](#gradbook-{verb}-{part})", about)
        for part, about in PARTS[verb].items()
    ]
    about = parts_page(verb).partition("\n\n")[2].partition("\n\n")[0]
    parts = [
        f"## gradbook {verb} {part}\n\n{_help_of(f'{verb} {part}', level=3)}"
        for part in PARTS[verb]
    ]
    return "\n\n".join(
        [f"# gradbook {verb}", linked(about), table(("part", "what it does"), rows), *parts]
    )


def _help_of(command: str, level: int) -> str:
    """What a command does, its options and its examples, under headings of that level."""
    shown, marks = verb_parser(command).page, "#" * level
    blocks = [laid_out(shown.about), fenced(shown.usage)]
    for section, entries in groupby(shown.entries, key=lambda entry: entry.section):
        rows = [(f"`{entry.typed}`", linked(_without_the_list(entry.about))) for entry in entries]
        if command == "help":
            rows = [(typed, f"{about} {_topics()}") for typed, about in rows]
        options = table(("what is typed", "meaning"), rows)
        blocks.append(f"{marks} {linked(section[0].upper() + section[1:])}\n\n{options}")
    return "\n\n".join([*blocks, f"{marks} Examples\n\n{examples(shown.examples)}"])


def _without_the_list(about: str) -> str:
    """An entry without the topics that it ends in, which are links on a page."""
    return about.removesuffix(", ".join(TOPICS)).rstrip()


def _topics() -> str:
    return ", ".join(f"[{topic}](../texts/{topic}.md)" for topic in TOPICS)


def _topics_page() -> str:
    rows = [(f"[{TITLES[topic]}]({topic}.md)", about) for topic, about in TOPICS.items()]
    return f"# Topics of the help\n\n{table(('page', 'what it says'), rows)}"


def _text_page(topic: str, about: str) -> str:
    """What can be written as text: the help on it, under headings where it is long."""
    text = f"{about.capitalize()}; `gradbook help {topic}` prints it.\n\n{laid_out(page(topic))}"
    for beginning, heading in HEADINGS.items():
        text = text.replace(f"\n\n{beginning}", f"\n\n## {heading}\n\n{beginning}", 1)
    return f"# {TITLES[topic]}\n\n{text}"


def laid_out(text: str) -> str:
    """Printed help as Markdown: entries in two columns as tables, what else is indented as code."""
    blocks = re.split(r"\n\s*\n", text.strip("\n"))
    return "\n\n".join(map(_block, blocks))


def _block(text: str) -> str:
    entries = list(_entries(text.splitlines()))
    if (len(entries) > 1 and all(about for _, about in entries)) or _is_listed(entries):
        return table(("line", "meaning"), ((typed, _meaning(about)) for typed, about in entries))
    if text.startswith("  ") and not SENTENCE.match(text):
        return examples(text)
    return linked(dedent(text))


def _meaning(about: str) -> str:
    """A formula typeset, anything else with its links."""
    tex = as_tex(about)
    return tex if tex.startswith("$") else linked(about)


def _is_listed(entries: list[tuple[str, str]]) -> bool:
    """Whether most entries have a meaning beside them, which runs on below the others."""
    return len(entries) > 2 and sum(bool(about) for _, about in entries) * 2 > len(entries)


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What is typed and what it means; a line that begins below the meaning continues it."""
    typed, meaning, column, shift = "", "", 0, 0
    for line in lines:
        indent = len(line) - len(line.lstrip())
        match = ENTRY.fullmatch(line)
        assert match
        if typed and indent > shift + 2 and (indent >= column or not match[3]):
            meaning = f"{meaning} {line.strip()}".strip()
            column = column or indent
            continue
        if typed:
            yield typed, meaning
        shift, column = indent, match.start(3) if match[3] else 0
        typed, meaning = f"{NBSP * 2 * (indent // 4)}`{match[2]}`", match[3] or ""
        if second := SECOND_FORM.fullmatch(meaning):
            typed, meaning = f"{typed}, `{second[1]}`", second[2]
    if typed:
        yield typed, meaning


def examples(text: str) -> str:
    """Commands with what each does as a table, others as a block of code."""
    lines = dedent(text.strip("\n")).rstrip().splitlines()
    rows: list[tuple[str, str]] = []
    for line in lines:
        match = EXAMPLE.fullmatch(line)
        if match:
            rows.append((match[1].rstrip(), match[2] or ""))
        elif rows and line.startswith("  "):
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {line.strip()}".strip())
        else:
            return fenced("\n".join(lines))
    if 2 * sum(bool(about) for _, about in rows) <= len(rows):
        return fenced("\n".join(f"{it[0]}  # {it[1]}" if it[1] else it[0] for it in rows), "sh")
    return table(
        ("command", "what it does"),
        ((f"`{command}`", linked(about)) for command, about in rows),
    )


def linked(text: str) -> str:
    """Words whose topics and verbs lead to their pages, from a page beside those."""

    def on_topics(match: re.Match[str]) -> str:
        return match[1] + re.sub(r"\w+", lambda word: _link(word[0]), match[2])

    def on_verb(match: re.Match[str]) -> str:
        verb, part = match.groups()
        if verb not in VERBS or verb == "help":
            return match[0]
        anchor = f"#gradbook-{verb}-{part}" if part else ""
        return f"[{match[0]}](../commands/{verb}.md{anchor})"

    return HELP_ON.sub(on_topics, COMMAND.sub(on_verb, MARKUP.sub(r"\\\1", text)))


def _link(word: str) -> str:
    if word in TOPICS:
        return f"[{word}](../texts/{word}.md)"
    return f"[{word}](../commands/{word}.md)" if word in VERBS else word


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    first, *others = [f"| {' | '.join(row)} |\n" for row in (head, *rows)]
    return "".join([first, f"|{'---|' * len(head)}\n", *others])


def places() -> dict[str, list[str]]:
    """Where the pages are, for the site's navigation, by its marks."""
    return {
        "commands": [f"{COMMANDS}/{name}.md" for name in ("index", *VERBS)],
        "texts": [f"{TEXTS}/{name}.md" for name in ("index", *TOPICS)],
    }


def fenced(text: str, language: str = "text") -> str:
    return f"```{language}\n{text.rstrip()}\n```"
