from __future__ import annotations

import json
import subprocess
import sys

import pytest
from PIL import Image

from gradbook.data.digits import SUMS
from tests.cases import for_each
from tests.data.made import idx_folder, picture_folder

VERB = "data"


def test_without_a_name_the_names_are_listed(output_of):
    page = output_of()
    assert "digits            70,000   28x28       10  handwritten digits" in page
    assert "digits8" in page
    assert "your own" in page


def test_the_digits_are_described(output_of, golden):
    golden("digits.txt", output_of("digits"))


def test_verifying_the_digits_says_their_sums(output_of):
    page = output_of("digits", "--verify")
    assert all(f"{expected}  {name}" in page for name, expected in SUMS.items())
    assert "\n0 of 10,000 test images also occur in training and validation\n" in page


def test_a_folder_is_described_and_drawn(output_of, tmp_path, monkeypatch, golden):
    monkeypatch.chdir(idx_folder(tmp_path / "tiny").parent)
    golden("folder.txt", output_of("tiny", "--show", 3))


def test_a_test_image_that_is_also_trained_on_is_counted(output_of, tmp_path):
    assert "\n4 of 4 test images also occur" in output_of(idx_folder(tmp_path / "tiny"), "--verify")


def test_two_people_can_compare_what_they_have(output_of, tmp_path):
    plain = output_of(idx_folder(tmp_path / "plain"), "--verify").splitlines()[-3:]
    packed = output_of(idx_folder(tmp_path / "packed", packing=".xz"), "--verify").splitlines()[-3:]
    assert plain == packed
    assert len(plain[0].split()[0]) == 64


def test_a_program_can_read_it(output_of, tmp_path):
    record = json.loads(output_of(idx_folder(tmp_path / "tiny"), "--json", "--verify"))
    assert (record["version"], record["name"], record["classes"]) == (1, "tiny", ["0", "1", "2"])
    assert (record["channels"], record["rows"], record["columns"]) == (1, 5, 4)
    assert record["parts"]["training"] == {"images": 10, "of_each_class": [4, 3, 3]}
    assert record["parts"]["validation"]["images"] == 2
    assert record["parts"]["test"] == {"images": 4, "of_each_class": [2, 1, 1]}
    assert record["verified"]["test_images_also_in_training"] == 4


def test_a_program_can_read_the_list(output_of):
    sets = json.loads(output_of("--json"))["sets"]
    assert [(it["name"], it["images"]) for it in sets] == [
        ("digits", 70_000),
        ("digits8", 1_797),
    ]


def test_a_sheet_is_written(output_of, tmp_path):
    file = tmp_path / "sheet.png"
    assert output_of(idx_folder(tmp_path / "tiny"), "-o", file).endswith(f"\n\nwrote {file}\n")
    with Image.open(file) as sheet:
        assert sheet.format == "PNG"


def test_a_sheet_may_be_warped(output_of, tmp_path):
    folder = idx_folder(tmp_path / "tiny")

    def sheet(*words):
        output_of(folder, "-o", tmp_path / "sheet.png", *words)
        return (tmp_path / "sheet.png").read_bytes()

    assert sheet("--warp", "rotate 90") == sheet("--warp", "rotate 90")
    assert len({sheet(), sheet("--warp", "none"), sheet("--warp", "rotate 90")}) == 3


def test_pictures_are_brought_to_a_size(output_of, tmp_path):
    folder = picture_folder(tmp_path / "pets", {"cat": 2, "dog": 2})
    assert "4 images of 9x7 in grey, 2 classes" in output_of(folder, "--size", "9x7")


def test_files_that_are_no_pictures_are_counted(output_of, tmp_path):
    folder = picture_folder(tmp_path / "pets", {"cat": 2, "dog": 2})
    (folder / "cat" / ".hidden").touch()
    assert "left out" not in output_of(folder)
    (folder / "cat" / "3.tif").touch()
    assert "; 1 file of another kind left out;" in " ".join(output_of(folder).split())
    (folder / "dog" / "notes.txt").touch()
    assert "; 2 files of another kind left out;" in " ".join(output_of(folder).split())


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_no_name_of_a_class_steers_the_terminal(output_of, tmp_path):
    folder = picture_folder(tmp_path / "pets\x1b[2J", {"cat\x1b[31m": 2, "dog": 2})
    page = output_of(folder, "--show", "4")
    assert "\x1b" not in page
    assert r"cat\x1b[31m" in page


def test_a_terminal_without_blocks_gets_letters(gradbook, tmp_path):
    idx_folder(tmp_path / "tiny")
    ascii_only = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    page = gradbook("data", "tiny", "--show", "2", environment=ascii_only).stdout
    assert page.isascii()
    assert "?" not in page
    assert "%" in page


@pytest.mark.skipif(sys.platform != "linux", reason="needs script(1) as Linux has it")
@for_each(("plain", "coloured"), [("", True), ("1", False)])
def test_a_terminal_with_colours_gets_them_unless_it_wants_none(plain, coloured, tmp_path):
    idx_folder(tmp_path / "tiny")
    command = f"{sys.executable} -m gradbook data tiny --show 2"
    environment = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONUTF8": "1"}
    page = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        env=environment | {"NO_COLOR": plain, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        cwd=tmp_path,
        check=True,
        timeout=60,
    ).stdout
    assert (b"\x1b[38;2;" in page) is coloured
