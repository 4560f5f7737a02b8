"""One Calc with the extension for all tests here, as a user who isn't root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from scripts.extension import extension
from tests.audit.material.by_hand import RIGHT
from tests.audit.material.copies import WRONG
from tests.audit.material.lookalikes import FORMULAS, book
from tests.audit.material.small import saved
from tests.conftest import require
from tests.outside.witness import python_with_uno
from tests.serve.books import content

ADA = Path(__file__).parents[2] / "docs/tutorials/ada.xlsx"
NO_REMEDY = RIGHT["softmax"] | {"N2:N12": "=-LOG(L2)", "O2:O12": "=K2-0"}
TWO_MISTAKES = {**WRONG, "∂E/∂w5": FORMULAS["∂E/∂w6"]}
PATIENCE = 100  # seconds for a task, on a machine with much to do


class CalcClient:
    """A Calc that runs as a user who isn't root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "gradbook.oxt").write_bytes(extension())
        shutil.copy(ADA, folder / "ada.xlsx")
        for name, is_right in (("right.xlsx", True), ("wrong.xlsx", False)):
            (folder / name).write_bytes(content(is_right))
        saved(folder / "softmax.xlsx", NO_REMEDY)
        book(folder / "two.xlsx", TWO_MISTAKES)
        book(folder / "circular.xlsx", {"h1": "={a_h1}*2"})
        shutil.copy(Path(__file__).with_name("calc.py"), folder)
        other = []
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "nobody", str(folder)], check=True)
            other = ["runuser", "-u", "nobody", "--"]
        command = [*other, "env", "--unset=DISPLAY", f"HOME={folder}", str(python_with_uno())]
        self.process = subprocess.Popen(
            [*command, str(folder / "calc.py"), str(folder), str(folder / "gradbook.oxt")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __getattr__(self, name):
        def ask(*arguments):
            self.process.stdin.write(json.dumps([name, arguments]) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
            assert "problem" not in answer, answer["problem"]
            return answer["answer"]

        return ask

    def words(self, *arguments):
        return self.run(*arguments)[0]

    def formula(self, *arguments):
        return self.cell(*arguments)[0]

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def calc():
    require("libreoffice")
    folder = Path(tempfile.mkdtemp(prefix="gradbook-calc-"))
    client = CalcClient(folder)
    yield client
    client.end()
    shutil.rmtree(folder)


@pytest.fixture
def opened(calc):
    """Opens documents, which are closed after the test."""
    numbers = []

    def open_one(*arguments):
        numbers.append(calc.open(*arguments))
        return numbers[-1]

    yield open_one
    for number in numbers:
        calc.close(number)
