"""Packages for learning platforms: what is in them, and that a page alone has none of it."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from xml.etree import ElementTree

import pytest

from gradbook.cli.main import main
from gradbook.net import builtin
from gradbook.report.play_page import play_page
from gradbook.teaching.scorm import SCORM, scorm_package


@pytest.mark.parametrize("version", SCORM)
def test_a_package_has_a_manifest_at_its_top_that_names_the_page(version):
    made = scorm_package(builtin("xor"), version)
    assert made == scorm_package(builtin("xor"), version)
    with zipfile.ZipFile(BytesIO(made)) as package:
        assert package.namelist() == ["imsmanifest.xml", "page.html"]
        manifest = ElementTree.fromstring(package.read("imsmanifest.xml"))
    said = SCORM[version]
    space = f"{{{said.content}}}"
    assert manifest.tag == f"{space}manifest"
    assert manifest.findtext(f".//{space}schemaversion") == said.schema
    resource, item = manifest.find(f".//{space}resource"), manifest.find(f".//{space}item")
    assert resource.get(f"{{{said.adl}}}{said.kind}") == "sco"
    assert resource.get("href") == "page.html"
    assert item.get("identifierref") == resource.get("identifier")
    default = manifest.find(f"{space}organizations").get("default")
    assert default == manifest.find(f".//{space}organization").get("identifier")


def test_a_page_alone_carries_nothing_of_it():
    with zipfile.ZipFile(BytesIO(scorm_package(builtin("xor"), "1.2"))) as package:
        reporting = package.read("page.html").decode()
    alone = play_page(builtin("xor"))
    for word in ("cmi.", "API_1484_11", "LMSInitialize"):
        assert word in reporting
        assert word not in alone


@pytest.mark.parametrize(
    ("words", "version"), [((), "1.2"), (("--scorm", "2004"), "2004 4th Edition")]
)
def test_the_command_writes_it(words, version, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["page", "xor", "-o", "xor.zip", *words]) == 0
    assert "upload it" in capsys.readouterr().out
    with zipfile.ZipFile("xor.zip") as package:
        said = package.read("imsmanifest.xml").decode()
        assert re.search(r"<schemaversion>(.*)</", said)[1] == version
        assert "gradbook page xor -o xor.zip" in package.read("page.html").decode()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-o", "xor.html", "--scorm", "1.2"], "--scorm is for a package: end the file's name in"),
        (["-o", "xor.zip", "--scorm", "3"], "--scorm: unknown '3'"),
        (["-o", "xor.doc"], "end it in one of .html, .htm, .zip"),
    ],
)
def test_bad_input_is_one_line(refused, words, told):
    assert told in refused(["page", "xor", *words])
