"""What can be typed next: verbs, options, and the values that have names, each with what it is.

Nothing is said where a file may stand: shells know those.
"""

from __future__ import annotations

from argparse import SUPPRESS, Action, ArgumentParser
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from gradbook.cli.terminal.arguments import OneOf
from gradbook.errors import GradbookError

Candidate = tuple[str, str]
Names = Mapping[str, Callable[[], Iterable[Candidate]]]  # by what an argument is called in the help


def candidates(
    words: Sequence[str],
    verbs: Mapping[str, str],
    parser_of: Callable[[str], ArgumentParser],
    names: Names,
) -> list[Candidate]:
    """What the last of the words may become, after those before it."""
    *before, last = words or [""]
    if not before:
        return _beginning(last, verbs.items())
    try:
        parser = parser_of(before[0])
    except GradbookError:
        return []
    flag, equals, value = last.partition("=")
    if equals and flag.startswith("-"):
        found = _beginning(value, _values(_options(parser).get(flag), names))
        return [(f"{flag}={word}", about) for word, about in found]
    return _beginning(last, _next(parser, before[1:], last, names))


def _beginning(start: str, found: Iterable[Candidate]) -> list[Candidate]:
    return [(word, about) for word, about in found if word.startswith(start)]


def _next(
    parser: ArgumentParser, before: Sequence[str], last: str, names: Names
) -> Iterator[Candidate]:
    options = _options(parser)
    waiting = options.get(before[-1]) if before else None
    if waiting is not None and waiting.nargs != 0:
        yield from _values(waiting, names)
    elif last.startswith("-"):
        yield from ((flag, _about(action)) for flag, action in options.items() if _is_told(action))
    else:
        yield from _values(_positional(parser, before, options), names)


def _options(parser: ArgumentParser) -> dict[str, Action]:
    return {flag: action for action in parser._actions for flag in action.option_strings}


def _is_told(action: Action) -> bool:
    return action.help != SUPPRESS


def _about(action: Action) -> str:
    return " ".join((action.help or "").split()).replace("%%", "%")


def _positional(
    parser: ArgumentParser, before: Sequence[str], options: Mapping[str, Action]
) -> Action | None:
    """The argument that comes next, by how many there were so far."""
    count, takes_value = 0, False
    for word in before:
        option = options.get(word)
        count += option is None and not takes_value and not word.startswith("-")
        takes_value = option is not None and option.nargs != 0
    every = [action for action in parser._actions if not action.option_strings]
    if count < len(every):
        return every[count]
    return every[-1] if every and every[-1].nargs in ("*", "+") else None


def _values(action: Action | None, names: Names) -> Iterable[Candidate]:
    """The values of an argument that have names."""
    if action is None:
        return []
    if isinstance(action.type, OneOf):
        return [(choice, "") for choice in action.type.choices]
    known = names.get(str(action.metavar))
    return known() if known else []
