"""Values that the file's own formulas don't give."""

from __future__ import annotations

import zipfile

from xlsxwriter import Workbook

from gradbook.audit.formula.address import column_of, row_of, written
from gradbook.audit.workbook.evaluate import fill_in
from gradbook.audit.workbook.flow import Flow
from gradbook.audit.workbook.read import read_book
from tests.audit.material.lookalikes import book, findings


def test_values_that_nobody_recalculated_are_found(path):
    made = read_book(book(path))
    fill_in(made, Flow(made))
    with Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet("Sheet1")
        for cell in made.values:
            place, value = (row_of(cell), column_of(cell)), made.values[cell]
            if cell in made.patterns:
                old = 0.5 * value if written(cell) == "T8" else value
                sheet.write_formula(*place, made.formula(cell), None, old)
            else:
                sheet.write(*place, value)
    assert findings(path) == []  # its writer asks for a recalculation
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b' fullCalcOnLoad="1"', b"")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    found = findings(path)
    assert {f.kind for f in found} == {"stale value"}
    assert "T8" in [f.cells for f in found]
