"""The modules that run in a browser, by themselves: in node, and as their types have them."""

from __future__ import annotations

import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from tests.cases import for_each
from tests.outside.witness import program

HERE = Path(__file__).parent
STRICT = "--noEmit --allowJs --checkJs --strict --target es2022 --lib es2022,dom,dom.iterable"
MODULES = "--module es2022 --moduleResolution node"


@pytest.mark.witness("node")
@for_each("file", sorted(HERE.glob("*.test.js")), ids=lambda path: path.stem)
def test_a_module_does_what_its_tests_say(file):
    process = subprocess.run(
        [program("node"), "--test", str(file)], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stdout


@pytest.mark.witness("tsc")
def test_every_module_has_sound_types():
    web = files("gradbook") / "web"
    mains = [
        *map(str, sorted(web.glob("*/main.js"))),
        *(str(web / it) for it in ("wasm/worker.js", "check/worker.js")),
    ]
    assert len(mains) > 1
    words = [program("tsc"), *STRICT.split(), *MODULES.split(), *mains]
    process = subprocess.run(words, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout
