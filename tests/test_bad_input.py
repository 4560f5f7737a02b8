"""Whatever is given that can't be meant: one clear line, exit 2, nothing printed, no file left.

The verbs that take a network are asked in turn, in this process; a few cases are run as a user
runs them. What exactly is said about a network's text is held by `tests/net`.
"""

from __future__ import annotations

import io
import os
import shlex
import sys
from itertools import cycle

import pytest

from gradbook.cli.main import VERBS, every_command, main, verb_parser
from gradbook.errors import UsageError
from tests.cases import for_each

DATA_VERBS = ("explain", "sheet", "sweep", "quiz")
NETWORK_VERBS = (*DATA_VERBS, "summary", "play")
# What a verb isn't asked without.
NEEDED = {"play": ("-o", "play.html"), "quiz": ("-o", "quiz.xml")}
LONG = "a" * 300  # more than a file's name may have
LETTERS = "input tokens 16 of 30; embed 16; conv1d 30 1; softmax; loss cross-entropy"
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
    "input 2; dense 2; rate -1": "the rate must be a number of at least 0",
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

WORDS = {
    "explian": "did you mean 'explain'?",
    "EXPLAIN": "did you mean 'explain'?",
    "../explain": "unknown verb '../explain'",
    "__init__": "unknown verb '__init__'",
    "networks": "unknown verb 'networks'",
    "--verbose": "unknown option '--verbose'",
    "explain --jsno": "did you mean '--json'?",
    "explain --only": "expected one argument",
    "explain --set 'decimal x'": "--set 'decimal x': unknown 'x': it is one of ,, .",
    "explain --set decimal": "--set 'decimal': its value is missing",
    "explain --set 'rate x'": "--set, line 1, column 6: the rate is a number such as 0.15",
    "explain --set 'flavour 3'": "unknown 'flavour': expected one of loss, update, decay, rate",
    "explain --only w9": "no weight is called 'w9' (the weights are w1 … w8",
    "explain --only x": "x",
    "explain xor --only w13": "did you mean 'w3'?",
    "explain mazur --only b1": "'b1' is fixed",
    "explain --all": "explain no longer has --all: write --only all",
    "explain --only ''": "--only: its value is missing",
    "explain --data ''": "--data: its value is missing",
    "explain -o ''": "-o/--out: its value is missing",
    "explain worked mazur": "unexpected argument 'mazur'",
    "explain -o no/such/place.html": "no/such/place.html",
    "explain -o folder": "folder",
    "explain -o book.docx": "'book.docx' has no ending that selects a format: end it in .txt",
    "explain 'input 3000; dense 3000'": "2 of the 3,000 inputs would fit",
    "explain 'input 1x64x64; conv 8 3x3; flatten; dense 10'": "would fit",
    "sheet 'input 3000; dense 3000'": "2 of the 3,000 inputs would fit",
    "sheet 'input 900; dense 1'": "characters, but a cell holds 8,192",
    "sheet --epochs 1": "--epochs: 1 is out of range: it must be at least 2",
    "sheet --epochs 1000000": "1,000,000 epochs of 31 values are 31,000,000 cells",
    "sheet --epochs 2000000": "2,000,000 epochs",
    "sheet --rates 0.1,,1": "--rates: '' isn't a number",
    "sheet --rates '0.1;1'": "'0.1;1' isn't a number",
    "sheet --rates ''": "--rates: '' isn't a number",
    f"sheet --rates {','.join(map(str, range(1, 5000)))}": "rates",
    "sheet --exercise seven": "--exercise: 'seven' isn't a whole number",
    "sheet --exercise 9-3": "--exercise: 3 is out of range: it must be at least 9",
    "sheet --exercise 1-100000": "--exercise: 100000 is out of range: it must be at least 1 and at",
    "sheet --exercise names.csv": "it doesn't exist",
    "sheet --exercise 1-3 -o all.xlsx": "3 exercises are written to a folder, not all.xlsx",
    "sheet --exercise 1-3 -o all.ods": "3 exercises are written to a folder",
    "sheet --exercise 1 --blank sums": "'sums' can't be left blank: it is one of",
    "sheet --solution": "--solution needs --exercise SEED",
    "sheet --blank forward": "--blank needs --exercise SEED",
    "class init c --names names.csv --check-sheet no": "--check-sheet: unknown 'no'",
    "generate ''": "its name is empty",
    "quiz --for 3,-3": "--for: '-3' is neither a number nor a range such as 1-30",
    "quiz --for 3-": "--for: '3-' is neither a number nor a range such as 1-30",
    "summary xor --batch 9999999999999999999": "999' isn't a whole number of at most 18 digits",
    "class serve c --port x": "--port: 'x' isn't a whole number",
    "sheet --output x.xlsx": "did you mean '--out'?",
    "sheet -o nowhere/book.xlsx": "there is no folder nowhere",
    "sheet -o book.numbers": "book.numbers",
    "sheet -o book.xls": "a workbook's name ends in .xlsx: write book.xls.xlsx",
    "sheet -o worked.ods": "write worked.xlsx: LibreOffice opens it too",
    "sweep --rates fast": "--rates: 'fast' isn't a number",
    "sweep --rates 1e999": "'1e999' isn't a number",
    "sweep --rates 1,0.1,1.0": "the rate 1 is given twice: give it once",
    f"sweep --rates {','.join(map(str, range(1001)))}": "1,001 rates: the most is 1,000",
    "sweep --epochs 1": "--epochs: 1 is out of range: it must be at least 2",
    "sweep --epochs 10,000,000": "too many losses to keep: the most is 10,000,000",
    "sweep --rate 1": "unknown option '--rate': did you mean '--rates'?",
    "sweep --lr 3": "did you mean '--rates'?",
    "sweep worked --json=yes": "--json",
    "sweep -o a.xlsx": "'a.xlsx' has no ending that selects a format: end it in one of .html",
    "sweep -o none/a.svg": "there is no folder none",
    "summary": "arguments are required: NET",
    "summary worked --batch 0": "0 is out of range: it must be at least 1",
    "summary worked -o a.pdf": "'a.pdf' has no ending that selects a format: end it in .txt, .md",
    "summary worked -o nowhere/a.csv": "there is no folder nowhere",
    "summary worked -o nowhere/a.xlsx": "there is no folder nowhere",
    f"summary {LONG}/net.txt": "called",
    "quiz worked": "name the file with -o",
    "quiz -o quiz.pdf": "has no ending that selects a format",
    "quiz -o quiz.xml --ask valeu": "did you mean 'value'?",
    "quiz -o quiz.md": "end it in one of .xml, .gift, .zip",
    "quiz -o quiz.xml --form essay": "unknown 'essay'",
    "quiz -o quiz.xml --form number:0": "must be above 0",
    "quiz -o quiz.xml --form number:50": "at most 10",
    "quiz -o quiz.xml --for none.csv": "none.csv",
    "quiz -o no/such/quiz.xml --for 1": "no/such/quiz.xml",
    "quiz digits -o quiz.xml": "no network or file called 'digits'",
    "play worked -o page.pdf": "end it in one of .html, .htm",
    "play xor --train -o page.html": "always trains on its page",
    "play tiny --train 3 -o page.html": "--train",
    "play tiny --data nowhere -o page.html": "nowhere",
    "play blocks -o page.html": "make a page of a trained run",
    f"play '{LETTERS}' -o page.html": "begin the network with 'input tokens",
    "data digts": "no data set, file or folder is called 'digts': did you mean 'digits'?",
    "data folder": "folder: it contains no idx files, tables or folders of pictures",
    "data --show 3": "--show needs a data set: gradbook data digits --show …",
    "data --verify": "--verify needs a data set: gradbook data digits --verify …",
    "data --warp 'rotate 9'": "--warp needs a data set: gradbook data digits --warp …",
    "data digits --show 0": "--show: 0 is out of range: it must be at least 1 and at most 2,000",
    "data digits --show 3 --json": "--show and --json don't go together",
    "data digits --size 28": "--size: '28' isn't a size: write rows and columns as 28x28",
    "data digits --size 0x9": "--size: '0x9' isn't a size",
    "data digits8 --size 28x28": "digits8: its images are 8x8, not 28x28:",
    "data digits -o a.gif": "-o/--out: 'a.gif' has no ending that selects a format: end it in",
    "data digits8 -o no/a.png": "can't write no/a.png: there is no folder no",
    "data digits --warp 'rotate 9'": "--warp only changes what --show or -o draws: add one",
    "data digits --show 3 --warp rot": "--warp, line 1, column 1: unknown 'rot'",
    "data digits --show 3 --warp 'crop 29'": "crop 29 of an image with 28 rows and",
    "train quik --list": "no recipe 'quik': did you mean 'quick'?",
    "train quick --list --json": "--json is for the list: leave the recipe's name out",
    "train quick best --list": "unexpected argument 'best'",
    "demo --out=": "-o/--out: its value is missing",
    "demo -o empty.net": "can't make the folder empty.net",
    "demo --fast": "unknown option '--fast'",
    "help sweeep": "did you mean 'sweep'?",
    "help sheet sweep": "unexpected argument 'sweep'",
    "help completion tcsh": "it is one of bash, zsh, fish, powershell",
    "train --quiet": "save what is printed with '> FILE', or use --json",
    f"train tiny -o {LONG}": "the name is too long: choose a shorter one",
    f"train --resume {LONG}": "the name is too long: choose a shorter one",
    f"study --resume {LONG}": "the name is too long: choose a shorter one",
}


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
        refusal = refused(words)
        assert contents() == before
        assert refusal.isprintable()
        assert 10 < len(refusal) < 1000
        return refusal

    return refuse


def test_every_verb_that_takes_a_network_is_asked():
    others = {"demo", "help", "data", "check", "class"}
    others |= {"predict", "export", "import"}
    others |= {"train", "study", "generate"}  # which are asked beside their own tests
    assert {*VERBS} - others == {*NETWORK_VERBS}


def dealt(verbs, cases):
    """Each case for one of the verbs, for they read networks and tables by one function."""
    return list(zip(cycle(verbs), cases, strict=False))


@for_each(("verb", "text"), dealt(NETWORK_VERBS, TEXTS))
def test_a_wrong_network_text(verb, text, untouched):
    assert TEXTS[text] in untouched([verb, text, *NEEDED.get(verb, ())])


@for_each(("verb", "name"), dealt(NETWORK_VERBS, NAMES))
def test_a_wrong_name_or_file(verb, name, untouched):
    assert NAMES[name] in untouched([verb, name, *NEEDED.get(verb, ())])


@for_each(("verb", "table"), dealt(DATA_VERBS, TABLES))
def test_a_wrong_table(verb, table, untouched):
    assert TABLES[table] in untouched([verb, OK, "--data", table, *NEEDED.get(verb, ())])


@for_each("words", WORDS, ids=[words[:60] for words in WORDS])
def test_wrong_words(words, untouched):
    assert WORDS[words] in untouched(shlex.split(words))


@for_each(
    "verb", sorted({*every_command()} - {"check", "study", "class mark"})
)  # where N may be a fraction
def test_where_a_whole_number_is_asked_for_nothing_else_is_taken(verb):
    parser = verb_parser(verb)
    for entry in parser.page.entries:
        for word in ("ten", "1.5", "9" * 4000) if entry.flags and entry.value == "N" else ():
            with pytest.raises(UsageError, match=f"{entry.flags[-1]}: .*whole number"):
                parser.read([entry.flags[-1], word])


WRONG_INPUTS = ["", "input 2\nsigmod", "\ufeff\ufeff", "input 2"]


@for_each(("verb", "text"), dealt(NETWORK_VERBS, 2 * WRONG_INPUTS))
def test_a_wrong_text_on_standard_input(verb, text, untouched, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    said = untouched([verb, "-", *NEEDED.get(verb, ())])
    assert said.startswith("standard input, line ")


@for_each(
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
    process = gradbook(*words)
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.startswith("gradbook: ")
    assert process.stderr.count("\n") == 1
    assert sorted(os.listdir(place)) == before


def test_what_stood_there_before_still_stands_there(untouched, place):
    (place / "book.xlsx").write_bytes(b"a student's work")
    untouched(["sheet", "wrong.net", "-o", "book.xlsx"])
    untouched(["sheet", "worked", "--epochs", "0", "-o", "book.xlsx"])
    assert (place / "book.xlsx").read_bytes() == b"a student's work"


def test_the_network_that_is_used_here_is_right():
    assert main(["explain", OK]) == 0
