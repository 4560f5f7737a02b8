"""The page that is served on one's own machine, to mark workbooks and work networks.

Says what stands where. Doesn't know what answers its script, nor how.
"""

from __future__ import annotations

from gradbook.audit.classes.submissions import NAMED, READ
from gradbook.builtin_networks import LESSONS
from gradbook.report import figures
from gradbook.report.page import Section, page, resource, script, table, text
from gradbook.targets.drawing import style as drawing_style

HEAD = ("book", "student", "verdict", "gradients", "points", "what was found")
DROP = """<div id="drop">
<p class="call">Drop workbooks here, or a whole folder</p>
<p class="choose"><label class="own button">Choose workbooks<input type="file" id="files" multiple
 accept="{endings}"></label>
<label class="own button">Choose a folder<input type="file" id="folder" webkitdirectory></label></p>
</div>"""
WAYS = """<div class="ways" role="group" aria-label="How books are marked">
<label><input type="checkbox" id="points"> points</label>
<label>all right is worth <input class="own" type="number" id="out-of" min="0" step="any"
 placeholder="1 each"></label>
<label><input type="checkbox" id="hints"> hints, no solutions</label>
<label><input type="checkbox" id="carry"> errors carried forward count as right</label>
<label>one wrong sign in all earns <input class="own" type="number" id="sign-credit" min="0" max="1"
 step="any" placeholder="0 to 1"></label>
</div>"""
CLASS = """<div id="class" hidden>
<div class="progress"><progress id="progress" max="1" value="0"
 aria-label="books judged"></progress><p id="said" role="status"></p></div>
<ul id="left" class="remark" hidden></ul>
<div class="downloads" role="group" aria-label="The class">
<a class="own button" id="class-page" target="_blank" rel="noopener">Class page</a>
<button class="own button" type="button" data-save="class.html">class.html</button>
<button class="own button" type="button" data-save="grades.csv">grades.csv</button>
<button class="own button" type="button" data-save="marked.zip">Marked copies</button>
<button class="own button" type="button" data-save="corrected.zip">Corrected copies</button>
<button class="own button" type="button" id="clear">Remove all</button>
</div>
<p id="problem" class="problem" role="alert"></p>
<div class="tools" id="tools" hidden>
<input type="search" placeholder="Search" aria-label="Search books, students and findings">
<span class="chips" role="group" aria-label="Verdicts"></span>
<output class="shown"></output>
</div>
{table}
<div id="common"></div>
</div>
<dialog id="book" aria-labelledby="book-name">
<div class="head"><h2 id="book-name"></h2>
<button class="own button" type="button" id="close">Close</button></div>
<p id="book-points" class="facts"></p>
<div class="downloads"><button class="own button" type="button" data-copy="marked">
Marked copy</button>
<button class="own button" type="button" data-copy="corrected">Corrected copy</button></div>
<p id="book-problem" class="problem" role="alert"></p>
<div id="findings"></div>
</dialog>"""
NETWORK = """<form id="network" autocomplete="off">
<label class="known">begin with <select class="own" id="known">{known}</select></label>
<label for="text">the network, as text</label>
<textarea class="own" id="text" spellcheck="false" rows="14" aria-describedby="mistake"
>{worked}</textarea>
<p id="mistake" class="problem" role="alert"></p>
<div class="verbs">
<fieldset><legend>Derivation</legend>
<label>only <input class="own" id="only" placeholder="every weight" size="12"></label>
<button class="own button" type="submit" value="explain">Explain</button></fieldset>
<fieldset><legend>Workbook</legend>
<label><i>η</i> <input class="own" type="number" id="sheet-rate" min="0" step="any"
 placeholder="usual"></label>
<label>rows <input class="own" type="number" id="sheet-epochs" min="2" step="1"
 placeholder="70"></label>
<button class="own button" type="submit" value="sheet">Make the sheet</button></fieldset>
<fieldset><legend>Learning rates</legend>
<label>rates <input class="own" id="rates" placeholder="0.05 to 10000" size="14"></label>
<label>epochs <input class="own" type="number" id="sweep-epochs" min="2" step="1"
 placeholder="70"></label>
<button class="own button" type="submit" value="sweep">Sweep</button></fieldset>
</div>
</form>
<div id="result" hidden>
<p id="result-said" role="status"></p>
<div class="downloads" id="result-files" role="group" aria-label="Files"></div>
<div id="result-shown" tabindex="0" role="region" aria-label="What was made"></div>
</div>"""


ROOM = """<form id="begin" hidden><label for="room-names">the students, a name per line</label>
<textarea class="own" id="room-names" rows="8" spellcheck="false"></textarea>
<label for="room-net">the network, as text</label>
<textarea class="own" id="room-net" rows="8" spellcheck="false">{worked}</textarea>
<p><button class="own button" type="submit">Make the exercises</button></p></form>
<div id="room" hidden>
<p class="choose"><label class="own button">Hand in books<input type="file" id="room-files" multiple
 accept="{endings}"></label></p>
<div class="downloads" role="group" aria-label="This class">
<button class="own button" type="button" id="room-mark">Mark</button>
<label><input type="checkbox" id="room-hints"> hints, no solutions</label>
<button class="own button" type="button" data-room="exercises.zip">Exercises</button>
<button class="own button" type="button" data-room="feedback.zip">Feedback</button>
<button class="own button" type="button" data-room="grades.zip">Grades</button>
<button class="own button" type="button" data-room="class.html">Class page</button>
</div>
{table}
<ul id="room-remarks" class="remark"></ul>
</div>
<p id="room-said" role="status"></p><p id="room-problem" class="problem" role="alert"></p>"""
STAYS = ", but for what is handed in to the class"
ROOM_HEAD = ("student", "points", "of", "verdict", "changed to", "days late", "remark", "")


def serve_page(has_class: bool = False) -> str:
    """The page, the same for whoever asks; with a class, that stands first."""
    return page(
        "gradbook, on this computer",
        [
            *([Section("classroom", "The class", _room())] if has_class else []),
            Section("workbooks", "Check workbooks", _workbooks()),
            Section("work", "Work a network", _network()),
        ],
        lead=(
            '<p class="lead">Every gradient of a workbook is checked against the chain rule. '
            "Nothing leaves this computer, and nothing that you drop here is kept when "
            f"gradbook stops{STAYS if has_class else ''}.</p>\n<noscript><p>The page works with "
            "JavaScript, which is switched off.</p></noscript>"
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


def _workbooks() -> str:
    books = table(HEAD, (), range(len(HEAD)), kind="books", headed=True)
    shown = CLASS.format(table=f'<div class="wide">{books}</div>')
    return DROP.format(endings=",".join((*READ, *NAMED))) + WAYS + shown


def _room() -> str:
    """The class of a folder: a form to begin it with, or its students."""
    head = range(len(ROOM_HEAD))
    students = f'<div class="wide">{table(ROOM_HEAD, (), head, kind="room", headed=True)}</div>'
    endings = ",".join((*READ, ".zip"))
    return ROOM.format(table=students, endings=endings, worked=text(LESSONS["worked"]))


def _network() -> str:
    """A form with the lessons to begin with; their texts stand in the page."""
    known = "".join(
        f'<option value="{text(words)}">{text(name)}</option>' for name, words in LESSONS.items()
    )
    return NETWORK.format(known=known, worked=text(LESSONS["worked"]))
