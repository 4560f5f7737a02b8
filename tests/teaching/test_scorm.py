"""Packages for learning platforms: what is in them, and that a page alone has none of it."""

from __future__ import annotations

import re
import zipfile
import zlib
from base64 import b64decode
from io import BytesIO
from xml.etree import ElementTree

from gradbook.cli.main import main
from gradbook.net import builtin
from gradbook.report.play_page import play_page
from gradbook.teaching.scorm import scorm_package
from tests.cases import for_each


def test_a_package_has_a_manifest_at_its_top_that_names_the_page():
    made = scorm_package(builtin("xor"))
    assert made == scorm_package(builtin("xor"))
    with zipfile.ZipFile(BytesIO(made)) as package:
        assert package.namelist() == ["imsmanifest.xml", "page.html"]
        manifest = ElementTree.fromstring(package.read("imsmanifest.xml"))
    space = "{http://www.imsproject.org/xsd/imscp_rootv1p1p2}"
    assert manifest.tag == f"{space}manifest"
    assert manifest.findtext(f".//{space}schemaversion") == "1.2"
    resource, item = manifest.find(f".//{space}resource"), manifest.find(f".//{space}item")
    assert resource.get("{http://www.adlnet.org/xsd/adlcp_rootv1p2}scormtype") == "sco"
    assert resource.get("href") == "page.html"
    assert item.get("identifierref") == resource.get("identifier")
    default = manifest.find(f"{space}organizations").get("default")
    assert default == manifest.find(f".//{space}organization").get("identifier")


def script_of(page):
    """What its packed script is."""
    (held,) = re.findall(r'<script type="text/plain" id="packed">([^<]+)</script>', page)
    return zlib.decompress(b64decode(held), -zlib.MAX_WBITS).decode()


def test_a_page_alone_carries_nothing_of_it():
    with zipfile.ZipFile(BytesIO(scorm_package(builtin("xor")))) as package:
        reporting = script_of(package.read("page.html").decode())
    alone = script_of(play_page(builtin("xor")))
    for word in ("cmi.", "LMSInitialize"):
        assert word in reporting
        assert word not in alone


def test_the_command_writes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["play", "xor", "-o", "xor.zip"]) == 0
    assert "upload it" in capsys.readouterr().out
    with zipfile.ZipFile("xor.zip") as package:
        assert "<schemaversion>1.2</" in package.read("imsmanifest.xml").decode()
        assert "gradbook play xor -o xor.zip" in package.read("page.html").decode()


@for_each(
    ("words", "told"),
    [
        (["-o", "xor.zip", "--scorm", "2004"], "no longer has --scorm: a .zip is a SCORM 1.2"),
        (["-o", "xor.doc"], "end it in one of .html, .htm, .zip, .gif"),
        (["tiny", "-o", "tiny.zip"], "a page to draw on has no questions"),
    ],
)
def test_bad_input_is_one_line(refused, words, told):
    assert told in refused(["play", *words])
