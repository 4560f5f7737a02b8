"""The served page is one file that asks its own server and nobody else."""

from __future__ import annotations

import re

from gradbook.builtin_networks import LESSONS
from gradbook.report.serving import serve_page

PAGE = serve_page(has_class=True)


def test_it_may_ask_its_server_and_nobody_else():
    policy = re.search('Content-Security-Policy" content="([^"]*)"', PAGE)
    assert policy
    assert "connect-src 'self'" in policy[1]
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]
    assert not re.search(r"""(src|href)=["'](?!#)""", PAGE)


def test_what_has_a_name_has_it_alone():
    names = re.findall(r' id="([^"]*)"', PAGE)
    assert len(names) == len(set(names))


def test_the_lessons_are_there_to_begin_with():
    for name in LESSONS:
        assert f">{name}</option>" in PAGE


def test_the_script_finds_what_it_asks_for():
    names = set(re.findall(r' id="([^"]*)"', PAGE))
    asked = set(re.findall(r'element\("([^"]+)"', PAGE)) | set(
        re.findall(r'field\("([^"]+)"', PAGE)
    )
    assert asked
    assert asked <= names
