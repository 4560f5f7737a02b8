"""What the commands do in an open document: one session each, until it is closed.

Knows which command needs what, and in which order; it doesn't know rules or words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import unohelper
from com.sun.star.beans import PropertyValue
from com.sun.star.document import XUndoManagerListener
from com.sun.star.lang import DisposedException
from com.sun.star.util import XCloseListener

from gradbook.audit.check_book import check_again, report_on
from gradbook.audit.copies.correct import Correction, correction_of
from gradbook.cells.book import quote_title
from gradbook.derivatives.public_book import read_book
from gradbook.errors import one_line
from gradbook.folders import temporary_folder
from gradbook.language import LANGUAGES, in_language, tr
from gradbook.language.message import translate
from gradbook.office.cell_marks import Unrecorded, clear_marks, put_mark, put_note
from gradbook.office.document import (
    add_sheets,
    copy_document,
    first_protected,
    write_formulas,
)
from gradbook.office.work import FULL, OfficeWork, call_later
from gradbook.report import in_spreadsheet as shown_words
from gradbook.report.findings import reason_of

Reply = Callable[[str], None]
INFO, SUCCESS, WARNING = 0, 1, 2  # com.sun.star.frame.InfobarType
DECK = "GradbookDeck"
BAR = "gradbook"
SETTINGS = "com.sun.star.configuration.ConfigurationProvider"


def run_command(context: Any, frame: Any, command: str, reply: Reply) -> None:
    """Run a command of the menu in the document of a window."""
    with in_language(office_language(context)):
        session_of(context, frame).run(command, reply)


def office_language(context: Any) -> str:
    """The code of the language of the office's menus; English if there is no catalogue for it."""
    provider = context.ServiceManager.createInstanceWithContext(SETTINGS, context)
    where = (PropertyValue(Name="nodepath", Value="/org.openoffice.Setup/L10N"),)
    access = "com.sun.star.configuration.ConfigurationAccess"
    code = provider.createInstanceWithArguments(access, where).getByName("ooLocale")
    return code[:2] if code[:2] in LANGUAGES else "en"


def reason_in(error: Exception, folder: Path) -> str:
    """Why nothing was computed, without the folder of the copy."""
    words = one_line(translate(reason_of(error)))
    return words.replace(f"{folder}/", "").replace(f"{folder}\\", "")


def ignore(words: str) -> None:
    """Nobody waits for the words."""


class OpenDocument(unohelper.Base, XCloseListener, XUndoManagerListener):
    """What gradbook knows of an open document."""

    def __init__(self, context: Any, frame: Any) -> None:
        self.context, self.frame = context, frame
        self.controller = frame.getController()
        self.document = self.controller.getModel()
        self.identity = self.document.RuntimeUID
        self.work: OfficeWork | None = None
        self.reply: Reply = ignore
        self.shown: Any = None  # what the last command found
        self.checked: Any = None  # what the last check found
        self.at = -1  # which mistake is in hand
        self.message = ""  # how the last command went, unless that is shown
        self.panel: Any = None
        self.changes, self.is_writing = 0, False  # steps of Undo by others
        self.copied_at = self.found_at = 0  # how many there were before the last copy, and check

    def queryClosing(self, event: Any, owns: bool) -> None:
        pass

    def notifyClosing(self, event: Any) -> None:
        self.disposing(event)

    def disposing(self, event: Any) -> None:
        """The document is closed: nothing may touch it any more."""
        if self.work is not None:
            self.work.cancel()
        _sessions.pop(self.identity, None)
        self.document = self.panel = None

    def undoActionAdded(self, event: Any) -> None:
        """The document changes: what was found before may be true no more."""
        if not self.is_writing:
            self.changes += 1
            call_later(self.context, self._outdate)

    def actionUndone(self, event: Any) -> None:
        """Marks follow a correction that is taken back, or done again."""
        self.undoActionAdded(event)
        if event.UndoActionTitle.startswith("gradbook: ") and self.checked is not None:
            call_later(self.context, lambda: run_command(self.context, self.frame, "check", ignore))

    actionRedone = actionUndone

    def resetAll(self, event: Any) -> None:
        pass

    allActionsCleared = redoActionsCleared = enteredContext = enteredHiddenContext = resetAll
    leftContext = leftHiddenContext = cancelledContext = resetAll

    def _outdate(self) -> None:
        """Say of what is shown that the document has changed since."""
        if self.document is None or self.changes == self.found_at:
            return
        with in_language(office_language(self.context)):
            before, both = self.shown, (self.shown, self.checked)
            self.shown, self.checked = (it and shown_words.outdated(it) for it in both)
            if self.shown is not before and self.work is None:
                self.end(str(self.shown), INFO)

    def run(self, command: str, reply: Reply = ignore) -> None:
        """Run a command; what still runs is cancelled."""
        if self.work is not None:
            self.do_cancel()
        self.reply = reply
        with suppress(DisposedException):
            getattr(self, f"do_{command.replace('-', '_')}")()

    # Commands

    def do_check(self, then: Callable[[], None] | None = None) -> None:
        def check(path: Path) -> Any:
            return shown_words.shown_check(report_on(path))

        self._start(check, lambda shown: self._mark_all(shown, True, then))

    def do_next(self) -> None:
        if self.checked is None:
            return self.do_check(self.do_next)
        entries = self.checked.entries
        if not entries:
            return self.end(tr(shown_words.NO_MISTAKE), SUCCESS)
        self.show(self.checked)
        self.go_to((self.at + 1) % len(entries))
        self.end(f"{entries[self.at].title}\n{entries[self.at].words}", INFO)
        self.message = ""
        self._tell_panel()

    def do_depends(self) -> None:
        place = self._cell()
        if place:
            self._start(
                lambda path: shown_words.shown_inputs(read_book(path).derivatives(_called(place))),
                self._mark_all,
            )

    def do_correct_all(self) -> None:
        self.do_correct(whole=True)

    def do_insert(self) -> None:
        place = self._cell()
        if not place or self._refused():
            return None
        if self.document.isProtected():
            return self.end(tr(shown_words.LOCKED), WARNING)

        def add(path: Path) -> None:
            desktop = "com.sun.star.frame.Desktop"
            office = self.context.ServiceManager.createInstanceWithContext(desktop, self.context)
            added = self._write("insert", lambda: add_sheets(self.document, office, path))
            self.end(tr(shown_words.INSERTED, sheets=", ".join(added)), SUCCESS)

        def write(path: Path) -> Path:
            return read_book(path).write(path.with_stem("derivatives"), _called(place))

        self._start(write, add, ending=".xlsx")

    def do_clear(self) -> None:
        with Unrecorded(self.document):
            clear_marks(self.document)
        self.checked, self.at = None, -1
        self.show(None)
        self.end(tr(shown_words.CLEARED), INFO)

    def do_help(self) -> None:
        self.show(shown_words.shown_help())
        self.end(str(self.shown), None)

    def do_cancel(self) -> None:
        """Stop what runs; nothing of it is written."""
        if self.work is not None:
            work, self.work = self.work, None
            work.cancel()
            work.indicator.end()
        self.end(tr(shown_words.CANCELLED), INFO)

    # Steps of commands

    def _start(
        self, do: Callable[[Path], Any], then: Callable[[Any], None], ending: str = ""
    ) -> None:
        """Copy the document, work on the copy in a thread, and go on in the office's."""
        holder = ExitStack()
        folder = holder.enter_context(temporary_folder())
        indicator = self.frame.createStatusIndicator()
        indicator.start(tr(shown_words.WORKING), FULL)
        code, reply, self.copied_at = office_language(self.context), self.reply, self.changes
        try:
            path = copy_document(self.document, folder, ending)
        except Exception as error:
            self._fail(error, folder)
            indicator.end()
            holder.close()
            return

        def finish(outcome: Any, problem: Exception | None) -> None:
            if not work.is_cancelled and self.document is not None:
                self.work, self.reply = None, reply
                indicator.end()
                with in_language(code):
                    self._go_on(lambda: then(outcome), problem, folder)
            holder.close()

        work = self.work = OfficeWork(self.context, lambda: do(path), finish, indicator)
        self._open_panel()  # which has the button that cancels
        self._tell_panel()
        work.start()

    def _go_on(self, then: Callable[[], None], problem: Exception | None, folder: Path) -> None:
        """Show what was computed, or why there is nothing."""
        try:
            if problem is not None:
                raise problem
            then()
        except Exception as error:
            self._fail(error, folder)

    def _mark_all(
        self, shown: Any, is_check: bool = False, then: Callable[[], None] | None = None
    ) -> None:
        """Mark the cells of what was found, and show it."""
        sheets, self.found_at = self.document.getSheets(), self.copied_at
        if self.changes != self.found_at:
            shown = shown_words.outdated(shown)
        if sheets.getCount() > 1:
            shown = shown_words.with_sheets(shown)
        locked = first_protected(self.document, {it.sheet for it in shown.entries})
        if self.document.isReadonly():
            shown = shown_words.with_remark(shown, tr(shown_words.READ_ONLY))
        else:
            if locked:
                shown = shown_words.with_remark(shown, tr(shown_words.PROTECTED, sheet=locked))
            with Unrecorded(self.document):
                clear_marks(self.document)
                for entry in shown.entries:
                    there = sheets.hasByName(entry.sheet) and entry.mark is not None
                    if there and not sheets.getByName(entry.sheet).isProtected():
                        sheet = sheets.getByName(entry.sheet)
                        put_mark(self.document, sheet, entry.cells, entry.mark)
                        if entry.note:
                            put_note(self.document, sheet, entry.cells, entry.note)
        self.checked, self.at = (shown if is_check else None), -1
        self.show(shown)
        if then is not None:
            return then()
        self.end(str(shown), SUCCESS if shown.is_good else WARNING)

    def do_correct(self, whole: bool = False) -> None:
        if self._refused():
            return None
        if self.checked is None:
            return self.do_check(lambda: self.do_correct(whole))
        if self.changes != self.found_at:
            return self.end(tr(shown_words.OUTDATED), WARNING)
        if whole:
            entries = [it for it in self.checked.entries if it.formulas or it.arrays]
            if not self.checked.entries:
                return self.end(tr(shown_words.NO_MISTAKE), INFO)
        else:
            place = self._cell()
            if not place:
                return None
            entries = [it for it in self.checked.entries if self._is_at(it, place)][:1]
            if not entries:
                return self.end(tr(shown_words.NO_CORRECTION, cell=place[1]), WARNING)
        if self._refused(entries):
            return None

        def write() -> None:
            for entry in entries:
                sheet = self.document.getSheets().getByName(entry.sheet)
                write_formulas(self.document, sheet, entry.formulas, entry.arrays)
            self.document.calculateAll()  # as the copy is, which was judged

        report, only = self.checked.report, None if whole else entries[0].finding

        def judge(path: Path) -> Correction:
            return correction_of(replace(report, book=str(path)), check_again, only)

        def follow(made: Any) -> None:
            if made.objection or self.changes != self.copied_at:
                reason = one_line(translate(made.objection)) or tr(shown_words.OUTDATED)
                return self.end(tr(shown_words.REFUSED, reason=reason), WARNING)
            self._write("correct-all" if whole else "correct", write)
            words = shown_words.corrected(sum(len(it.formulas) for it in entries))
            after = shown_words.shown_check(made.after)
            return self._mark_all(after, True, lambda: self.end(words, SUCCESS))

        self._start(judge, follow, ending=".xlsx")

    def _write(self, command: str, write: Callable[[], Any]) -> Any:
        """Change the document in one step of Undo, which outdates nothing."""
        undo, self.is_writing = self.document.getUndoManager(), True
        undo.enterUndoContext(f"gradbook: {tr(shown_words.COMMANDS[command])}")
        self.document.lockControllers()
        try:
            return write()
        finally:
            self.document.unlockControllers()
            undo.leaveUndoContext()
            self.is_writing = False

    def _is_at(self, entry: Any, place: tuple[str, str]) -> bool:
        """Whether an entry is about the selected cell, and its correction is known."""
        if entry.sheet != place[0] or not (entry.formulas or entry.arrays):
            return False
        sheet = self.document.getSheets().getByName(entry.sheet)
        cell = sheet.getCellRangeByName(place[1]).getRangeAddress()
        areas = (*entry.cells, *entry.arrays)
        return place[1] in entry.formulas or any(
            sheet.getCellRangeByName(it).queryIntersection(cell).Count for it in areas
        )

    def _refused(self, entries: Iterable[Any] = ()) -> bool:
        """Say that the document, or a sheet that is to be changed, can't be written."""
        if self.document.isReadonly():
            self.end(tr(shown_words.READ_ONLY), WARNING)
            return True
        locked = first_protected(self.document, (entry.sheet for entry in entries))
        if locked:
            self.end(tr(shown_words.PROTECTED, sheet=locked), WARNING)
        return bool(locked)

    def _cell(self) -> tuple[str, str] | None:
        """The sheet and the name of the selected cell."""
        chosen = self.controller.getSelection()
        if not chosen.supportsService("com.sun.star.sheet.SheetCellRange"):
            self.end(tr(shown_words.NO_CELL), WARNING)
            return None
        first = chosen.getCellByPosition(0, 0)
        return str(first.getSpreadsheet().Name), _name_of(first)

    # What is seen

    def go_to(self, number: int) -> None:
        """Show the cells of an entry."""
        entry = self.shown.entries[number]
        sheets = self.document.getSheets()
        if not sheets.hasByName(entry.sheet):
            return
        self.at = number
        sheet = sheets.getByName(entry.sheet)
        self.controller.setActiveSheet(sheet)
        self.controller.select(sheet.getCellRangeByName(entry.cells[0]).getCellByPosition(0, 0))
        self._tell_panel()

    def show(self, shown: Any) -> None:
        self.shown = shown
        if shown is not None:
            self._open_panel()
        self._tell_panel()

    def _open_panel(self) -> None:
        if self.panel is None and self.frame.getContainerWindow().isVisible():
            with suppress(Exception):  # a window without a sidebar has a bar above the sheet
                sidebar = self.controller.getSidebar()
                sidebar.setVisible(True)
                sidebar.getDecks().getByName(DECK).activate(True)

    def _tell_panel(self) -> None:
        if self.panel is not None:
            with suppress(DisposedException):
                self.panel.refresh()

    def _fail(self, error: Exception, folder: Path) -> None:
        self.end(reason_in(error, folder), WARNING)

    def end(self, words: str, kind: int | None) -> None:
        """Say how a command went: in the panel, or in a bar above the sheet, and to a macro."""
        first = words.partition("\n")[0]
        self.message = first if kind is not None and words != str(self.shown) else ""
        with suppress(Exception):  # a preview of a page has no bar
            if self.controller.hasInfobar(BAR):
                self.controller.removeInfobar(BAR)
            if kind is not None and self.panel is None:
                self.controller.appendInfobar(BAR, "gradbook", first, kind, (), True)
        reply, self.reply = self.reply, ignore
        self._tell_panel()
        reply(words)


def _name_of(cell: Any) -> str:
    return str(cell.AbsoluteName).rpartition(".")[2].replace("$", "")


_sessions: dict[str, OpenDocument] = {}


def session_of(context: Any, frame: Any) -> OpenDocument:
    """The session of a window's document."""
    document = frame.getController().getModel()
    session = _sessions.get(document.RuntimeUID)
    if session is None:
        session = _sessions[document.RuntimeUID] = OpenDocument(context, frame)
        document.addCloseListener(session)
        document.getUndoManager().addUndoManagerListener(session)
    session.frame, session.controller = frame, frame.getController()
    return session


def _called(place: tuple[str, str]) -> str:
    return f"{quote_title(place[0])}!{place[1]}"
