"""The verbs about gradbook itself: a demonstration, and the help with Tab completion."""

from __future__ import annotations

from argparse import SUPPRESS, Action, ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from os import sep
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from gradbook.cli.help_page import Parser, Verb, print_page, read_page
from gradbook.cli.main import (
    PARTS,
    RENAMED,
    VERBS,
    every_command,
    overview,
    parts_page,
    split_command,
    verb_parser,
)
from gradbook.cli.output import say
from gradbook.errors import GradbookError, UsageError, did_you_mean
from gradbook.limits import row, table

if TYPE_CHECKING:
    from gradbook.net import Net


# Demo -------------------------------------------------------------------------


MAIN, DRAWN, DIGITS = "worked", "tiny", "quick"


def run_demo(options: Namespace) -> int:
    from gradbook.files import made_folder
    from gradbook.net import LESSONS, builtin

    folder = made_folder(options.out)
    say(f"writing to {folder}{sep}")
    for name in (MAIN, *(other for other in LESSONS if other != MAIN)):
        net = builtin(name)
        sums = [layer.text for layer in net.layers if layer.sums]
        shown = [str(net).partition("\n")[0], *sums]
        say(f"{name}: {' → '.join(shown)}", flush=True)
        for work in _works(net, folder):
            _write(*work)
    _draw(folder)
    code = _train(folder / "digits")
    if code == 0:
        say(f"\nLook first at {folder / MAIN}-play.html: press Run, move η, drag a weight.")
        say(f"Draw a digit on {folder / DRAWN}-draw.html, and see every layer's output.")
        say(f"{folder / MAIN}.html is its algebra; in {folder / MAIN}.xlsx every formula is live.")
        say(f"{folder / 'digits' / 'report.html'} shows how the training went.")
    return code


def _draw(folder: Path) -> None:
    """The page to draw on, for a trained network that is included in gradbook."""
    from gradbook.cli.verbs.browser import picture_page, picture_reader
    from gradbook.files import write_whole

    page = folder / f"{DRAWN}-draw.html"
    reader = picture_reader(DRAWN, None)
    assert reader is not None
    say(f"{DRAWN}: reads handwritten digits", flush=True)
    drawn = picture_page(reader, None, f"gradbook play {DRAWN} -o {page.name}")
    what = "a page that reads the digits you draw and shows every sum"
    _write(page, partial(write_whole, page, drawn), what)


def _write(path: Path, write: Callable[[], object], what: str) -> None:
    """Write one of the files, unless somebody has changed it."""
    from gradbook.errors import KeptFileError

    try:
        write()
    except KeptFileError:
        what = "kept, because you changed it; --force replaces it"
    say(f"  {path.name:<20} {what}", flush=True)


def _train(folder: Path) -> int:
    """Train on the digits; an earlier run is continued, or left alone if it is finished."""
    from gradbook.cli.train_and_show import How, train_one_seed
    from gradbook.lab.recipes.recipe_text import recipe
    from gradbook.lab.training.run_folder import RunFolder

    say(f"\nhandwritten digits, into {folder}{sep}", flush=True)
    return train_one_seed(folder, None if RunFolder(folder).holds_a_run else recipe(DIGITS), How())


def _works(net: Net, folder: Path) -> Iterator[tuple[Path, Callable[[], object], str]]:
    """Each file, the function that writes it, and its description."""
    from gradbook.files import write_whole
    from gradbook.rates import USUAL_EPOCHS
    from gradbook.rates.sweep import sweep
    from gradbook.report.derivation import explain
    from gradbook.report.media import write
    from gradbook.report.play_page import play_page
    from gradbook.report.sweep import sweep_report
    from gradbook.report.workbook import write_workbook

    def page(end: str, content: str) -> tuple[Path, Callable[[], object]]:
        path = folder / f"{net.name}{end}"
        return path, partial(write_whole, path, content)

    explanation = explain(net)
    play, book, rates = (f"{net.name}{end}" for end in ("-play.html", ".xlsx", "-rates.html"))
    trains = play_page(net, f"gradbook play {net.name} -o {play}")
    yield *page("-play.html", trains), "a page on which the network trains and shows every number"
    yield *page(".html", explanation.html()), "the derivation: every chain, with its numbers"
    formulas = f"a live workbook: {USUAL_EPOCHS} epochs in formulas"
    yield folder / book, partial(write_workbook, net, folder / book), formulas
    report = sweep_report(sweep(net), f"gradbook sweep {net.name} -o {rates}")
    yield *page("-rates.html", write(report, "html")), "the effect of the learning rate"
    if net.name == MAIN:
        for end, text in ((".tex", explanation.latex()), (".md", explanation.markdown())):
            yield *page(end, text), "the same derivation, to typeset or to share"


# Help -------------------------------------------------------------------------


TOPICS = {
    "networks": "how to write a network",
    "recipes": "how to write a recipe for training",
    "studies": "how to write a study: what varies and what is allowed",
    "warps": "random changes to images in training",
    "tables": "tables to train on, and how they are read",
    "signals": "recordings: their files, windows and split",
    "findings": "what a check of a workbook finds: verdicts and kinds of mistakes",
    "limits": "how large files and networks may be",
    "completion": "Tab completion of verbs, options and names in your shell",
}


ALIASES = {
    **dict.fromkeys(("network", "net", "NET"), "networks"),
    **dict.fromkeys(("recipe", "RECIPE"), "recipes"),
    "STUDY": "studies",
    **dict.fromkeys(("warp", "WARP"), "warps"),
    **dict.fromkeys(("table", "TABLE"), "tables"),
    "signal": "signals",
    **dict.fromkeys(("finding", "verdicts"), "findings"),
}


def run_help(options: Namespace) -> int:
    topic, *more = options.topics or [""]
    shells = topic == "completion"
    if len(more) > 1 or (more and topic not in PARTS and not shells):
        raise UsageError(f"unexpected argument '{more[-1]}' (see gradbook help --help)")
    if more and shells:
        if more[0] not in SCRIPTS:
            hint = did_you_mean(more[0], SCRIPTS) or f": it is one of {', '.join(SCRIPTS)}"
            raise UsageError(f"unknown shell '{more[0]}'{hint}")
        print(SCRIPTS[more[0]].strip())
    else:
        print_page(page(" ".join(options.topics)))
    return 0


def page(topic: str) -> str:
    """The text of one help page."""
    if not topic:
        return overview()
    if topic in PARTS:
        return parts_page(topic)
    if topic in every_command():
        return verb_parser(topic).format_help()
    if topic in TOPICS or topic in ALIASES:
        return _grammar(ALIASES.get(topic, topic))
    if topic in RENAMED:
        verb_parser(topic)
    names = [*VERBS, *TOPICS, *every_command()]
    hint = did_you_mean(topic, names) or f": there is help on {', '.join([*VERBS, *TOPICS])}"
    raise UsageError(f"no help on '{topic}'{hint}")


def _grammar(topic: str) -> str:
    """The grammar of something, from the module that reads it."""
    if topic == "networks":
        from gradbook.builtin_networks import BUILTIN, SCENES
        from gradbook.net.formulas import USAGE
        from gradbook.net.text import grammar

        return f"{grammar().strip()}\n\n{USAGE}\nbuilt in: {', '.join((*BUILTIN, *SCENES))}\n"
    if topic == "tables":
        return _tables()
    if topic == "signals":
        from gradbook.builtin_networks import SIGNALS

        return read_page("signals", named=", ".join(SIGNALS))
    if topic == "findings":
        from gradbook.audit.findings import KINDS, VERDICTS

        return read_page(
            "findings", verdicts=_columns(VERDICTS.items()), kinds=_columns(KINDS.items())
        )
    if topic == "limits":
        return read_page("limits", limits=_columns(map(row, table())))
    if topic == "completion":
        return read_page("completion", shells=", ".join(SCRIPTS))
    from gradbook.data.warp import WARP_GRAMMAR
    from gradbook.lab.recipes.recipe_text import GRAMMAR as RECIPE_GRAMMAR
    from gradbook.lab.study.study_plan import GRAMMAR as STUDY_GRAMMAR

    return {
        "recipes": RECIPE_GRAMMAR,
        "studies": STUDY_GRAMMAR,
        "warps": WARP_GRAMMAR,
    }[topic]


def _columns(entries: Iterable[tuple[str, str]]) -> str:
    """Words, and beside each what it means."""
    rows = [*entries]
    width = max(len(word) for word, _ in rows) + 2
    return "\n".join(
        fill(about, 80, initial_indent=f"{word:{width}}", subsequent_indent=" " * width)
        for word, about in rows
    )


def _tables() -> str:
    from gradbook.data.tables import MOST_WORDS, NAMED
    from gradbook.lab.tables import FEW_VALUES, HIDDEN, ROWS_OF_A_VALUE

    return read_page(
        "tables",
        named=", ".join(NAMED),
        words=MOST_WORDS,
        values=FEW_VALUES,
        rows=ROWS_OF_A_VALUE,
        hidden=HIDDEN,
    )


# What can be typed next; shells complete the names of files themselves --------

Candidate = tuple[str, str]


def what_is_next(words: Sequence[str]) -> list[Candidate]:
    """The possible completions of the last word, after the words before it."""
    *before, last = [word.strip() for word in words if word != "="] or [""]  # bash splits at =
    if not before:
        return _beginning(last, VERBS.items())
    if before[0] in PARTS and len(before) == 1 and not last.startswith("-"):
        return _beginning(last, PARTS[before[0]].items())
    try:
        verb, before = split_command(before)
        parser = verb_parser(verb)
    except GradbookError:
        return []
    if verb == "help" and before == ["completion"]:
        return _beginning(last, dict.fromkeys(SCRIPTS, "a script for this shell").items())
    flag, equals, value = last.partition("=")
    if equals and flag.startswith("-"):
        completions = _beginning(value, _values(_options(parser).get(flag)))
        return [(f"{flag}={word}", about) for word, about in completions]
    return _beginning(last, _next(parser, before, last))


def _beginning(start: str, candidates: Iterable[Candidate]) -> list[Candidate]:
    return [(word, about) for word, about in candidates if word.startswith(start)]


def _next(parser: Parser, before: Sequence[str], last: str) -> Iterator[Candidate]:
    options = _options(parser)
    waiting = options.get(before[-1]) if before else None
    if waiting is not None and waiting.nargs != 0:
        yield from _values(waiting)
    elif last.startswith("-"):
        for flag, action in options.items():
            if flag == "--force" or (flag == "--language" and parser.verb.speaks):
                yield flag, "an option of every verb: see gradbook help"
            elif action.help != SUPPRESS:
                yield flag, " ".join((action.help or "").split()).replace("%%", "%")
    else:
        yield from _values(_positional(parser, before, options))


def _options(parser: ArgumentParser) -> dict[str, Action]:
    return {flag: action for action in parser._actions for flag in action.option_strings}


def _positional(
    parser: ArgumentParser, before: Sequence[str], options: Mapping[str, Action]
) -> Action | None:
    """The next argument, by the number of arguments so far."""
    count, takes_value = 0, False
    for word in before:
        option = options.get(word)
        count += option is None and not takes_value and not word.startswith("-")
        takes_value = option is not None and option.nargs != 0
    every = [action for action in parser._actions if not action.option_strings]
    return every[count] if count < len(every) else None  # the shell knows files


def _values(action: Action | None) -> Iterable[Candidate]:
    """The values of an argument, if they have names."""
    if action is None:
        return []
    if choices := getattr(action.type, "choices", ()):
        return [(choice, "") for choice in choices]
    return _names(str(action.metavar))


def _names(what: str) -> Iterable[Candidate]:
    """The names included in gradbook for this word of the help."""
    match what:
        case "NET":
            from gradbook.builtin_networks import BUILTIN, SCENES

            return [(name, "a network") for name in (*BUILTIN, *SCENES)]
        case "RECIPE":
            from gradbook.lab.recipes import RECIPES

            return [(name, "a recipe") for name in RECIPES]
        case "DATA":
            from gradbook.data.sources import KNOWN

            return [(name, "a data set") for name in KNOWN]
        case "TOPIC":
            return (VERBS | TOPICS).items()
    return []


# Completion -------------------------------------------------------------------


BASH = r"""
_gradbook() {
  local IFS=$'\n'
  local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($(gradbook help completion --words "${words[@]}" 2>/dev/null | cut -f1))
}
complete -o default -F _gradbook gradbook
"""
ZSH = r"""
_gradbook() {
  local line
  local -a found
  for line in "${(@f)$(gradbook help completion --words "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( $#found )); then _describe gradbook found; else _files; fi
}
compdef _gradbook gradbook
"""
FISH = r"""
function __gradbook_next
    set -l before (commandline --tokenize --cut-at-cursor --current-process)
    set -l last (commandline --cut-at-cursor --current-token)
    set -l found (gradbook help completion --words $before[2..] "$last" 2>/dev/null)
    if set -q found[1]; printf '%s\n' $found; else; __fish_complete_path "$last"; end
end
complete --command gradbook --no-files --arguments '(__gradbook_next)'
"""
POWERSHELL = r"""
Register-ArgumentCompleter -Native -CommandName gradbook -ScriptBlock {
    param($last, $command, $cursor)
    $words = @($command.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
    if (-not $last) { $words += ' ' }
    gradbook help completion --words $words 2>$null | ForEach-Object {
        $word, $about = $_ -split "`t", 2
        if (-not $about) { $about = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
    }
}
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH, "powershell": POWERSHELL}


ENTRIES = {
    "demo": Verb(run_demo, defaults={"out": "out"}),
    "help": Verb(
        run_help,
        facts=lambda: {"topics": fill(", ".join(TOPICS), 50).replace("\n", "\n" + " " * 22)},
    ),
}
