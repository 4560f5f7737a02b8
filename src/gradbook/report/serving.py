"""The page that is served on one's own machine, to mark workbooks and work networks.

Says what stands where. Doesn't know what answers its script, nor how.
"""

from __future__ import annotations

from collections.abc import Sequence

from gradbook.audit.classes.submissions import NAMED, READ
from gradbook.builtin_networks import LESSONS
from gradbook.language import mark, numeral, tr
from gradbook.net.description import DEFAULT_RATES
from gradbook.rates import USUAL_EPOCHS
from gradbook.report import figures
from gradbook.report.page import Section, page, resource, script, table, text
from gradbook.targets.drawing import style as drawing_style

HEAD = (
    mark("book"),
    mark("student"),
    mark("verdict"),
    mark("gradients"),
    mark("points"),
    mark("what was found"),
)
ROOM_HEAD = (
    mark("student"),
    mark("points"),
    mark("of"),
    mark("verdict"),
    mark("changed to"),
    mark("days late"),
    mark("remark"),
    "",
)
LEAD = mark(
    "Every gradient of a workbook is checked against the chain rule. Nothing leaves this computer, "
    "and nothing that you drop here is kept when gradbook stops."
)
LEAD_OF_A_CLASS = mark(
    "Every gradient of a workbook is checked against the chain rule. Nothing leaves this computer, "
    "and nothing that you drop here is kept when gradbook stops, but for what is handed in to the "
    "class."
)
NO_SCRIPT = mark("The page works with JavaScript, which is switched off.")


def serve_page(has_class: bool = False) -> str:
    """The page, the same for whoever asks; with a class, that stands first."""
    return page(
        tr("gradbook, on this computer"),
        [
            *([Section("classroom", tr("The class"), _room())] if has_class else []),
            Section("workbooks", tr("Check workbooks"), _workbooks()),
            Section("work", tr("Work a network"), _network()),
        ],
        lead=(
            f'<p class="lead">{tr(LEAD_OF_A_CLASS if has_class else LEAD)}</p>\n'
            f"<noscript><p>{tr(NO_SCRIPT)}</p></noscript>"
        ),
        style="".join(
            [
                figures.figure_style(),
                drawing_style(),
                resource("audit.css"),
                resource("sweep.css"),
                resource("serve.css"),
            ]
        ),
        script=script("serve/main.js"),
        has_a_server=True,
    )


# What stands in a section -------------------------------------------------------


def _workbooks() -> str:
    return f"{_drop()}{_ways()}{_class()}{_book()}"


def _drop() -> str:
    endings = ",".join((*READ, *NAMED))
    return f"""<div id="drop">
<p class="call">{tr("Drop workbooks here, or a whole folder")}</p>
<p class="choose"><label class="own button">{tr("Choose workbooks")}<input type="file" id="files"
 multiple accept="{endings}"></label>
<label class="own button">{tr("Choose a folder")}<input type="file" id="folder"
 webkitdirectory></label></p>
</div>"""


def _ways() -> str:
    """How books are marked."""
    return f"""<div class="ways" role="group" aria-label="{tr("How books are marked")}">
<label><input type="checkbox" id="points"> {tr("points")}</label>
<label>{tr("all right is worth")} <input class="own" type="number" id="out-of" min="0" step="any"
 placeholder="{tr("1 each")}"></label>
<label><input type="checkbox" id="hints"> {tr("hints, no solutions")}</label>
<label><input type="checkbox" id="accept-elsewhere"> {tr("right formulas elsewhere count")}</label>
<label>{tr("one mistake costs at most")} <input class="own" type="number" id="repeated" min="0"
 step="any" placeholder="{tr("1 column")}"></label>
</div>"""


def _class() -> str:
    """The books that were dropped."""
    books = table(_said(HEAD), (), range(len(HEAD)), kind="books", headed=True)
    return f"""<div id="class" hidden>
<div class="progress"><progress id="progress" max="1" value="0"
 aria-label="{tr("books judged")}"></progress><p id="said" role="status"></p></div>
<ul id="left" class="remark" hidden></ul>
<div class="downloads" role="group" aria-label="{tr("The class")}">
<a class="own button" id="class-page" target="_blank" rel="noopener">{tr("Class page")}</a>
<button class="own button" type="button" data-save="class.html">class.html</button>
<button class="own button" type="button" data-save="grades.csv">grades.csv</button>
<button class="own button" type="button" data-save="marked.zip">{tr("Marked copies")}</button>
<button class="own button" type="button" data-save="corrected.zip">{tr("Corrected copies")}</button>
<button class="own button" type="button" id="clear">{tr("Remove all")}</button>
</div>
<p id="problem" class="problem" role="alert"></p>
<div class="tools" id="tools" hidden>
<input type="search" placeholder="{tr("Search")}"
 aria-label="{tr("Search books, students and findings")}">
<span class="chips" role="group" aria-label="{tr("Verdicts")}"></span>
<output class="shown" data-said="{tr("{some} of {all} shown")}"></output>
</div>
<div class="wide">{books}</div>
<div id="common"></div>
</div>
"""


def _book() -> str:
    """One of them, looked at."""
    return f"""<dialog id="book" aria-labelledby="book-name">
<div class="head"><h2 id="book-name"></h2>
<button class="own button" type="button" id="close">{tr("Close")}</button></div>
<p id="book-points" class="facts"></p>
<div class="downloads"><button class="own button" type="button" data-copy="marked">
{tr("Marked copy")}</button>
<button class="own button" type="button" data-copy="corrected">{tr("Corrected copy")}</button></div>
<p id="book-problem" class="problem" role="alert"></p>
<div id="findings"></div>
</dialog>"""


def _room() -> str:
    """The class of a folder: a form to begin it with, or its students."""
    endings, worked = ",".join((*READ, ".zip")), text(LESSONS["worked"])
    students = table(_said(ROOM_HEAD), (), range(len(ROOM_HEAD)), kind="room", headed=True)
    return f"""<form id="begin" hidden>
<label for="room-names">{tr("the students, a name per line")}</label>
<textarea class="own" id="room-names" rows="8" spellcheck="false"></textarea>
<label for="room-net">{tr("the network, as text")}</label>
<textarea class="own" id="room-net" rows="8" spellcheck="false">{worked}</textarea>
<p><button class="own button" type="submit">{tr("Make the exercises")}</button></p></form>
<div id="room" hidden>
<p class="choose"><label class="own button">{tr("Hand in books")}<input type="file" id="room-files"
 multiple accept="{endings}"></label></p>
<div class="downloads" role="group" aria-label="{tr("This class")}">
<button class="own button" type="button" id="room-mark">{tr("Mark the books")}</button>
<label><input type="checkbox" id="room-hints"> {tr("hints, no solutions")}</label>
<button class="own button" type="button" data-room="exercises.zip">{tr("Exercises")}</button>
<button class="own button" type="button" data-room="feedback.zip">{tr("Feedback")}</button>
<button class="own button" type="button" data-room="grades.zip">{tr("Grades")}</button>
<button class="own button" type="button" data-room="class.html">{tr("Class page")}</button>
</div>
<div class="wide">{students}</div>
<ul id="room-remarks" class="remark"></ul>
</div>
<p id="room-said" role="status"></p><p id="room-problem" class="problem" role="alert"></p>"""


def _network() -> str:
    """A form with the lessons to begin with, whose texts stand in the page; and what is made."""
    known = "".join(
        f'<option value="{text(words)}">{text(name)}</option>' for name, words in LESSONS.items()
    )
    low, high = (numeral(f"{rate:g}") for rate in (min(DEFAULT_RATES), max(DEFAULT_RATES)))
    rates = tr("{low} to {high}", low=low, high=high)
    return f"""<form id="network" autocomplete="off">
<label class="known">{tr("begin with")} <select class="own" id="known">{known}</select></label>
<label for="text">{tr("the network, as text")}</label>
<textarea class="own" id="text" spellcheck="false" rows="14" aria-describedby="mistake"
>{text(LESSONS["worked"])}</textarea>
<p id="mistake" class="problem" role="alert"></p>
<div class="verbs">
<fieldset><legend>{tr("Derivation")}</legend>
<label>{tr("only for")} <input class="own" id="only" placeholder="{tr("every weight")}"
 size="12"></label>
<button class="own button" type="submit" value="explain">{tr("Explain")}</button></fieldset>
<fieldset><legend>{tr("Workbook")}</legend>
<label><i>η</i> <input class="own" type="number" id="sheet-rate" min="0" step="any"
 placeholder="{tr("usual")}"></label>
<label>{tr("rows")} <input class="own" type="number" id="sheet-epochs" min="2" step="1"
 placeholder="{USUAL_EPOCHS}"></label>
<button class="own button" type="submit" value="sheet">{tr("Make the sheet")}</button></fieldset>
<fieldset><legend>{tr("Learning rates")}</legend>
<label>{tr("rates")} <input class="own" id="rates" placeholder="{rates}" size="14"></label>
<label>{tr("epochs")} <input class="own" type="number" id="sweep-epochs" min="2" step="1"
 placeholder="{USUAL_EPOCHS}"></label>
<button class="own button" type="submit" value="sweep">{tr("Sweep the rates")}</button></fieldset>
</div>
</form>
<div id="result" hidden>
<p id="result-said" role="status"></p>
<div class="downloads" id="result-files" role="group" aria-label="{tr("Files")}"></div>
<div id="result-shown" tabindex="0" role="region" aria-label="{tr("What was made")}"></div>
</div>"""


def _said(head: Sequence[str]) -> list[str]:
    return [tr(cell) if cell else "" for cell in head]
