"""The sidebar's panel: what was found, each finding a card that leads to its cells.

Knows controls and their places; it doesn't know what a finding means.
"""

from __future__ import annotations

from typing import Any

import unohelper
from com.sun.star.awt import Size, XActionListener, XMouseListener, XWindowListener
from com.sun.star.awt.FontWeight import BOLD
from com.sun.star.awt.PosSize import POSSIZE
from com.sun.star.ui import LayoutSize, XSidebarPanel, XToolPanel, XUIElement
from com.sun.star.ui.UIElementType import TOOLPANEL

from gradbook.language import in_language, tr
from gradbook.office.open_document import OpenDocument, office_language, session_of
from gradbook.report import in_spreadsheet as shown_words
from gradbook.report.in_spreadsheet import ShownEntry

WINDOW = "vnd.sun.star.extension://org.gradbook.calc/panel.xdl"
PROVIDER = "com.sun.star.awt.ContainerWindowProvider"
MODEL = "com.sun.star.awt.UnoControl{}Model"
MARGIN, GAP, PADDING, BUTTON, NARROWEST = 10, 8, 6, 32, 300  # pixels
MOST_CARDS = 20  # each control that is added costs the more, the more there are
FIRST = ("check", "depends", "help")
AFTER_CHECK = ("next", "correct", "correct-all", "clear")
AFTER_INPUTS = ("insert", "clear")


class Clicks(unohelper.Base, XActionListener, XMouseListener):
    """Calls what a button or a card stands for."""

    def __init__(self, call: Any) -> None:
        self.call = call

    def actionPerformed(self, event: Any) -> None:
        self.call()

    def mousePressed(self, event: Any) -> None:
        self.call()

    def mouseReleased(self, event: Any) -> None:
        pass

    mouseEntered = mouseExited = disposing = mouseReleased


class Panel(unohelper.Base, XUIElement, XToolPanel, XSidebarPanel, XWindowListener):
    """The panel of one window."""

    Type = TOOLPANEL

    def __init__(self, context: Any, url: str, settings: dict[str, Any]) -> None:
        self.context, self.ResourceURL = context, url
        self.Frame, self.sidebar = settings["Frame"], settings.get("Sidebar")
        provider = context.ServiceManager.createInstanceWithContext(PROVIDER, context)
        self.window = provider.createContainerWindow(WINDOW, "", settings["ParentWindow"], None)
        self.window.addWindowListener(self)
        self.window.setVisible(True)
        self.height, self.width, self.count = 200, 0, 0
        self.session: OpenDocument = session_of(context, self.Frame)
        self.session.panel = self
        self.seen: tuple[Any, ...] = ()
        self.refresh()

    # What the sidebar asks

    @property
    def Window(self) -> Any:
        return self.window

    def getRealInterface(self) -> Any:
        return self

    def createAccessible(self, parent: Any) -> Any:
        return self.window.getAccessibleContext()

    def getHeightForWidth(self, width: int) -> Any:
        return LayoutSize(self.height, self.height, self.height)

    def getMinimalWidth(self) -> int:
        return NARROWEST

    def windowResized(self, event: Any) -> None:
        if abs(event.Width - self.width) > 1:
            self.refresh()

    def windowMoved(self, event: Any) -> None:
        pass

    windowShown = windowHidden = windowMoved

    def disposing(self, event: Any) -> None:
        if self.session.panel is self:
            self.session.panel = None

    # What it shows

    def refresh(self) -> None:
        """Show the session as it is now, unless that is what is seen."""
        self.width, session = self.window.getPosSize().Width, self.session
        seen = (session.shown, session.message, session.at, session.work is None, self.width)
        if self.width < 2 * MARGIN or seen == self.seen:
            return
        self.seen = seen
        model = self.window.getModel()
        for name in model.getElementNames():
            model.removeByName(name)
        before, self.height = self.height, MARGIN
        with in_language(office_language(self.context)):
            self._fill()
        if self.sidebar is not None and self.height != before:
            self.sidebar.requestLayout()

    def _fill(self) -> None:
        session, shown = self.session, self.session.shown
        if session.work is not None:
            self._text(tr(shown_words.WORKING), FontWeight=BOLD)
            return self._button(tr(shown_words.CANCEL), "cancel")
        if session.message:
            self._text(session.message)
        if shown is None:
            for command in FIRST:
                self._button(tr(shown_words.COMMANDS[command]), command)
            return None
        self._text(shown.heading, FontWeight=BOLD)
        self.height += GAP
        for place, entry in enumerate(shown.entries[:MOST_CARDS]):
            self._card(place, entry, is_whole=place == session.at or not entry.formulas)
        if len(shown.entries) > MOST_CARDS:
            self._text("…")
        commands = AFTER_CHECK if shown == session.checked else AFTER_INPUTS
        commands = commands if shown.is_current else ("check", *commands)
        has_more = any(entry.sheet for entry in shown.entries)
        for command in commands if has_more else FIRST:
            self._button(tr(shown_words.COMMANDS[command]), command)
        for remark in shown.remarks:
            self._text(remark)
        return None

    def _card(self, place: int, entry: ShownEntry, is_whole: bool) -> None:
        words = entry.words if is_whole else entry.words.partition("\n")[0]
        look = {}
        if entry.mark is not None:
            fill, ink = (int(colour[1:], 16) for colour in (entry.mark.fill, entry.mark.ink))
            look = {"BackgroundColor": fill, "TextColor": ink}
        top = self.height
        parts = [
            self._text(entry.title, indent=PADDING, after=0, FontWeight=BOLD, **look),
            self._text(words, indent=PADDING, after=0, **look),
        ]
        if look:  # its edge, as strips: controls that overlap hide each other
            width, height = self.width - 2 * MARGIN, self.height - top
            for y, w, h in (
                (top - PADDING, width, PADDING),
                (top, PADDING, height),
                (top + height, width, PADDING),
            ):
                parts.append(self._control("FixedText", "", look))
                parts[-1].setPosSize(MARGIN, y, w, h, POSSIZE)
        self.height += 2 * PADDING + GAP
        if entry.sheet:
            for control in parts:
                control.addMouseListener(Clicks(lambda: self.session.go_to(place)))

    def _text(self, words: str, indent: int = 0, after: int = GAP, **look: Any) -> Any:
        control = self._control("FixedText", words, {"MultiLine": True, **look})
        width = self.width - 2 * MARGIN - indent
        height = control.calcAdjustedSize(Size(width, 10_000)).Height
        control.setPosSize(MARGIN + indent, self.height, width, height, POSSIZE)
        self.height += height + after
        return control

    def _button(self, words: str, command: str) -> None:
        control = self._control("Button", words, {})
        control.setPosSize(MARGIN, self.height, self.width - 2 * MARGIN, BUTTON, POSSIZE)
        control.addActionListener(Clicks(lambda: self._run(command)))
        self.height += BUTTON + GAP

    def _control(self, kind: str, words: str, look: dict[str, Any]) -> Any:
        model = self.window.getModel()
        made = model.createInstance(MODEL.format(kind))
        for name, value in {"Label": words, **look}.items():
            made.setPropertyValue(name, value)
        if "FontWeight" in look:
            font = made.FontDescriptor
            font.Weight = BOLD
            made.FontDescriptor = font
        self.count += 1
        name = f"control {self.count:06}"  # the order of names is that of layers: the first on top
        model.insertByName(name, made)
        return self.window.getControl(name)

    def _run(self, command: str) -> None:
        with in_language(office_language(self.context)):
            self.session.run(command)


def make_panel(context: Any, url: str, settings: dict[str, Any]) -> Panel:
    """The panel of a window, for the office's sidebar."""
    return Panel(context, url, settings)
