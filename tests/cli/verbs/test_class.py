"""`gradbook class`: what it does, what it says, and what it refuses."""

from __future__ import annotations

import pytest

from gradbook.cli.main import main
from tests.cases import for_each


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.csv").write_text("name\nAda Lovelace\nAlan Turing\n")
    return tmp_path


INIT = ["class", "init", "c", "--names", "names.csv", "--epochs", "3", "--paper", "none"]


def test_a_class_is_made_and_marked(place, capsys):
    assert main(INIT) == 0
    assert capsys.readouterr().out.startswith("c: 2 students, 2 exercises made\n")
    book = place / "c/exercises/Ada-Lovelace.xlsx"
    assert main(["class", "collect", "c", str(book)]) == 0
    assert capsys.readouterr().out == "1 new workbook in c/handed-in\n"
    assert main(["class", "mark", "c", "--workers", "1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("c: 1 of 2 students marked, feedback for 1 written\n")
    assert (place / "c/feedback/Ada-Lovelace.html").is_file()


def test_points_are_out_of_the_number_in_the_rubric(place):
    assert main(INIT) == 0
    assert main(["class", "collect", "c", "c/exercises/Ada-Lovelace.xlsx"]) == 0
    assert "/ 20" in marked(place) or "of 20" in marked(place)
    rubric = place / "c/rubric.toml"
    rubric.write_text(rubric.read_text("utf-8").replace("out_of = 20", "out_of = 7"), "utf-8")
    assert "of 7" in marked(place)


def marked(place, *words):
    assert main(["class", "mark", "c", "--workers", "1", *words]) == 0
    return (place / "c/feedback/Ada-Lovelace.html").read_text("utf-8")


def test_another_process_knows_what_is_done(place, gradbook):
    """Nothing depends on the order that a process happens to have its sets in."""
    gradbook(*INIT)
    gradbook("class", "collect", "c", "c/exercises")
    done = [gradbook("class", "mark", "c", environment={"PYTHONHASHSEED": s}) for s in "123"]
    assert ["feedback for 2 written" in one.stdout for one in done] == [True, False, False]
    assert "feedback for 0 written" in done[2].stdout


def test_what_is_odd_is_said_on_the_side(place, capsys):
    main(INIT)
    (place / "c/handed-in/who.xlsx").write_bytes(b"no book")
    assert main(["class", "mark", "c", "--workers", "1"]) == 1
    assert "nothing shows whose workbook who.xlsx is" in capsys.readouterr().err


@for_each(
    ("words", "complaint"),
    [
        (["class", "mrak", "c"], "did you mean 'mark'?"),
        (["class", "init", "c"], "the following arguments are required: --names"),
        (["class", "init", "c", "--names", "none.csv", "--paper", "none"], "none.csv"),
        (["class", "init", "c", "--names", "names.csv", "--net", "wroked"], "'worked'"),
        (["class", "init", "c", "--names", "names.csv", "--blank", "all"], "can't be left blank"),
        (["class", "init", "c", "--names", "names.csv", "--paper", "a3"], "unknown 'a3'"),
        (["class", "mark", "c"], "begin one with gradbook class init c"),
        (["class", "mark", "c", "--net", "worked"], "unknown option '--net'"),
        (["class", "collect", "c", "--hints"], "unknown option '--hints'"),
        (["class", "--hints"], "class isn't known: class does init, collect, mark, serve"),
    ],
)
def test_what_cant_be_meant_is_refused(words, complaint, place, refused):
    assert complaint in refused(words)


def test_a_network_without_room_on_paper_is_refused_before_anything_is_made(place, refused):
    net = "input 2; dense 200; dense 1; sample 1 2 -> 1"
    words = ["class", "init", "c", "--names", "names.csv", "--net", net, "--paper", "a4"]
    assert "--paper none" in refused(words)


def test_handouts_and_keys_are_pages_to_print(place):
    assert main([*INIT[:-2], "--workers", "1"]) == 0
    names = ["Ada-Lovelace.html", "Alan-Turing.html", "all.html"]
    for where in ("handouts", "keys"):
        assert sorted(path.name for path in (place / "c" / where).iterdir()) == names
    handout, key = ((place / "c" / where / names[0]).read_text() for where in ("handouts", "keys"))
    assert handout.count('class="blank"') == 8 + 2  # the gradients, the date, what is right
    assert key.count('class="blank"') == 0
    assert 'href="handouts/Ada-Lovelace.html"' in (place / "c/index.html").read_text()


# Files of the user's own ------------------------------------------------------


def test_what_gradbook_didnt_write_stays_file_by_file(place, refused):
    (place / "c/grades").mkdir(parents=True)
    words = {
        "index.html": (INIT, "init"),
        "names.csv": (INIT, "init"),
        "class.html": (["class", "mark", "c"], "mark"),
        "grades/moodle.csv": (["class", "mark", "c"], "mark"),
    }
    for name, (command, part) in words.items():
        own = place / "c" / name
        if part == "mark" and not (place / "c/class.toml").exists():
            assert main(INIT) == 0
        own.write_text("mine")
        before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
        assert f"c/{name} already exists, and gradbook didn't write it" in refused(command)
        assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
        own.unlink()


def test_what_gradbook_wrote_is_known_in_its_folder_whoever_goes_on(place, monkeypatch):
    """On another machine nothing is kept of what was written."""
    assert main(INIT) == 0
    for number, names in enumerate(("Ada Lovelace\nAlan Turing\nEmmy Noether\n",) * 2):
        monkeypatch.setenv("GRADBOOK_CACHE", str(place / f"other {number}"))
        (place / "names.csv").write_text(f"name\n{names}")
        assert main(INIT) == 0
        assert main(["class", "mark", "c"]) == 0
        (place / "c/rubric.toml").write_text(f"out_of = {number + 3}")
        assert main(["class", "mark", "c"]) == 0
    page = place / "c/class.html"
    page.write_text("changed by hand")
    assert main(["class", "mark", "c"]) == 2
    assert main(["class", "mark", "c", "--force"]) == 0
    assert "changed by hand" not in page.read_text("utf-8")


def test_the_list_that_is_read_is_never_written_over(place, capsys):
    (place / "c").mkdir()
    (place / "c/index.html").write_text("name\nAda Lovelace\n")
    words = ["class", "init", "c", "--names", "c/index.html", "--paper", "none"]
    for force in ([], ["--force"]):
        assert main([*words, *force]) == 2
        assert "c/index.html is where the class's page goes" in capsys.readouterr().err
    assert [path.name for path in (place / "c").iterdir()] == ["index.html"]


def test_feedback_of_that_name_that_gradbook_didnt_write_stays(place, capsys):
    assert main(INIT) == 0
    assert main(["class", "collect", "c", "c/exercises/Ada-Lovelace.xlsx"]) == 0
    (place / "c/feedback").mkdir()
    (place / "c/feedback/Ada-Lovelace.html").write_text("mine")
    assert main(["class", "mark", "c", "--workers", "1"]) == 1
    assert "was changed, so it is kept" in capsys.readouterr().err
    assert (place / "c/feedback/Ada-Lovelace.html").read_text() == "mine"
