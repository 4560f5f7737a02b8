"""Which network an argument means: a built-in one, a file, the text itself, or standard input."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from gradbook.errors import UsageError, did_you_mean
from gradbook.files import TEXT_LIMIT, decoded, read_text

if TYPE_CHECKING:
    from gradbook.net import Net


def network(argument: str, data: str | None = None) -> Net:
    """The network that the argument means, with its samples.

    They come from the CSV file `data` where one is given, else from the file that the
    network names, which lies beside the network's own, else from its text.
    """
    from gradbook.net.network import parse

    text, source = _text_and_source(argument)
    net = parse(text, source)
    if data is None and not net.table:
        return net
    from gradbook.data.table import attach, read_table

    if data is None:
        return attach(net, os.path.dirname(source or ""))
    return read_table(data, net)


def _text_and_source(argument: str) -> tuple[str, str | None]:
    from gradbook.net.builtin import BUILTIN
    from gradbook.net.text import reads_as_text

    if argument in BUILTIN:
        return BUILTIN[argument], argument
    if argument == "-":
        return standard_input(), "standard input"
    if os.path.isfile(argument) or not reads_as_text(argument):
        return _file(argument, list(BUILTIN)), argument
    return argument, None


def _file(name: str, built_in: list[str]) -> str:
    if not os.path.lexists(name):
        hint = did_you_mean(name, built_in) or f": built in are {', '.join(built_in)}"
        raise UsageError(f"no network and no file is called '{name}'{hint}")
    return read_text(name)


def standard_input() -> str:
    if sys.stdin is None:
        raise UsageError("standard input is closed: name a network or a file instead of -")
    return decoded(sys.stdin.buffer.read(TEXT_LIMIT + 1), source="standard input")
