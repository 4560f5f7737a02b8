from __future__ import annotations

import json
import sys

from gradbook.cli.main import main
from gradbook.net import builtin
from gradbook.rates.sweep import sweep
from tests.cases import for_each

LINE = "input 1; dense 1 no bias; loss half squared error; weights 3; sample 1 -> 1"


VERB = "sweep"


def test_without_a_word_the_worked_example_is_swept(output_of):
    out = output_of()
    assert out.startswith("What the learning rate does: worked\n70 epochs at each rate")
    assert "saturated: a_o is at 0.0000" in out.replace("\n" + 37 * " ", " ")
    assert "Training works for 70 epochs at rates up to about 730. Above that some" in out


def test_rates_and_epochs_are_as_asked(output_of):
    read = json.loads(output_of("worked", "--rates", "1, 0.5,0", "--epochs", "5", "--json"))
    assert [row["rate"] for row in read["rates"]] == [0, 0.5, 1]
    assert read["rates"][1]["losses"] == sweep(builtin("worked"), [0.5], 5)[0.5].losses.tolist()


def test_the_text_itself_may_be_given(output_of):
    assert "diverges: the loss goes from 2 to" in output_of(LINE, "--rates", "2.5")


def test_samples_come_from_a_table(output_of, tmp_path):
    (tmp_path / "line.csv").write_text("x,y\n1,1\n2,2\n")
    net = "input 1; dense 1 no bias; loss half squared error; weights 3"
    read = json.loads(output_of(net, "--data", "line.csv", "--rates", "0.1", "--json"))
    assert read["rates"][0]["losses"][0] == 5  # (½·2² + ½·4²) / 2
    assert read["network"].endswith("data line.csv\n")


@for_each(
    ("name", "begins"),
    [
        ("a.html", b"<!DOCTYPE html>"),
        ("a.svg", b"<svg"),
        ("a.PNG", b"\x89PNG"),
        ("a.csv", b"epoch,rate 0.1\n"),
    ],
)
def test_each_kind_of_file_is_written_by_its_ending(output_of, tmp_path, name, begins):
    out = output_of(LINE, "--rates", "0.1", "-o", name)
    assert out.startswith(f"wrote {name}\nTraining works for 70 epochs at rates up to about 1.9")
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_the_page_tells_the_command_that_makes_it_again(output_of, tmp_path):
    words = ["xor", "--rates", "0.1,1.5", "--epochs", "9", "-o", "a b.html"]
    output_of(*words)
    page = (tmp_path / "a b.html").read_text("utf-8")
    made = "gradbook sweep xor --rates 0.1,1.5 --epochs 9 -o &#x27;a b.html&#x27;"
    assert f"<code>{made}</code>" in page


def test_a_picture_that_cannot_be_painted_is_refused_at_once(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert "pip install 'gradbook[plots]'" in refused(["sweep", "-o", "a.png"])


def test_a_stream_without_dots_gets_letters(gradbook):
    ran = gradbook("sweep", "worked", environment={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})
    assert ran.returncode == 0
    assert "a 0.05" in ran.stdout
    assert "⠤" not in ran.stdout


@for_each("words", [["--json"], ["-o", "a.html"], []])
def test_interrupting_leaves_no_file(words, tmp_path, monkeypatch, capsys):
    from gradbook.rates import sweep as lab

    def interrupted(*_args, **_named):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lab, "trial", interrupted)
    assert main(["sweep", *words]) == 130
    assert capsys.readouterr().err == "gradbook: interrupted\n"
    assert not list(tmp_path.iterdir())


def test_progress_is_only_told_on_a_terminal_and_taken_away(monkeypatch, capsys):
    from gradbook.cli import output

    monkeypatch.setattr(output, "PATIENCE", -1)
    assert main(["sweep", LINE, "--rates", "0.1"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["sweep", LINE, "--rates", "0.1"]) == 0
    err = capsys.readouterr().err
    assert "\r1 rates tried …" in err
    assert err.endswith("\r\033[K")
