"""What the office loads: the commands of the menu, the sidebar's panel, and a solver.

Imports nothing of gradbook before a command runs, so that an office with an older Python can say
what it needs.
"""

from __future__ import annotations

import compileall
import importlib
import os
import sys
import threading
from typing import Any

import uno
import unohelper
from com.sun.star.beans import Property, UnknownPropertyException, XPropertySet, XPropertySetInfo
from com.sun.star.frame import DispatchResultEvent, XDispatchProvider, XNotifyingDispatch
from com.sun.star.frame.DispatchResultState import SUCCESS
from com.sun.star.lang import XInitialization, XServiceInfo
from com.sun.star.sheet import XSolver, XSolverDescription
from com.sun.star.ui import XUIElementFactory

HANDLER = "org.gradbook.calc.Handler"
PANELS = "org.gradbook.calc.Panels"
SOLVER = "org.gradbook.calc.Solver"
PROTOCOL = "org.gradbook.calc:"
OLDEST = (3, 11)  # Python that the audit runs on
REFUSAL = (
    "gradbook needs an office with Python {needed} or newer, and this one has {present}: "
    "get LibreOffice 26.2 or newer from libreoffice.org"
)
WARNING = 2  # com.sun.star.frame.InfobarType
MODULES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pythonpath")


def refusal(version: tuple[int, ...] = sys.version_info[:2]) -> str:
    """Why this Python can't run gradbook; '' if it can."""
    if tuple(version) >= OLDEST:
        return ""
    needed, present = (".".join(map(str, it)) for it in (OLDEST, version))
    return REFUSAL.format(needed=needed, present=present)


def prepare() -> None:
    """Compile the modules beside this file, which takes time only once, and import what a command
    needs: the first one is quick then, and the office answers while it begins."""
    compileall.compile_dir(MODULES, quiet=2, workers=1)
    stand_in_for_numpy()
    importlib.import_module("gradbook.office.open_document")


def stand_in_for_numpy() -> None:
    """Let plain arrays stand in NumPy's place, before anything imports it."""
    from gradbook.arrays.stand_in import stand_in

    stand_in()


class Service(unohelper.Base, XServiceInfo):
    """What every service says of itself."""

    name = ""
    kinds: tuple[str, ...] = ()

    def __init__(self, context: Any, *arguments: Any) -> None:
        self.context = context

    def getImplementationName(self) -> str:
        return self.name

    def supportsService(self, kind: str) -> bool:
        return kind in self.kinds

    def getSupportedServiceNames(self) -> tuple[str, ...]:
        return self.kinds


class Handler(Service, XInitialization, XDispatchProvider, XNotifyingDispatch):
    """Runs the commands of one window; a macro that waits for one gets its words."""

    name, kinds = HANDLER, ("com.sun.star.frame.ProtocolHandler",)
    frame: Any = None

    def initialize(self, arguments: Any) -> None:
        self.frame = arguments[0] if arguments else None

    def queryDispatch(self, url: Any, target: str, flags: int) -> Any:
        return self if url.Complete.startswith(PROTOCOL) else None

    def queryDispatches(self, requests: Any) -> Any:
        asked = ((it.FeatureURL, it.FrameName, it.SearchFlags) for it in requests)
        return tuple(self.queryDispatch(*words) for words in asked)

    def addStatusListener(self, listener: Any, url: Any) -> None:
        pass

    def removeStatusListener(self, listener: Any, url: Any) -> None:
        pass

    def dispatch(self, url: Any, arguments: Any) -> None:
        self.dispatchWithNotification(url, arguments, None)

    def dispatchWithNotification(self, url: Any, arguments: Any, listener: Any) -> None:
        def reply(words: str) -> None:
            if listener is not None:
                listener.dispatchFinished(DispatchResultEvent(self, SUCCESS, words))

        why = refusal()
        if why:
            controller = self.frame.getController()
            if not controller.hasInfobar("gradbook"):
                controller.appendInfobar("gradbook", "gradbook", why, WARNING, (), True)
            return reply(why)

        def run() -> None:
            stand_in_for_numpy()
            from gradbook.office.open_document import run_command

            run_command(self.context, self.frame, url.Complete[len(PROTOCOL) :], reply)

        def run_prepared() -> None:
            PREPARING.join()
            from gradbook.office.work import call_later

            call_later(self.context, run)

        if not PREPARING.is_alive():
            return run()
        return threading.Thread(target=run_prepared, daemon=True).start()  # the office goes on


class Panels(Service, XUIElementFactory):
    """Makes the sidebar's panel of a window."""

    name, kinds = PANELS, ("com.sun.star.ui.UIElementFactory",)

    def createUIElement(self, url: str, arguments: Any) -> Any:
        if refusal():
            return None
        stand_in_for_numpy()
        from gradbook.office.panel import make_panel

        return make_panel(self.context, url, {it.Name: it.Value for it in arguments})


class OptionNames(unohelper.Base, XPropertySetInfo):
    """Which options a solver has."""

    def __init__(self, options: dict[str, bool | float]) -> None:
        self.options = options

    def getProperties(self) -> Any:
        return tuple(map(self.getPropertyByName, self.options))

    def getPropertyByName(self, name: str) -> Any:
        if not self.hasPropertyByName(name):
            raise UnknownPropertyException(name, self)
        kind = "boolean" if isinstance(self.options[name], bool) else "double"
        return Property(name, -1, uno.getTypeByName(kind), 0)

    def hasPropertyByName(self, name: str) -> bool:
        return name in self.options


class Solver(Service, XSolver, XSolverDescription, XPropertySet):
    """A choice in Calc's own Solver dialog, which sets what to solve and reads what was found."""

    name, kinds = SOLVER, ("com.sun.star.sheet.Solver",)
    Document: Any = None
    Objective: Any = None
    Variables: tuple[Any, ...] = ()
    Constraints: tuple[Any, ...] = ()
    Maximize = Success = False
    ResultValue = 0.0
    Solution: tuple[float, ...] = ()
    StatusDescription = ""

    def __init__(self, context: Any, *arguments: Any) -> None:
        super().__init__(context)
        # The dialog lists no int of Python's, which comes to it as the shortest type.
        self.options: dict[str, bool | float] = {"NonNegative": False, "Timeout": 60.0}

    @property
    def ComponentDescription(self) -> str:
        return self.getPropertyDescription("")

    def solve(self) -> None:
        self.Success, self.StatusDescription = False, refusal()
        if not self.StatusDescription:
            stand_in_for_numpy()
            from gradbook.office.calc_solver import solve_in_calc

            solve_in_calc(self.context, self)

    # Its options

    def getPropertyDescription(self, name: str) -> str:
        if refusal():
            return name
        stand_in_for_numpy()
        from gradbook.office.calc_solver import title_of

        return title_of(self.context, name)

    def getPropertySetInfo(self) -> Any:
        return OptionNames(self.options)

    def getPropertyValue(self, name: str) -> Any:
        if name not in self.options:
            raise UnknownPropertyException(name, self)
        return self.options[name]

    def setPropertyValue(self, name: str, value: Any) -> None:
        self.options[name] = type(self.getPropertyValue(name))(value)


SERVICES: tuple[type[Service], ...] = (Handler, Panels, Solver)

g_ImplementationHelper = unohelper.ImplementationHelper()
for service in SERVICES:
    g_ImplementationHelper.addImplementation(service, service.name, service.kinds)
PREPARING = threading.Thread(target=prepare, daemon=True)
if not refusal() and os.path.isdir(MODULES):
    PREPARING.start()
