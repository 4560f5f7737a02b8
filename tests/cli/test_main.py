from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from errno import EAGAIN, ENOMEM

import pytest

from gradbook import __version__
from gradbook.cli import main as command
from gradbook.cli.help_page import Verb
from gradbook.cli.main import PARTS, RENAMED, VERBS, every_command, main, verb_parser
from gradbook.cli.verbs.about import ENTRIES
from tests.cases import for_each

ENTRY = [sys.executable, "-m", "gradbook"]


WAITING = """
import sys
import gradbook.cli.main as command

def wait(words):
    print(end="!", flush=True)
    sys.stdin.read()

command._answer = wait
command.entry()
"""


@pytest.fixture
def verb(monkeypatch):
    """`verb(run)` puts a verb of that behaviour in the place of `demo`."""

    def install(run):
        monkeypatch.setitem(ENTRIES, "demo", Verb(run))

    return install


def failing(error):
    def run(options):
        raise error

    return run


def test_version_is_one_line(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gradbook {__version__}\n"


@for_each("words", [[], ["--help"], ["-h"], ["help"]])
def test_the_overview_names_every_verb_and_fits_80_columns(words, capsys):
    assert main(words) == 0
    page = capsys.readouterr().out
    assert all(f"\n  {verb} " in page for verb in VERBS)
    assert max(map(len, page.splitlines())) <= 80


@for_each("verb", [*every_command(), *PARTS])
def test_every_verb_has_help_on_one_screen_with_four_examples(verb, capsys):
    assert main([*verb.split(), "--help"]) == 0
    page = capsys.readouterr().out
    examples = page.partition("\nexamples:\n")[2]
    assert len(re.findall(r"^  gradbook ", examples, re.MULTILINE)) == 4
    assert verb in ("help", "demo") or examples.count(f"  gradbook {verb}") >= 3
    assert len(page.splitlines()) <= 45
    assert max(map(len, page.splitlines())) <= 80
    assert main(["help", *verb.split()]) == 0
    assert capsys.readouterr().out == page


def test_there_are_few_verbs_and_few_options(capsys):
    """The options of each verb, a part of a verb being one, and those that belong to all."""
    own = {verb: len(verb_parser(verb).own_options) for verb in every_command()}
    of_all = len({"--force", "--language", "--help"})
    with capsys.disabled():
        print(
            f"\n{len(VERBS)} verbs, {sum(own.values())} options and {of_all} of every verb: {own}"
        )
    assert len(VERBS) <= 18
    assert sum(own.values()) + of_all <= 126
    assert own["train"] <= 20


@for_each("old", RENAMED)
def test_an_old_name_says_the_new_one(old, refused):
    assert old not in VERBS
    refusal = refused([old, "xor", "-o", "x.html"])
    assert refusal == f"{old} was renamed: use {RENAMED[old]}"
    assert RENAMED[old].split()[1] in VERBS


GONE = [(verb, flag) for verb in every_command() for flag in verb_parser(verb).verb.gone]


@for_each(("verb", "flag"), GONE)
def test_an_old_option_says_what_to_write(verb, flag, refused):
    assert flag not in verb_parser(verb).format_help().split()
    refusal = refused(
        [*verb.split(), "x", flag, "y"] if verb != "export" else [verb, "x", "-o", "y", flag]
    )
    assert refusal.startswith(f"gradbook {verb} no longer has {flag}: ")


def test_what_belongs_to_every_verb_may_stand_before_it(capsys):
    assert main(["--language", "de", "explain", "worked", "--only", "w5"]) == 0
    output = capsys.readouterr().out
    assert main(["explain", "worked", "--only", "w5", "--language=de"]) == 0
    assert capsys.readouterr().out == output
    assert "Das Netz" in output


def test_a_verb_that_speaks_english_alone_says_so(refused):
    assert "train is available only in English" in refused(["train", "--language", "de"])


@for_each(
    ("words", "said"),
    [
        (["networks"], "loss half squared error"),
        (["networks"], "built in: worked"),
        (["warps"], "rotate DEGREES "),
        (["tables"], "most 20 different whole numbers with"),
        (
            ["--help"],
            "networks, recipes, studies, warps, tables, signals, findings, limits, completion",
        ),
    ],
)
def test_help_has_the_grammar_of_every_text_form(words, said, capsys):
    assert main(["help", *words]) == 0
    assert said in " ".join(capsys.readouterr().out.split())


@for_each(
    ("words", "said"),
    [
        (["hepl"], "unknown verb 'hepl': did you mean 'help'?"),
        (["zzz"], f"unknown verb 'zzz': it is one of {', '.join(VERBS)}"),
        ([""], f"unknown verb '': it is one of {', '.join(VERBS)}"),
        (["--verison"], "unknown option '--verison': did you mean '--version'?"),
        (["demo", "--uot", "x"], "unknown option '--uot': did you mean '--out'?"),
        (["demo", "--ou=x"], "unknown option '--ou': did you mean '--out'?"),
        (["demo", "-o"], "-o/--out: expected one argument"),
        (["demo", "more"], "unexpected argument 'more'"),
        (["help", "netwroks"], "no help on 'netwroks': did you mean 'networks'?"),
        (["a\x1b[31m\nb"], r"unknown verb 'a\x1b[31m\nb'"),
        (["help", "\ud800"], r"no help on '\ud800'"),
    ],
)
def test_a_wrong_word_is_one_line_with_a_remedy(words, said, refused):
    assert refused(words).startswith(said)


@for_each(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 2, "not enough memory"),
        (OSError(ENOMEM, "Cannot allocate memory"), 2, "not enough memory"),
        (ImportError("a.so: failed to map segment from shared object"), 2, "not enough memory"),
        (RuntimeError("can't start new thread"), 2, "can't start another process or thread"),
        (
            BlockingIOError(EAGAIN, "Resource temporarily unavailable"),
            2,
            "can't start another process",
        ),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (ZeroDivisionError("by\nzero"), 70, r"(ZeroDivisionError: by\nzero)"),
    ],
)
def test_whatever_happens_is_one_line(error, code, said, verb, capsys, monkeypatch):
    monkeypatch.setattr(command, "_abandon_output", lambda: None)
    monkeypatch.delenv("GRADBOOK_TRACEBACK", raising=False)
    verb(failing(error))
    assert main(["demo"]) == code
    line = capsys.readouterr().err
    assert line.startswith("gradbook: ")
    assert said in line
    assert line.count("\n") == 1


def test_whoever_wants_the_traceback_gets_it(verb, capsys, monkeypatch):
    monkeypatch.setenv("GRADBOOK_TRACEBACK", "1")
    verb(failing(ZeroDivisionError("why")))
    assert main(["demo"]) == 70
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
def test_a_closed_pipe_is_nobodys_business():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        process = subprocess.run(
            ENTRY, stdout=pipe, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert (process.returncode, process.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full disk here")
def test_a_full_disk_is_one_line():
    with open("/dev/full", "wb") as full:
        process = subprocess.run(
            ENTRY, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert process.returncode == 2
    assert process.stderr.count(b"\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
def test_ctrl_c_while_waiting_for_input_is_130():
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.read(1) == b"!"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, b"gradbook: interrupted\n")


HEAVY = {"numpy", "rich", "xlsxwriter"}
PAGES = """
from gradbook.cli.main import every_command, verb_parser
for verb in every_command():
    verb_parser(verb).format_help()
"""


def loaded(*words: str) -> set[str]:
    """The modules that a command loads, but for what Python itself does."""
    traced, plain = (
        subprocess.run(
            [sys.executable, "-X", "importtime", *given],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stderr
        for given in (words, ["-c", ""])
    )
    names = [
        {line.rpartition("|")[2].strip() for line in said.splitlines()} for said in (traced, plain)
    ]
    return names[0] - names[1]


@for_each(
    ("words", "without"),
    [
        (["--version"], {"argparse", "typing", "importlib.metadata", "difflib"}),
        (["explain", "worked"], {"gradbook.lab", "gradbook.engine", "gradbook.data.sources"}),
        (["summary", "worked"], {"gradbook.lab", "gradbook.engine", "gradbook.data.sources"}),
        (["help", "completion", "--words", "train", ""], {"numpy"}),
        (["help", "completion", "--words", "explain", ""], {"numpy"}),
    ],
)
def test_no_more_is_loaded_than_is_used(words, without):
    found = loaded("-m", "gradbook", *words)
    assert "gradbook" in {name.partition(".")[0] for name in found}
    assert not (without | (HEAVY if words == ["--version"] else set())) & found


def test_a_verbs_help_costs_no_heavy_import():
    unused = {"PIL", "openpyxl", "secrets", "tempfile", "gradbook.net"}
    assert not (HEAVY | unused) & loaded("-c", PAGES)


LIMITED = """
import os, resource, sys
which, most = sys.argv[1:3]
resource.setrlimit(getattr(resource, which), (int(most), int(most)))
os.execv(sys.executable, [sys.executable, "-m", "gradbook", *sys.argv[3:]])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process, as Linux keeps them")
@for_each(
    ("which", "most", "said"),
    [
        ("RLIMIT_AS", 60 * 2**20, "not enough memory: "),  # for a module
        # For what the module needs, or for a thread's stack: whichever comes first.
        ("RLIMIT_AS", 200 * 2**20, "not enough memory: |start another process or thread"),
        ("RLIMIT_FSIZE", 5000, "files may not become that large there"),
        ("RLIMIT_FSIZE", 0, "no folder for temporary files is writable: set TMPDIR to one"),
    ],
)
def test_what_the_system_has_too_little_of_is_told_in_a_line(which, most, said, tmp_path):
    verb = ["data", "digits"] if which == "RLIMIT_AS" else ["sheet", "xor", "--epochs", "2"]
    words = [*verb, *(["-o", "a.xlsx"] if verb[0] == "sheet" else [])]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, which, str(most), *words],
        cwd=tmp_path,
        # byte code that is cut short would be read by other tests
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.startswith("gradbook: ")) == (2, True), line
    assert re.search(said, line), line
    assert not list(tmp_path.iterdir())


def test_the_overview_says_which_verbs_take_a_language(capsys):
    main([])
    _, _, told = capsys.readouterr().out.rpartition("options of ")
    named = set(told.partition(":")[0].replace(" and ", ", ").split(", "))
    assert named == {
        one.partition(" ")[0] for one in every_command() if verb_parser(one).verb.speaks
    }
