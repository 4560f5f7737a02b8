"""A class's names: as teachers' systems export them, and what can't be a name."""

from __future__ import annotations

import pytest

from gradbook.errors import DataError
from gradbook.lab.roster import file_stems, read_roster


def roster(tmp_path, text):
    path = tmp_path / "names.csv"
    path.write_text(text, encoding="utf-8")
    return read_roster(path)


@pytest.mark.parametrize(
    "text",
    [
        "Ada Lovelace\nAlan Turing\n",
        "name\nAda Lovelace\nAlan Turing\n",
        "ID;Student;Group\n1;Ada Lovelace;a\n2;Alan Turing;b\n",
        "First name,Surname,Email address\nAda,Lovelace,a@b.c\nAlan,Turing,t@b.c\n",
        "Last name\tFirst name\nLovelace\tAda\nTuring\tAlan\n",
        "Ada Lovelace,a@b.c\nAlan Turing,t@b.c\n",
        "Ada,Lovelace\nAlan,Turing\n",
        "\ufeffname\r\n  Ada   Lovelace \r\n\r\nAlan Turing\r\n",
    ],
    ids=["plain", "headed", "semicolons", "moodle", "tabs", "with mail", "two", "excel"],
)
def test_the_names_are_read_in_their_order(text, tmp_path):
    assert roster(tmp_path, text) == ["Ada Lovelace", "Alan Turing"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "nothing in it"),
        ("name\n", "no student in it"),
        ("name,group\nAda,1\n,2\n", "row 3: no name in it"),
        ("Ada\nADA\n", "row 2: 'ADA' is there twice"),
        ("Ada\n" + "n" * 99, "longer than 60 characters"),
        ("---\n", "no name in it"),
    ],
)
def test_what_is_no_list_of_names_is_said(text, told, tmp_path):
    with pytest.raises(DataError, match=told):
        roster(tmp_path, text)


def test_every_name_makes_a_file_of_its_own_on_any_system():
    names = [
        "Ada Lovelace",
        "ada-lovelace",
        "../../etc/passwd",
        "CON",
        "Zoë O’Neil",
        "=1+1",
        "王 明",
    ]
    assert list(file_stems(names)) == [
        "Ada-Lovelace",
        "ada-lovelace-2",
        "etc-passwd",
        "CON",
        "Zoë-O-Neil",
        "1-1",
        "王-明",
    ]
