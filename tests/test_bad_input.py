"""Whatever is given that can't be meant: one clear line, exit 2, nothing printed, no file left.

The verbs that take a network are asked one after the other, in this process; a few cases are run
as a user runs them. What exactly is said about a network's text is held by `tests/net`.
"""

from __future__ import annotations

import io
import os
import sys

import pytest

from gradbook.cli.main import VERBS, main

DATA_VERBS = ("explain", "sheet", "sweep", "film", "quiz")
NETWORK_VERBS = (*DATA_VERBS, "summary", "page", "play")
# What a verb isn't asked without.
NEEDED = {"page": ("-o", "page.html"), "film": ("-o", "film.gif"), "quiz": ("-o", "quiz.xml")}
LONG = "a" * 300  # more than a file's name may have
OK = "input 2; dense 1; sigmoid; loss half squared error"

TEXTS = {
    "input 2; sigmod": "did you mean 'sigmoid'?",
    "input 2": "nothing to train: add a layer",
    "input 2; dense": "dense's width is missing",
    "input 2; dense 0": "a whole number from 1 up, not 0",
    "input 2; dense two": "dense's width is a whole number",
    "input 2; dense 2; loss": "which loss: one of",
    "input 2; dense 2; softmax; loss binary cross-entropy": "end the layers with 'sigmoid'",
    "input 1x4x4; dense 2": "put 'flatten' before it",
    "input 1x4x4; conv 2 5x5; flatten": "larger than its input",
    "input 2; dense 2; rate nan": "the rate is a number such as 0.15, not 'nan'",
    "input 2; dense 2; rate -1": "the rate is a number from 0 up",
    "input 2; dense 2; weights 1 2 3": "3 start values, but the layers have w1 … w4",
    "input 2; dense 2; sample 1 2 -> 1": "1 target, but the network takes 2",
    "input 2; dense 2; update rmsprop": "unknown update 'rmsprop'",
    "input 99999999; dense 2": "values in one layer: the most is",
    "input 2; dense 2; \x1b[31mtanh": r"\x1b[31mtanh",
    "name \x07; input 2; dense 1": "printable characters",
    ";": "no layers: begin with a line such as 'input 2'",
    " ": "no layers: begin with a line such as 'input 2'",
    "dense 2; input 2": "'dense' before the input",
    "input 2; dense 2; data missing.csv": "missing.csv",
    "x" * 2000 + " ": "unknown layer",
}

NAMES = {
    "wroked": "did you mean 'worked'?",
    "nowhere.net": "there is no network or file called 'nowhere.net'",
    "": "there is no network or file called ''",
    "folder": "it is a folder",
    "empty.net": "empty.net, line 1, column 1: no layers",
    "wrong.net": "wrong.net, line 3, column 1: unknown layer 'sigmod'",
    "binary.net": "isn't UTF-8 text",
    "latin.net": "isn't UTF-8 text",
    "huge.net": "is larger than",
    "long.net": "the most is 1,000,000",
    "loop.net": "loop.net",
    "empty.net/inside": "empty.net/inside",
    "broken.csv": "broken.csv, line 1, column 1",
    "\ud800": r"\ud800",
    "a\nb\x1b[2J.net": "unknown layer 'a'",
}

TABLES = {
    "absent.csv": "absent.csv",
    "folder": "it is a folder",
    "empty.csv": "empty.csv",
    "header.csv": "header.csv",
    "broken.csv": "broken.csv, row 2",
    "ragged.csv": "ragged.csv, row 3",
    "narrow.csv": "narrow.csv",
    "nan.csv": "nan.csv, row 2",
    "infinite.csv": "infinite.csv, row 1",
    "binary.net": "binary.net",
    "huge.net": "huge.net",
    "zeros.csv": "zeros.csv",
    "quote.csv": "quote.csv",
}

FLAGS = [
    (["explain", "input 3000; dense 3000"], "2 of the 3,000 inputs would fit"),
    (["sheet", "input 3000; dense 3000"], "2 of the 3,000 inputs would fit"),
    (["explain", "--frmat", "html"], "did you mean '--format'?"),
    (["explain", "--format", "htm"], "did you mean 'html'?"),
    (["explain", "--format"], "expected one argument"),
    (["explain", "--only", "w9"], "w9"),
    (["explain", "--only", "x"], "x"),
    (["explain", "--only", ""], "--only: its value is missing"),
    (["explain", "--data", ""], "--data: its value is missing"),
    (["explain", "mazur", "--only", "b1"], "b1"),
    (["explain", "worked", "mazur"], "unexpected argument 'mazur'"),
    (["explain", "-o", "no/such/place.html"], "no/such/place.html"),
    (["explain", "-o", "folder"], "folder"),
    (["explain", "-o", ""], "-o/--out: its value is missing"),
    (["sheet", "-o", ""], "-o/--out: its value is missing"),
    (["demo", "--out="], "-o/--out: its value is missing"),
    (["sheet", "--epochs", "0"], "0 is out of range: it must be at least"),
    (["sheet", "--epochs", "-3"], "-3"),
    (["sheet", "--epochs", "1.5"], "'1.5' isn't a whole number"),
    (["sheet", "--epochs", "2000000"], "2,000,000 epochs"),
    (["sheet", "--epochs", "9" * 4000], "isn't a whole number"),
    (["sheet", "--rate", "fast"], "'fast' isn't a number"),
    (["sheet", "--rate", "nan"], "'nan' isn't a number"),
    (["sheet", "--rate", "-1"], "-1"),
    (["sheet", "--rates", "0.1,,1"], "'' isn't a number"),
    (["sheet", "--rates", "0.1;1"], "'0.1;1' isn't a number"),
    (["sheet", "--rates", ""], "isn't a number"),
    (["sheet", "--rates", ",".join(map(str, range(1, 5000)))], "rates"),
    (["sheet", "--exercise", "x"], "x"),
    (["sheet", "--exercise", "9-3"], "3 is out of range: it must be at least 9"),
    (
        ["sheet", "--exercise", "1-999999999"],
        "999999999 is out of range: it must be at least 1 and at most",
    ),
    (["sheet", "--solution"], "--exercise"),
    (["sheet", "-o", "no/such/place.xlsx"], "no/such/place.xlsx"),
    (["sheet", "-o", "book.numbers"], "book.numbers"),
    (["sheet", "--data"], "expected one argument"),
    (["sweep", "--rates", "0.1,x"], "'x' isn't a number"),
    (["sweep", "--rates", "1e999"], "'1e999' isn't a number"),
    (["sweep", "--epochs", "0"], "at least"),
    (["sweep", "--epochs", "99999999999999999999"], "isn't a whole number"),
    (["sweep", "-o", "sweep.doc"], "has no ending that says what to write"),
    (["sweep", "-o", "no/such/place.svg"], "no/such/place.svg"),
    (["sweep", "--jsno"], "did you mean '--json'?"),
    (["sweep", "worked", "--json=yes"], "--json"),
    (["demo", "-o", "empty.net"], "can't make the folder empty.net"),
    (["demo", "--fast"], "unknown option '--fast'"),
    (["demo", "worked"], "unexpected argument 'worked'"),
    (["help", "sweeep"], "did you mean 'sweep'?"),
    (["help", "sheet", "sweep"], "unexpected argument 'sweep'"),
    (["explian"], "did you mean 'explain'?"),
    (["--verbose"], "unknown option '--verbose'"),
    (["EXPLAIN"], "did you mean 'explain'?"),
    (["../explain"], "unknown verb '../explain'"),
    (["__init__"], "unknown verb '__init__'"),
    (["networks"], "unknown verb 'networks'"),
    (["train", "tiny", "-o", LONG], "the name is too long: choose a shorter one"),
    (["train", "--resume", LONG], "the name is too long: choose a shorter one"),
    (["compare", LONG, LONG], "the name is too long: choose a shorter one"),
    (["study", "--resume", LONG], "the name is too long: choose a shorter one"),
    (["summary", f"{LONG}/net.txt"], "called"),
]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with files of every wrong kind."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.net").write_bytes(b"")
    (tmp_path / "wrong.net").write_text("input 2\ndense 2\nsigmod\n")
    (tmp_path / "binary.net").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "latin.net").write_bytes("input 2 # größer\ndense 1".encode("latin-1"))
    for name, size in (("huge.net", 16 * 2**20 + 1), ("long.net", 1_000_001)):
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, size)
    (tmp_path / "loop.net").symlink_to("loop.net")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "header.csv").write_text("a,b,c\n")
    (tmp_path / "broken.csv").write_text("1,2,3\n1,two,3\n")
    (tmp_path / "ragged.csv").write_text("1,2,3\n4,5,6\n7,8\n")
    (tmp_path / "narrow.csv").write_text("1,2\n3,4\n")
    (tmp_path / "nan.csv").write_text("1,2,3\n1,nan,3\n")
    (tmp_path / "infinite.csv").write_text("1,1e999,3\n")
    (tmp_path / "zeros.csv").write_bytes(b"\0" * 1000)
    (tmp_path / "quote.csv").write_text('1,2,"3\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def untouched(refused, place):
    """`refused`, and what lies in the folder is what lay there before."""

    def contents():
        return {
            f: f.read_bytes() for f in place.rglob("*") if f.is_file() and f.stat().st_size < 1e5
        }

    def refuse(words):
        before = contents()
        said = refused(words)
        assert contents() == before
        assert said.isprintable()
        assert 10 < len(said) < 1000
        return said

    return refuse


def test_every_verb_that_takes_a_network_is_asked():
    others = {"demo", "help", "completion", "data", "check", "recipes"}
    others |= {"predict", "export", "import", "compare", "serve", "class"}
    others |= {"train", "study", "write"}  # which are asked beside their own tests
    assert {*VERBS} - others == {*NETWORK_VERBS}


@pytest.mark.parametrize("verb", NETWORK_VERBS)
@pytest.mark.parametrize("text", TEXTS)
def test_a_wrong_network_text(verb, text, untouched):
    assert TEXTS[text] in untouched([verb, text, *NEEDED.get(verb, ())])


@pytest.mark.parametrize("verb", NETWORK_VERBS)
@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_name_or_file(verb, name, untouched):
    assert NAMES[name] in untouched([verb, name, *NEEDED.get(verb, ())])


@pytest.mark.parametrize("verb", DATA_VERBS)
@pytest.mark.parametrize("table", TABLES)
def test_a_wrong_table(verb, table, untouched):
    assert TABLES[table] in untouched([verb, OK, "--data", table, *NEEDED.get(verb, ())])


@pytest.mark.parametrize(("words", "said"), FLAGS, ids=[" ".join(words)[:60] for words, _ in FLAGS])
def test_a_wrong_flag(words, said, untouched):
    assert said in untouched(words)


@pytest.mark.parametrize("verb", NETWORK_VERBS)
@pytest.mark.parametrize("text", ["", "input 2\nsigmod", "\ufeff\ufeff", "input 2"])
def test_a_wrong_text_on_standard_input(verb, text, untouched, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    said = untouched([verb, "-", *NEEDED.get(verb, ())])
    assert said.startswith("standard input, line ")


@pytest.mark.parametrize(
    "words",
    [
        ["explain", "input 2; sigmod"],
        ["sheet", "wrong.net", "-o", "book.xlsx"],
        ["sweep", "worked", "--rates", "-1,1", "-o", "sweep.html"],
        ["explain", OK, "--data", "broken.csv", "-o", "page.html"],
        ["sheet", "--epochs", "0", "-o", "book.xlsx"],
        ["nonsense"],
    ],
)
def test_as_a_user_runs_it(words, gradbook, place):
    before = sorted(os.listdir(place))
    said = gradbook(*words)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("gradbook: ")
    assert said.stderr.count("\n") == 1
    assert sorted(os.listdir(place)) == before


def test_what_stood_there_before_still_stands_there(untouched, place):
    (place / "book.xlsx").write_bytes(b"a student's work")
    untouched(["sheet", "wrong.net", "-o", "book.xlsx"])
    untouched(["sheet", "worked", "--epochs", "0", "-o", "book.xlsx"])
    assert (place / "book.xlsx").read_bytes() == b"a student's work"


def test_the_network_that_is_used_here_is_right():
    assert main(["explain", OK]) == 0
