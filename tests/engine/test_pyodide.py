"""Python for browsers: taken from a folder, fetched once, and only as it was published."""

from __future__ import annotations

import io
import json
import tarfile
from base64 import b64encode
from hashlib import sha512
from urllib.error import URLError

import pytest

from gradbook.engine import pyodide
from gradbook.engine.pyodide import FILES, VERSION, browser_python
from gradbook.errors import GradbookError
from tests.cases import for_each

CONTENTS = {
    "pyodide.mjs": b"let a;export{a as loadPyodide,b as version};\n//# sourceMappingURL=x.map\n",
    "pyodide.asm.mjs": b"f(import.meta.url);export default _createPyodideModule;",
    "pyodide-lock.json": b'{"info": {"abi_version": "x"}, "packages": {"numpy": {}}}',
    "pyodide.asm.wasm": b"\0asm",
    "python_stdlib.zip": b"PK",
}


@pytest.fixture
def fetched(monkeypatch, tmp_path):
    """What the registry answers, and how often it was asked."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in CONTENTS.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    answers = [packed.getvalue()]
    asked = []

    def urlopen(address, timeout):
        asked.append(address)
        return io.BytesIO(answers[0])

    monkeypatch.delenv("GRADBOOK_PYODIDE", raising=False)
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    digest = b64encode(sha512(answers[0]).digest()).decode()
    monkeypatch.setattr(pyodide, "DIGEST", digest)
    return answers, asked


def test_it_is_fetched_once_and_told_of_no_package(fetched):
    heard = []
    made = browser_python(heard.append)
    assert (made.code, made.library) == (b"\0asm", b"PK")
    assert "export" not in made.script
    assert "import.meta" not in made.script
    assert "sourceMappingURL" not in made.script
    assert 'self.pyodideLock={"info": {"abi_version": "x"}, "packages": {}}' in made.script
    assert browser_python() == made
    assert (len(fetched[1]), len(heard)) == (1, 1)


def test_what_isnt_as_it_was_published_is_refused(fetched):
    fetched[0][0] = b"something else"
    with pytest.raises(GradbookError, match="isn't what was published"):
        browser_python()


def test_what_is_kept_and_damaged_is_fetched_again(fetched, tmp_path):
    made = browser_python()
    (kept,) = (tmp_path / "cache" / "pyodide").iterdir()
    kept.write_bytes(b"damaged")
    assert browser_python() == made
    assert len(fetched[1]) == 2


def test_without_a_network_one_line_says_what_to_do(fetched, monkeypatch):
    def urlopen(address, timeout):
        raise URLError("no route")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    with pytest.raises(GradbookError, match="GRADBOOK_PYODIDE") as refused:
        browser_python()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("version", "why"), [(VERSION, ""), ("0.1", "has version 0.1")])
def test_a_folder_that_is_named_has_the_right_version(version, why, fetched, tmp_path, monkeypatch):
    for name in FILES:
        (tmp_path / name).write_bytes(CONTENTS[name])
    (tmp_path / "package.json").write_text(json.dumps({"version": version}))
    monkeypatch.setenv("GRADBOOK_PYODIDE", str(tmp_path))
    if why:
        with pytest.raises(GradbookError, match=why):
            browser_python()
    else:
        assert browser_python().code == b"\0asm"
    assert fetched[1] == []


@for_each("text", ["", "{", "[]", "null", "{}", '{"version": 3}'])
def test_a_damaged_folder_is_refused_in_a_line(text, tmp_path, monkeypatch):
    (tmp_path / "package.json").write_text(text)
    monkeypatch.setenv("GRADBOOK_PYODIDE", str(tmp_path))
    with pytest.raises(GradbookError, match=r"package\.json isn't the one of Pyodide") as refused:
        browser_python()
    assert "\n" not in str(refused.value)
