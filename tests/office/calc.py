"""Calc with the extension in a profile of its own: commands, and what is seen after them.

Run by a Python that has LibreOffice's own module `uno`, as a user who isn't root, for unopkg
refuses root. A task is a line of JSON on standard input, [name, arguments]; the answer is one, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException
from com.sun.star.sheet import SolverConstraint
from com.sun.star.sheet.ConditionOperator import FORMULA

PATIENCE = 120
FILTERS = {".ods": "calc8", ".xlsx": "Calc MS Excel 2007 XML"}
MENUS = "/org.openoffice.Office.Addons/AddonUI/OfficeMenuBar"
COMMANDS = "org.gradbook.calc:"
SOLVER = "org.gradbook.calc.Solver"


def value(name, content):
    return PropertyValue(Name=name, Value=content)


class Calc:
    """A running Calc; documents by number."""

    def __init__(self, folder: str, extension: str, program: str = "soffice") -> None:
        self.folder, self.documents = Path(folder), []
        self.is_hidden = "DISPLAY" not in os.environ
        profile = f"-env:UserInstallation={(self.folder / 'profile').as_uri()}"
        pipe = f"gradbook-{os.getpid()}"
        unopkg = str(Path(program).with_name("unopkg")) if "/" in program else "unopkg"
        installed = subprocess.run(
            [
                "env",
                "--unset=URE_BOOTSTRAP",
                unopkg,
                "add",
                "--suppress-license",
                "--force",
                profile,
                extension,
            ],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.installed = installed.returncode, installed.stdout + installed.stderr
        headless = ["--headless"] if self.is_hidden else []
        self.process = subprocess.Popen(
            [
                *("env", "--unset=URE_BOOTSTRAP"),  # which `uno` has set, to its own office
                program,
                *headless,
                "--norestore",
                "--nologo",
                profile,
                f"--accept=pipe,name={pipe};urp;",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        here = uno.getComponentContext()
        resolver = here.ServiceManager.createInstanceWithContext(
            "com.sun.star.bridge.UnoUrlResolver", here
        )
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.context = resolver.resolve(
                    f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext"
                )
                break
            except NoConnectException:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        self.desktop = self.service("com.sun.star.frame.Desktop")

    def service(self, name):
        return self.context.ServiceManager.createInstanceWithContext(name, self.context)

    # Tasks

    def install(self):
        return self.installed

    def menu(self):
        provider = self.service("com.sun.star.configuration.ConfigurationProvider")
        access = "com.sun.star.configuration.ConfigurationAccess"
        node = provider.createInstanceWithArguments(access, (value("nodepath", MENUS),))
        menu = node.getByName("org.gradbook.calc")
        return [menu.Submenu.getByName(name).Title for name in sorted(menu.Submenu.ElementNames)]

    def open(self, path, read_only=False):
        address = path if ":" in path else (self.folder / path).as_uri()
        how = (value("Hidden", self.is_hidden), value("ReadOnly", read_only))
        self.documents.append(self.desktop.loadComponentFromURL(address, "_blank", 0, how))
        return len(self.documents) - 1

    def run(self, number, command, cell=""):
        """The words with which a command ends, and its seconds."""
        document = self.documents[number]
        controller = document.CurrentController
        if cell:
            self.select(number, cell)
        helper = self.service("com.sun.star.frame.DispatchHelper")
        start = time.monotonic()
        ended = helper.executeDispatch(controller.Frame, COMMANDS + command, "", 0, ())
        return getattr(ended, "Result", None), time.monotonic() - start

    def start(self, number, command):
        """Begin a command and wait for nothing."""
        frame = self.documents[number].CurrentController.Frame
        url = uno.createUnoStruct("com.sun.star.util.URL", Complete=COMMANDS + command)
        _, url = self.service("com.sun.star.util.URLTransformer").parseStrict(url)
        frame.queryDispatch(url, "_self", 0).dispatch(url, ())

    def select(self, number, cell):
        document = self.documents[number]
        title, _, name = cell.rpartition(".")
        sheets = document.Sheets
        sheet = sheets.getByName(title) if title else sheets.getByIndex(0)
        document.CurrentController.setActiveSheet(sheet)
        document.CurrentController.select(sheet.getCellRangeByName(name))

    def selected(self, number):
        return self.documents[number].CurrentController.getSelection().AbsoluteName

    def marks(self, number):
        """The marked cells by the colour that is seen, and the notes."""
        marked, notes = {}, {}
        for sheet in self._sheets(number):
            for one in sheet.ConditionalFormats.getConditionalFormats():
                for place in range(one.getCount()):
                    entry = one.getByIndex(place)
                    if "gradbook" in getattr(entry, "Formula1", ""):
                        marked[one.Range.RangeAddressesAsString] = entry.StyleName
            for note in sheet.Annotations:
                cell = sheet.getCellByPosition(note.Position.Column, note.Position.Row)
                notes[cell.AbsoluteName] = note.String
        return marked, notes

    def marks_when(self, number, is_any):
        """The marks and notes, once there are marks, or none."""
        end = time.monotonic() + PATIENCE
        while bool(self.marks(number)[0]) != is_any and time.monotonic() < end:
            time.sleep(0.1)
        return self.marks(number)

    def _sheets(self, number):
        sheets = self.documents[number].Sheets
        return [sheets.getByIndex(place) for place in range(sheets.Count)]

    def sheets(self, number):
        return list(self.documents[number].Sheets.ElementNames)

    def add_sheet(self, number, title):
        """A sheet before the others, which is in view."""
        self.documents[number].Sheets.insertNewByName(title, 0)
        self.select(number, f"{title}.A1")

    def cell(self, number, name, formula=None, sheet=0):
        sheets = self.documents[number].Sheets
        page = sheets.getByName(sheet) if isinstance(sheet, str) else sheets.getByIndex(sheet)
        cell = page.getCellRangeByName(name)
        if formula is not None:
            cell.setFormula(formula)
        return cell.getFormula(), cell.getValue(), cell.getString(), cell.getError()

    def fill(self, number, formulas):
        for name, formula in formulas.items():
            self.cell(number, name, formula)

    # The solvers of the dialog, called as the dialog does

    def solvers(self):
        """Each one's own name, what the dialog calls it, and its options with their values."""
        named = {}
        offered = self.context.ServiceManager.createContentEnumeration("com.sun.star.sheet.Solver")
        while offered.hasMoreElements():
            name = offered.nextElement().getImplementationName()
            solver = self.service(name)
            options = [it.Name for it in solver.getPropertySetInfo().getProperties()]
            described = [
                (it, solver.getPropertyDescription(it), solver.getPropertyValue(it))
                for it in options
            ]
            named[name] = solver.ComponentDescription, described
        return named

    def solve(self, number, objective, variables, constraints=(), options=None, which=SOLVER):
        """Whether it succeeded, what it says, its result and solution, what the cell shows with
        that, and the seconds."""
        solver, document = self.service(which), self.documents[number]
        sheet = document.Sheets.getByIndex(0)
        solver.Document, solver.Objective = document, self._place(number, objective)
        solver.Variables = tuple(self._place(number, it) for it in variables)
        solver.Constraints = tuple(
            SolverConstraint(
                self._place(number, left),
                uno.Enum("com.sun.star.sheet.SolverConstraintOperator", operator),
                self._place(number, right) if isinstance(right, str) else right,
            )
            for left, operator, right in constraints
        )
        options = dict(options or {})
        solver.Maximize = options.pop("Maximize", False)
        for name, option in options.items():
            solver.setPropertyValue(name, option)
        start = time.monotonic()
        solver.solve()
        seconds = time.monotonic() - start
        numbers = solver.Solution
        for name, found in zip(variables, numbers, strict=bool(numbers)):
            sheet.getCellRangeByName(name).Value = found
        shown = sheet.getCellRangeByName(objective).Value
        words = solver.StatusDescription if which == SOLVER else ""
        return solver.Success, words, solver.ResultValue, numbers, shown, seconds

    def _place(self, number, name):
        sheet = self.documents[number].Sheets.getByIndex(0)
        return sheet.getCellRangeByName(name).getCellAddress()

    def colour(self, number, name, colour, note=""):
        sheet = self.documents[number].Sheets.getByIndex(0)
        cell = sheet.getCellRangeByName(name)
        cell.CellBackColor = colour
        if note:
            sheet.Annotations.insertNew(cell.CellAddress, note)

    def add_condition(self, number, area):
        """A conditional format of the user's."""
        document = self.documents[number]
        cells = document.Sheets.getByIndex(0).getCellRangeByName(area)
        entries = cells.ConditionalFormat
        parts = {"Operator": FORMULA, "Formula1": "1=1", "StyleName": "Good"}
        entries.addNew(tuple(value(key, part) for key, part in parts.items()))
        cells.ConditionalFormat = entries

    def protect(self, number, whole=False):
        document = self.documents[number]
        (document if whole else document.Sheets.getByIndex(0)).protect("")

    def modified(self, number):
        return self.documents[number].isModified()

    def undo_titles(self, number):
        return list(self.documents[number].UndoManager.AllUndoActionTitles)

    def undo(self, number):
        self.documents[number].UndoManager.undo()

    def redo(self, number):
        self.documents[number].UndoManager.redo()

    def calculate(self, number):
        self.documents[number].calculateAll()

    def save(self, number, name):
        how = (value("FilterName", FILTERS[Path(name).suffix]),)
        self.documents[number].storeToURL((self.folder / name).as_uri(), how)
        return name

    def slowest_answer(self, number, seconds):
        """How long the office took to answer, at worst, in that time."""
        end, worst = time.monotonic() + seconds, 0.0
        sheet = self.documents[number].Sheets.getByIndex(0)
        while time.monotonic() < end:
            start = time.monotonic()
            sheet.getCellRangeByName("A1").getString()
            worst = max(worst, time.monotonic() - start)
            time.sleep(0.01)
        return worst

    def refusal(self, version):
        """What the extension says to an office with that Python."""
        path = self.folder / "component.py"
        with zipfile.ZipFile(self.folder / "gradbook.oxt") as archive:
            path.write_bytes(archive.read("gradbook_office.py"))
        sys.path.insert(0, str(self.folder))
        import component

        return component.refusal(tuple(version))

    def close(self, number):
        self.documents[number].close(True)

    def language(self, code):
        provider = self.service("com.sun.star.configuration.ConfigurationProvider")
        access = "com.sun.star.configuration.ConfigurationUpdateAccess"
        where = (value("nodepath", "/org.openoffice.Setup/L10N"),)
        node = provider.createInstanceWithArguments(access, where)
        node.setPropertyValue("ooLocale", code)
        node.commitChanges()


def main(folder, extension, *program):
    calc = Calc(folder, extension, *program)
    try:
        for line in sys.stdin:
            name, arguments = json.loads(line)
            try:
                answer = {"answer": getattr(calc, name)(*arguments)}
            except Exception as error:
                answer = {"problem": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), flush=True)
    finally:
        with suppress(Exception):  # its bridge ends with it
            calc.desktop.terminate()
        try:
            calc.process.wait(10)
        except subprocess.TimeoutExpired:
            calc.process.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
