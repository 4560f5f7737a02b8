"""The audit reads workbooks without loading what writes them."""

from __future__ import annotations

import subprocess
import sys

AUDIT = """
import importlib, pkgutil, sys
import gradbook.audit
for module in pkgutil.walk_packages(gradbook.audit.__path__, "gradbook.audit."):
    if not module.name.startswith("gradbook.audit.programs"):  # whose steps become workbooks
        importlib.import_module(module.name)
assert "gradbook.cells.formula.syntax" in sys.modules
print(*(name for name in sys.modules if name.partition(".")[0] == "xlsxwriter"))
"""


def test_the_whole_audit_loads_no_writer_of_workbooks():
    said = subprocess.run([sys.executable, "-c", AUDIT], capture_output=True, text=True, check=True)
    assert said.stdout.split() == []
