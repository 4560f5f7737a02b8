"""Calc's SwarmSolver, its only nonlinear solver without Java, on the sheets of `solving.py`.

    /usr/bin/python3 bench/solving_in_calc.py TASKS.json

Runs in the Python that knows LibreOffice (`uno`). Each task has a file, a result, cells that may
change, limits, and how many seconds; a line of JSON is printed for each, with the value in Calc.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.sheet import SolverConstraint
from com.sun.star.table import CellAddress

OPERATORS = {"<=": "LESS_EQUAL", ">=": "GREATER_EQUAL", "=": "EQUAL"}
SOLVER = "com.sun.star.comp.Calc.SwarmSolver"
TRIES = 120  # half seconds until the office answers


def main() -> None:
    tasks = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with TemporaryDirectory() as home:
        command = ["soffice", "--headless", "--norestore", "--nologo"]
        command += [f"-env:UserInstallation=file://{home}", "--accept=pipe,name=solving;urp;"]
        office = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            context = connect()
            for task in tasks:
                print(json.dumps(solve(context, task)), flush=True)
        finally:
            office.terminate()
            office.wait()


def connect():
    local = uno.getComponentContext()
    manager = local.ServiceManager
    resolver = manager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(TRIES):
        try:
            return resolver.resolve("uno:pipe,name=solving;urp;StarOffice.ComponentContext")
        except Exception:
            time.sleep(0.5)
    raise SystemExit("the office doesn't answer")


def solve(context, task):
    manager = context.ServiceManager
    desktop = manager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
    hidden = PropertyValue(Name="Hidden", Value=True)
    document = desktop.loadComponentFromURL(f"file://{task['file']}", "_blank", 0, (hidden,))
    sheet = document.Sheets.getByIndex(0)
    document.calculateAll()

    def address(name):
        place = sheet.getCellRangeByName(name).CellAddress
        return CellAddress(Sheet=place.Sheet, Column=place.Column, Row=place.Row)

    def constraint(cell, sign, bound):
        operator = uno.Enum("com.sun.star.sheet.SolverConstraintOperator", OPERATORS[sign])
        return SolverConstraint(Left=address(cell), Operator=operator, Right=float(bound))

    solver = manager.createInstanceWithContext(SOLVER, context)
    solver.Document, solver.Objective = document, address(task["result"])
    solver.Variables = tuple(map(address, task["inputs"]))
    solver.Maximize = False
    solver.Constraints = tuple(constraint(*limit) for limit in task["limits"])
    solver.setPropertyValue("Timeout", int(1000 * task["seconds"]))
    start = time.time()
    solver.solve()
    seconds = time.time() - start
    numbers = list(solver.Solution)
    for cell, number in zip(task["inputs"], numbers, strict=False):
        sheet.getCellRangeByName(cell).Value = number
    document.calculateAll()
    result = sheet.getCellRangeByName(task["result"])
    value = None if result.getError() else result.Value
    apart = [
        [sheet.getCellRangeByName(cell).Value - bound, sign] for cell, sign, bound in task["limits"]
    ]
    document.close(True)
    return {"name": task["name"], "value": value, "seconds": seconds, "apart": apart}


if __name__ == "__main__":
    main()
