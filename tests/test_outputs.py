"""No verb's output takes the place of its input, or of what gradbook didn't write as it now is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook import outputs
from gradbook.cli.main import every_command, main, verb_parser
from gradbook.files import PART, guarded, write_all, write_whole
from gradbook.outputs import CommandOutputs
from tests.cases import for_each
from tests.conftest import require
from tests.trained import model_of, table_model_of

BARE = "input 2\ndense 1\nsigmoid\nloss half squared error\n"
NET = f"{BARE}sample 1 2 -> 1\n"
SAMPLES = "x,y,z\n1,2,1\n2,1,0\n"
ROWS = "width,colour,height\n50,red,-3\n40,blue,-2.9\n"
NAMES = "Ann\nBob\n"
LINKS = {"symbolic": os.symlink, "hard": os.link}
SAME = "same"
SHORT = ("--epochs", "2", "--rates", "none")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Path:
    """Files of every kind that a verb reads, made once."""
    folder = tmp_path_factory.mktemp("material")
    texts = {
        "net.txt": NET,
        "bare.txt": BARE,
        "samples.csv": SAMPLES,
        "rows.csv": ROWS,
        "names.csv": NAMES,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    model_of("input 1x8x8; conv 2 3x3; relu; flatten; dense 3; log softmax").save(
        folder / "model.safetensors"
    )
    table_model_of("price")[0].save(folder / "table.safetensors")
    with guarded(None):
        if find_spec("onnx"):
            words = ["export", str(folder / "model.safetensors"), "-o", f"{folder}/net.onnx"]
            assert main(words) == 0
        assert main(["sheet", f"{folder}/net.txt", *SHORT, "-o", f"{folder}/book.xlsx"]) == 0
    from PIL import Image

    for name in ("a", "b"):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(6):
            Image.new("L", (8, 8), 40 * number).save(folder / f"pictures/{name}/{number}.png")
    return folder


@pytest.fixture
def here(material, tmp_path, monkeypatch) -> Path:
    return laid_out(material, tmp_path, monkeypatch)


def laid_out(material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "cache"))
    shutil.copytree(material, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("DISPLAY", raising=False)
    return tmp_path / "here"


@dataclass(frozen=True)
class Case:
    """A command whose output, `OUT`, leads to what it reads, `IN`."""

    words: str
    read: str  # the file that stands for IN
    ending: str  # of the output
    under_its_own_name: bool = True  # the reader takes a file with this ending

    def ways(self) -> list[str]:
        return [*([SAME] if self.under_its_own_name else []), *LINKS]


def cases():
    for ending in (".txt", ".md"):
        yield Case("explain IN -o OUT", "net.txt", ending)
    yield Case("sheet IN -o OUT --epochs 2 --rates none", "net.txt", ".xlsx", False)
    yield Case("sheet IN -o OUT --exercise 3", "net.txt", ".xlsx", False)
    yield Case("sheet IN -o OUT", "book.xlsx", ".xlsx")
    yield Case("play IN -o OUT", "net.txt", ".html")
    for ending in (".xml", ".zip"):
        yield Case("quiz IN -o OUT --for 1", "net.txt", ending)
        yield Case("quiz net.txt -o OUT --for IN", "names.csv", ending, False)
    for ending in (".html", ".csv"):
        yield Case("sweep IN -o OUT --epochs 2 --rates 1", "net.txt", ending)
    for ending in (".txt", ".xlsx"):
        yield Case("summary IN -o OUT", "net.txt", ending)
    yield Case("sweep bare.txt --data IN -o OUT --epochs 2 --rates 1", "samples.csv", ".csv")
    for verb, ending in (("explain", ".md"), ("play", ".html"), ("quiz", ".xml")):
        yield Case(f"{verb} bare.txt --data IN -o OUT", "samples.csv", ending, False)
    yield Case("sheet bare.txt --data IN -o OUT", "samples.csv", ".xlsx", False)
    yield Case("data pictures -o OUT", "pictures/a/1.png", ".png", False)
    yield Case("check IN -o OUT", "book.xlsx", ".html", False)
    yield Case("check IN -o OUT", "book.xlsx", ".csv", False)
    yield Case("check . -o OUT", "book.xlsx", ".csv", False)
    yield Case("predict table.safetensors IN -o OUT", "rows.csv", ".csv")
    yield Case("predict IN rows.csv -o OUT", "table.safetensors", ".csv", False)
    for ending in (".onnx", ".npz", ".txt", ".ino", ".py"):
        yield Case("export IN -o OUT", "model.safetensors", ending, False)
        yield Case("export IN -o OUT", "net.onnx", ending, ending == ".onnx")
    for ending in (".txt", ".safetensors"):
        yield Case("import IN -o OUT", "net.onnx", ending, False)


TRIES = [(case, way) for case in cases() for way in case.ways()]


@for_each(("case", "way"), TRIES, ids=[f"{case.words} {case.ending} {way}" for case, way in TRIES])
def test_an_output_that_is_an_input_is_refused_even_with_force(
    material, tmp_path, monkeypatch, case, way, capsys
):
    here = laid_out(material, tmp_path, monkeypatch)
    if ".onnx" in (case.ending, Path(case.read).suffix):
        require("onnx")
    read, out = case.read, f"out{case.ending}"
    if way == SAME:
        out = f"in{case.ending}"
        read = shutil.copy(read, out)
    else:
        LINKS[way](here / read, out)
    words = [{"IN": read, "OUT": out}.get(word, word) for word in case.words.split()]
    before, content = set(here.rglob("*")), Path(read).read_bytes()
    code = main([*words, "--force"])
    output = capsys.readouterr()
    assert (code, output.out) == (2, ""), output
    *remarks, refusal = output.err.splitlines()
    assert not remarks or case.read == "net.onnx", output.err  # of which something is said anyway
    assert refusal.startswith(f"gradbook: can't write {out}: "), output.err
    assert refusal.endswith(": name another file"), output.err
    assert Path(read).read_bytes() == content
    assert set(here.rglob("*")) == before


def test_what_comes_in_by_standard_input_is_an_input(here, capsys):
    with open("net.txt") as given:
        words = [sys.executable, "-m", "gradbook", "explain", "-", "-o", "net.txt", "--force"]
        done = subprocess.run(words, stdin=given, capture_output=True, text=True, check=False)
    said = "gradbook: can't write net.txt: it is standard input, which is read: name another file\n"
    assert (done.returncode, done.stderr) == (2, said)
    assert Path("net.txt").read_text() == NET


def test_a_companion_of_an_export_is_an_output_too(here, capsys):
    shutil.copy("model.safetensors", "x_weights.safetensors")
    assert main(["export", "x_weights.safetensors", "-o", "x.py", "--force"]) == 2
    assert "can't write x_weights.safetensors: this command reads it" in capsys.readouterr().err
    assert not Path("x.py").exists()
    assert main(["export", "model.safetensors", "-o", "x.py"]) == 2
    assert "x_weights.safetensors already exists" in capsys.readouterr().err
    assert not Path("x.py").exists()


def test_a_runs_own_files_are_nobodys_output(here, capsys):
    """Though gradbook wrote them, and though the command reads only its others."""
    assert (
        main(
            [
                "train",
                "rows.csv",
                "--target",
                "height",
                "--epochs",
                "1",
                "-o",
                "made",
                "--set",
                "test none",
            ]
        )
        == 0
    )
    before = Path("made/metrics.csv").read_bytes()
    assert main(["predict", "made", "rows.csv", "-o", "made/metrics.csv"]) == 2
    assert "made/metrics.csv already exists" in capsys.readouterr().err
    assert Path("made/metrics.csv").read_bytes() == before


def test_two_outputs_are_two_files(here, capsys):
    assert main(["check", "book.xlsx", "-o", "x.csv", "-o", "x.csv"]) == 2
    assert "can't write x.csv twice" in capsys.readouterr().err


# What exists ------------------------------------------------------------------

EXISTS = (
    "gradbook: {} already exists, and gradbook didn't write it as it is now: name another file, or "
    "replace it with --force\n"
)
WRITES = {  # a short command of every verb that writes, before its output
    "explain net.txt -o": "x.md",
    "sheet net.txt --epochs 2 --rates none -o": "x.xlsx",
    "play net.txt -o": "x.html",
    "quiz net.txt --for 1 -o": "x.xml",
    "sweep net.txt --epochs 2 --rates 1 -o": "x.csv",
    "summary net.txt -o": "x.md",
    "data pictures -o": "x.png",
    "predict table.safetensors rows.csv -o": "x.csv",
    "export model.safetensors -o": "x.npz",
    "import net.onnx -o": "x.txt",
    "check book.xlsx -o": "x.html",
}


@for_each("words", WRITES, ids=lambda words: words.split()[0])
def test_an_output_is_written_anew_until_somebody_changes_it(
    material, tmp_path, monkeypatch, words, capsys
):
    laid_out(material, tmp_path, monkeypatch)
    if "net.onnx" in words:
        require("onnx")
    out = WRITES[words]
    command = [*words.split(), out]
    first = main(command)
    assert first in (0, 1), capsys.readouterr()  # the book isn't all right
    written = Path(out).read_bytes()
    assert main(command) == first
    Path(out).write_bytes(written + b"mine")
    capsys.readouterr()
    assert main(command) == 2
    assert capsys.readouterr().err.endswith(EXISTS.format(out))
    assert Path(out).read_bytes() == written + b"mine"
    assert main([*command, "--force"]) == first
    assert Path(out).read_bytes() != written + b"mine"


def test_every_verb_that_writes_is_asked():
    """But those that write into a new folder of their own, or one that is theirs."""
    asking = {"-o", "--out", "--annotate"}
    writing = {
        verb
        for verb in every_command()
        if any(asking & set(one.option_strings) for one in verb_parser(verb)._actions)
    }
    own = {"demo", "study", "train", "generate"}
    assert writing - own == {words.split()[0] for words in WRITES}


def test_what_gradbook_wrote_is_known_wherever_it_was_moved(here):
    assert main(["explain", "net.txt", "-o", "a.md"]) == 0
    Path("a.md").rename("b.md")
    assert main(["summary", "net.txt", "-o", "b.md"]) == 0


def test_where_the_list_of_what_was_written_is_lost_the_same_content_may_be_written(here, capsys):
    command = ["explain", "net.txt", "-o", "a.md"]
    assert main(command) == 0
    shutil.rmtree(Path(os.environ["GRADBOOK_CACHE"], "written"))
    assert main(command) == 0
    shutil.rmtree(Path(os.environ["GRADBOOK_CACHE"], "written"))
    capsys.readouterr()
    assert main(["summary", "net.txt", "-o", "a.md"]) == 2
    assert capsys.readouterr().err == EXISTS.format("a.md")


def test_where_nothing_can_be_kept_files_are_written_all_the_same(here, monkeypatch, capsys):
    monkeypatch.setenv("GRADBOOK_CACHE", str(here / "net.txt"))
    assert main(["explain", "net.txt", "-o", "a.md"]) == 0
    assert main(["summary", "net.txt", "-o", "a.md"]) == 2
    assert capsys.readouterr().err == EXISTS.format("a.md")
    assert main(["summary", "net.txt", "-o", "a.md", "--force"]) == 0


def test_an_empty_file_holds_nothing_to_be_lost(here):
    Path("a.md").write_bytes(b"")
    assert main(["explain", "net.txt", "-o", "a.md"]) == 0


def test_filled_in_exercises_stay_and_none_of_the_others_is_touched(here, capsys):
    command = ["sheet", "net.txt", "--exercise", "1-2", "--epochs", "2", "-o", "cl"]
    assert main(command) == 0
    book = Path("cl/net-exercise-2.xlsx")
    os.utime("cl/net-exercise-1.xlsx", (0, 0))
    book.write_bytes(book.read_bytes() + b"filled in")
    capsys.readouterr()
    assert main(command) == 2
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", EXISTS.format(book))
    assert book.read_bytes().endswith(b"filled in")
    assert Path("cl/net-exercise-1.xlsx").stat().st_mtime == 0


def test_a_solution_that_somebody_changed_stays(here, capsys):
    command = ["sheet", "net.txt", "--exercise", "1", "--epochs", "2", "--solution", "-o", "a.xlsx"]
    assert main(command) == 0
    Path("a-solution.xlsx").write_bytes(b"mine")
    os.utime("a.xlsx", (0, 0))
    assert main(command) == 2
    assert Path("a.xlsx").stat().st_mtime == 0
    assert Path("a-solution.xlsx").read_bytes() == b"mine"


def test_copies_of_books_are_renewed_and_changed_ones_stay(here, capsys):
    command = ["check", "book.xlsx", "--annotate", "marked"]
    assert main(command) == main(command)
    Path("marked/book.xlsx").write_bytes(b"mine")
    capsys.readouterr()
    assert main(command) == 2
    assert "marked/book.xlsx already exists" in capsys.readouterr().err
    assert Path("marked/book.xlsx").read_bytes() == b"mine"
    assert main([*command, "--force"]) != 2


@pytest.mark.parametrize("name", ["report.html", "trials.csv", "journal.log"])
def test_a_study_begins_in_no_folder_that_has_files_called_like_its_own(here, name, capsys):
    Path("f").mkdir()
    Path("f", name).write_text("mine")
    words = ["study", "tiny", "--vary", "batch {64|128}", "--trials", "1", "-o", "f"]
    assert main(words) == 2
    assert "f already contains a study" in capsys.readouterr().err
    assert [path.name for path in Path("f").iterdir()] == [name]


def test_long_work_isnt_begun_for_a_file_that_must_stay(here, monkeypatch, capsys):
    monkeypatch.setattr("gradbook.rates.sweep.sweep", lambda *_, **__: pytest.fail("it was begun"))
    Path("x.csv").write_text("mine")
    assert main(["sweep", "net.txt", "-o", "x.csv"]) == 2
    assert capsys.readouterr().err == EXISTS.format("x.csv")


def test_streams_are_written_to_and_never_replaced(here):
    Path("log").write_text("before\n")
    with open("log", "a") as log:
        code = "from gradbook.files import write_whole; write_whole('/dev/stdout', 'dense')"
        done = subprocess.run([sys.executable, "-c", code], stdout=log, check=False)
    assert done.returncode == 0
    assert Path("log").read_text().startswith("before\n")
    assert "dense" in Path("log").read_text()


def test_from_python_a_file_is_replaced_as_usual(here):
    import gradbook as gb

    Path("x.xlsx").write_text("mine")
    gb.write_workbook(gb.builtin("worked"), "x.xlsx", epochs=2, rates=())
    assert Path("x.xlsx").read_bytes().startswith(b"PK")


def test_of_several_files_none_is_replaced_before_all_may_be(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "cache"))
    with guarded(CommandOutputs()):
        write_all({tmp_path / "a": "1", tmp_path / "b": "2"})
    (tmp_path / "b").write_text("mine")
    with guarded(CommandOutputs()), pytest.raises(outputs.KeptFileError):
        write_all({tmp_path / "a": "3", tmp_path / "b": "4"})
    texts = {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()}
    assert texts == {"a": "1", "b": "mine"}


def test_the_list_of_what_was_written_doesnt_grow_without_end(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(outputs, "MOST_KEPT", 100)
    with guarded(CommandOutputs()):
        for number in range(20):
            write_whole(tmp_path / f"{number}", f"{number}")
    sizes = [path.stat().st_size for path in (tmp_path / "cache/written").iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < 200
    with guarded(CommandOutputs()):
        write_whole(tmp_path / "19", "another")
        with pytest.raises(outputs.KeptFileError):
            write_whole(tmp_path / "0", "another")


# What killed commands leave ---------------------------------------------------

WRITING = """\
import sys, time
from gradbook.files import whole_file
with whole_file(sys.argv[1]) as part:
    part.write_text("half")
    print("writing", flush=True)
    time.sleep(600)
"""


def test_what_a_killed_command_left_is_taken_away_by_the_next_and_nothing_else(tmp_path):
    mine = tmp_path / f"{PART}notes.txt"
    mine.write_text("mine")
    words = [sys.executable, "-c", WRITING, str(tmp_path / "a.html")]
    with (
        subprocess.Popen(words, stdout=-1) as killed,
        subprocess.Popen(words, stdout=-1) as writing,
    ):
        for process in (killed, writing):
            assert process.stdout
            assert process.stdout.readline() == b"writing\n"
        killed.kill()
        killed.wait()
        assert len(list(tmp_path.iterdir())) == 3
        write_whole(tmp_path / "b.html", "whole")
        parts = [path for path in tmp_path.iterdir() if path.name.startswith(PART)]
        assert len(parts) == 2  # of who is writing still, and mine
        assert mine in parts
        writing.kill()
    assert mine.read_text() == "mine"


def test_a_killed_check_leaves_nothing_that_the_next_doesnt_take_away(here):
    """As somebody killed it while it wrote the page."""
    words = [sys.executable, "-m", "gradbook", "check", "book.xlsx", "-o", "a.html"]
    slow = "import time; from gradbook import files; files._settle = lambda *_: time.sleep(600);"
    slow += f" from gradbook.cli.main import main; main({words[3:]!r})"
    with subprocess.Popen([sys.executable, "-c", slow], stdout=-1) as process:
        deadline = time.monotonic() + 60
        while not list(here.glob(f"{PART}*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
    assert len(list(here.glob(f"{PART}*"))) == 1
    subprocess.run(words, check=False, stdout=-1)
    assert list(here.glob(f"{PART}*")) == []
    assert Path("a.html").exists()


STRUCK = """\
import os, random, signal, sys, time
from pathlib import Path
from gradbook.cli.main import main

count, folder, words = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]

def child():
    process = os.fork()
    if not process:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(main(words))
    return process

def content():
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files}

before, began = content(), time.monotonic()
os.waitpid(child(), 0)
takes, whole = time.monotonic() - began, content()
assert len(whole) > len(before)
draw, killed = random.Random(5), 0
for _ in range(4 * count):
    if killed == count:
        break
    for path in whole.keys() - before.keys():
        Path(path).unlink(missing_ok=True)
    process = child()
    time.sleep(draw.uniform(0, takes))
    os.kill(process, signal.SIGKILL)
    killed += os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    after = content()
    parts = [path for path in after if Path(path).name.startswith(".gradbook-")]
    assert before.items() <= after.items()
    assert {path: after[path] for path in after if path not in parts}.items() <= whole.items()
os.waitpid(child(), 0)
assert content() == whole
print(killed)
"""
KILLS = 25


@pytest.mark.skipif(not hasattr(os, "fork"), reason="it forks")
@pytest.mark.parametrize(
    "words",
    ["check wrong.xlsx --fix corrected", "export table.safetensors -o table.py"],
)
def test_killed_at_any_moment_a_command_leaves_its_input_and_only_whole_files(words, here):
    book = load_workbook("book.xlsx")
    sheet = book["Training"]
    column = next(cell.column_letter for cell in sheet[4] if str(cell.value).startswith("∂E/∂w"))
    for (cell,) in sheet[f"{column}5:{column}{sheet.max_row}"]:
        if str(cell.value).startswith("="):
            cell.value = f"=-({cell.value[1:]})"
    book.save("wrong.xlsx")
    program = [sys.executable, "-c", STRUCK, str(KILLS), "."]
    done = subprocess.run([*program, *words.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == KILLS
