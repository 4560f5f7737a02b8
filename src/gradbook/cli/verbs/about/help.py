"""This page, a verb's page, or how to write a network, a recipe or a warp."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from gradbook.cli.main import VERBS, overview, verb_parser
from gradbook.errors import UsageError, did_you_mean

EXAMPLES = """\
  gradbook help             all verbs
  gradbook help explain     the same as gradbook explain --help
  gradbook help networks    the grammar of a network's text form
  gradbook help recipes     how a training is written
  gradbook help warps       what can happen to images in training
"""

TOPICS = {
    "networks": "how a network is written",
    "recipes": "how a training is written",
    "warps": "what can happen to images in training",
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "topic",
        nargs="?",
        metavar="TOPIC",
        help=f"a verb, or what is written as text: {', '.join(TOPICS)}",
    )


def run(options: Namespace) -> int:
    print(page(options.topic), end="")
    return 0


def page(topic: str | None) -> str:
    """The text of one help page."""
    if topic is None:
        return overview()
    if topic in VERBS:
        return verb_parser(topic).format_help()
    if topic in {"network", "networks", "NET", "net"}:
        from gradbook.net.builtin import BUILTIN
        from gradbook.net.text import GRAMMAR

        return f"{GRAMMAR.strip()}\n\nbuilt in: {', '.join(BUILTIN)}\n"
    if topic in {"warp", "warps", "WARP"}:
        from gradbook.data import warp_text

        return warp_text.GRAMMAR
    known = [*VERBS, *TOPICS]
    hint = did_you_mean(topic, known) or f": there is help on {', '.join(known)}"
    raise UsageError(f"no help on '{topic}'{hint}")
