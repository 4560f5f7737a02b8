"""Finds the verb and runs it; every error becomes one line and an exit code.

A verb is an entry of a module in `verbs/`, which is imported only when the verb is used.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False  # typing itself would be half the cost of `gradbook --version`
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType
    from typing import TextIO

    from gradbook.cli.help_page import Parser, Verb

VERBS = {
    "demo": "take a tour: work through the built-in networks, train on digits",
    "explain": "work through the backpropagation: every chain, with its numbers",
    "sheet": "write a live workbook: a formula in every cell, one row per epoch",
    "check": "check other people's workbooks: is every gradient right?",
    "class": "run a class in one folder, from the exercises to the grades",
    "quiz": "write a quiz for Moodle and others, with different numbers for each",
    "play": "open a network that trains in your browser, or write its page",
    "sweep": "show the effect of the learning rate, with a verdict for each rate",
    "summary": "show every layer's shape, parameters, multiply-adds and memory",
    "train": "train on images, a table, signals or lines of text",
    "generate": "generate new lines with a network that was trained on lines",
    "predict": "read pictures, rows or recordings with a trained network",
    "export": "write a trained network for others: ONNX, PyTorch, Keras, C",
    "import": "read a network from PyTorch, Keras or scikit-learn",
    "study": "try many recipes within limits, and find the best one",
    "data": "show images to train on: counts, samples, checks",
    "help": "show this page, a verb's page, how to write a network, and more",
}
PARTS = {
    "class": {
        "init": "write an exercise for each student, with handouts, keys and a rubric",
        "collect": "collect the workbooks handed in: files, folders, archives",
        "mark": "mark by your rubric; write feedback and grades for each student",
        "serve": "run the class on a page that only this computer can reach",
    }
}  # each part of a verb has a page of its own
MODULES = {
    "about": ("demo", "help"),
    "browser": ("play",),
    "networks": ("explain", "sweep", "summary"),
    "images": ("data", "predict"),
    "runs": ("export", "import"),
    "classroom": ("class",),
}  # the modules of `verbs/`; any other verb has a module of its own name
RENAMED = {  # former verbs and the commands that replace them
    "page": "gradbook play NET -o FILE.html",
    "film": "gradbook play NET",
    "write": "gradbook train names, and then gradbook generate RUN",
    "recipes": "gradbook train --list",
    "serve": "gradbook class serve",
    "completion": "gradbook help completion SHELL",
    "compare": "gradbook study NAME, which shows recipes side by side",
}

NO_THREAD = "can't start new thread"
UNMAPPED = ("failed to map segment", "annot allocate memory")  # libraries say this without memory
DONE, USAGE, OUR_FAULT, INTERRUPTED, PIPE_CLOSED = 0, 2, 70, 130, 141


def entry() -> None:
    """The console script."""
    words = sys.argv[1:]
    if words[:1] in (["-V"], ["--version"]):  # --version needs no imports
        sys.exit(main(words))
    gc.set_threshold(100_000)  # looking for circles after every 700 objects takes 5 % of the time
    try:
        from gradbook.interruption import interruptible

        code = interruptible(lambda: main(words), INTERRUPTED)
    except KeyboardInterrupt:  # before anybody listened
        code = INTERRUPTED
    sys.exit(code)


def main(words: Sequence[str]) -> int:
    """Run the command on its words and return the exit code. Nothing is raised."""
    try:
        _speak_plainly(sys.stdout)
        _speak_plainly(sys.stderr)
        code = _answer(list(words))
        if sys.stdout:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        _abandon_output()
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except SystemExit as leaving:  # argparse leaves this way after --help
        return leaving.code if isinstance(leaving.code, int) else DONE
    except Exception as error:
        from gradbook.interruption import is_interrupted

        if is_interrupted():  # within an import, which says it in words of its own
            return _complain("interrupted", INTERRUPTED)
        return _confess(error)


def _answer(words: list[str]) -> int:
    match words:
        case [] | ["-h" | "--help"]:
            _print_page(overview())
            return DONE
        case ["-V" | "--version", *_]:
            from gradbook import __version__

            print(f"gradbook {__version__}")
            return DONE
        case ["help", "completion", "--words", *typed] | ["completion", "--words", *typed]:
            # a shell calls this; scripts of 1.0 call the second form
            completions = _module("help").what_is_next(typed)
            print("".join(f"{word}\t{about}\n" for word, about in completions), end="")
            return DONE
        case [verb] | [verb, "-h" | "--help"] if verb in PARTS:
            _print_page(parts_page(verb))
            return DONE
        case _:
            verb, rest = split_command(words)
            options, run = verb_parser(verb).read(rest), _entry(verb).run
            from gradbook.files import guarded
            from gradbook.outputs import CommandOutputs

            with guarded(CommandOutputs(options.force)):
                if not _entry(verb).speaks:
                    return run(options)
                from gradbook.language import in_language, system_language

                with in_language(options.language or system_language()):
                    return run(options)


def split_command(words: Sequence[str]) -> tuple[str, list[str]]:
    """The verb, with its part if it has parts, and the other words."""
    before, rest = [], list(words)
    while rest and rest[0].startswith("-"):  # options of every verb may come before it
        if rest[0] not in ("--force", "--language") and not rest[0].startswith("--language="):
            break
        count = 2 if rest[0] == "--language" else 1
        before += rest[:count]
        rest = rest[count:]
    verb, *rest = rest or ["help"]
    if verb not in PARTS:
        return verb, [*before, *rest]
    part = next((word for word in rest if not word.startswith("-")), "")
    if part not in PARTS[verb]:
        from gradbook.errors import UsageError, did_you_mean

        known = ", ".join(PARTS[verb])
        hint = did_you_mean(part, PARTS[verb]) or f": {verb} does {known}"
        raise UsageError(f"{verb} {part}".strip() + f" isn't known{hint}")
    rest.remove(part)
    return f"{verb} {part}", [*before, *rest]


def every_command() -> list[str]:
    """The verbs; a verb with parts is listed once for each part: 'class mark'."""
    return [f"{verb} {part}".strip() for verb in VERBS for part in PARTS.get(verb, {"": ""})]


def _print_page(text: str) -> None:
    from gradbook.cli.help_page import print_page

    print_page(text)


def overview() -> str:
    """The page that `gradbook` without a verb prints."""
    from gradbook.cli.help_page import FORCE, LANGUAGE, read_page

    return read_page("overview", verbs=_listed(VERBS), force=FORCE, language=LANGUAGE)


def parts_page(verb: str) -> str:
    """The page of a verb with parts."""
    from gradbook.cli.help_page import read_page

    return read_page(verb, parts=_listed(PARTS[verb]))


def _listed(verbs: Mapping[str, str]) -> str:
    return "\n".join(f"  {verb:<9} {line}" for verb, line in verbs.items())


def verb_parser(verb: str) -> Parser:
    """The parser of a verb's own options, including `--help`."""
    from gradbook.cli.help_page import HelpPage, Parser
    from gradbook.errors import UsageError, did_you_mean

    if verb in RENAMED:
        raise UsageError(f"{verb} was renamed: use {RENAMED[verb]}")
    if verb not in every_command():
        kind = "option" if verb.startswith("-") else "verb"
        known = ["--help", "--version"] if kind == "option" else list(VERBS)
        hint = did_you_mean(verb, known) or f": it is one of {', '.join(known)}"
        raise UsageError(f"unknown {kind} '{verb}'{hint}")
    entry = _entry(verb)
    return Parser(HelpPage.of(verb, entry), entry)


def _entry(verb: str) -> Verb:
    entry: Verb = _module(verb.partition(" ")[0]).ENTRIES[verb]
    return entry


def _module(verb: str) -> ModuleType:
    from importlib import import_module

    module = next((module for module, verbs in MODULES.items() if verb in verbs), verb)
    return import_module(f"gradbook.cli.verbs.{module}")


def _confess(error: Exception) -> int:
    """Report any error as one line; GRADBOOK_TRACEBACK=1 also shows the traceback."""
    from gradbook.errors import GradbookError, one_line

    if os.environ.get("GRADBOOK_TRACEBACK"):
        from traceback import print_exception

        print_exception(error)
    if isinstance(error, GradbookError):
        return _complain(str(error), USAGE)
    if scarce := _scarce(error):
        return _complain(scarce, USAGE)
    if isinstance(error, OSError):
        _abandon_output()
        where = error.filename or "the output can't be written"
        return _complain(one_line(f"{where}: {error.strerror}"), USAGE)
    what = one_line(f"{type(error).__name__}: {error}")
    return _complain(f"an internal error in gradbook, please report it ({what})", OUR_FAULT)


def _scarce(error: Exception) -> str:
    """A message if memory, processes or another resource of the system ran out; otherwise ''."""
    from errno import EAGAIN, ENOENT, ENOMEM

    number = error.errno if isinstance(error, OSError) else None
    unmapped = isinstance(error, ImportError) and any(words in str(error) for words in UNMAPPED)
    if isinstance(error, MemoryError) or number == ENOMEM or unmapped:
        return "not enough memory: use a smaller network or fewer epochs"
    if number == EAGAIN or (isinstance(error, RuntimeError) and NO_THREAD in str(error)):
        return "the system can't start another process or thread: end others, or raise the limit"
    if isinstance(error, OSError) and number == ENOENT and not error.filename:
        return "no folder for temporary files is writable: set TMPDIR to one"
    return ""


def _complain(message: str, code: int) -> int:
    if sys.stderr:
        print(f"gradbook: {message}", file=sys.stderr)
    return code


def _speak_plainly(stream: TextIO | None) -> None:
    """Show ∂ as d on a terminal that can't show it, instead of failing."""
    reconfigure = getattr(stream, "reconfigure", None)
    if not reconfigure:
        return
    if getattr(stream, "encoding", "").lower() == "utf-8":  # which lacks only surrogates
        reconfigure(errors="replace")
        return
    from gradbook.cli.output import READABLY

    reconfigure(errors=READABLY)


def _abandon_output() -> None:
    """Nobody reads the output any more: let Python flush the rest to nowhere at exit."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        pass
