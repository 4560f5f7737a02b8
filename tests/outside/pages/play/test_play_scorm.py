"""scorm-again, a learning platform's side of SCORM, hears in Chromium what a package reports."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread

import pytest

from gradbook.net import builtin
from gradbook.report.play_page import play_page
from gradbook.teaching.scorm import PAGE, scorm_package
from tests.outside.pages.play.test_play_learn import worked
from tests.outside.witness import NODE_MODULES

pytestmark = pytest.mark.witness("chromium", "scorm-again")

# As platforms do: the object stands in the window around the page, and is given what was kept.
PLATFORM = """<!doctype html><meta charset="utf-8"><title>a platform</title>
<link rel="icon" href="data:,">
<script src="{script}"></script><script>
const kept = JSON.parse(new URLSearchParams(location.search).get("kept") || "null")
window.API = new Scorm12API({{ autocommit: false, logLevel: 4 }})
if (kept) API.loadFromJSON(kept, "")
const told = {{}}, refused = [], set = API.LMSSetValue
API.LMSSetValue = (what, value) => {{
  const answer = set.call(API, what, value)
  told[what] = value
  if (answer !== "true") refused.push([what, value])
  return answer
}}
</script><iframe src="{page}" width=1200 height=1500></iframe>"""
SCRIPT = "scorm12.min.js"
FRAME = "frames[0].document"


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *said: object) -> None:
        """Nothing is told."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of a platform with the package's page in it, unpacked."""
    folder = tmp_path_factory.mktemp("platform")
    (folder / "alone.html").write_text(play_page(builtin("worked")), encoding="utf-8")
    shutil.copy(NODE_MODULES / "scorm-again" / "dist" / SCRIPT, folder)
    with zipfile.ZipFile(BytesIO(scorm_package(builtin("worked")))) as package:
        package.extractall(folder / "package")
    for place, page in (("package", f"package/{PAGE}"), ("lonely", "alone.html")):
        said = PLATFORM.format(script=SCRIPT, page=page)
        (folder / f"{place}.html").write_text(said, encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


class Platform:
    """A platform's page in the browser, and what its object says."""

    def __init__(self, chromium, address, kept=None):
        self.page = chromium
        query = "" if kept is None else f"?kept={json.dumps(kept)}"
        chromium.said.clear()
        chromium.show(address + query, 1250, 1600)
        chromium.until(f"{FRAME}.querySelector('#questions') !== null")

    def heard(self, what):
        return self.page.value(f"API.LMSGetValue('{what}')")

    @property
    def score(self):
        return self.heard("cmi.core.score.raw")

    @property
    def status(self):
        return self.heard("cmi.core.lesson_status")

    def ask(self):
        self.page.value(f"{FRAME}.querySelector('#questions').click()")

    def answer(self, number):
        self.page.value(f"{FRAME}.querySelector('#answer').value = '{number!r}'")
        self.page.value(f"{FRAME}.querySelector('#learn-check').click()")
        return self.page.value(f"{FRAME}.querySelector('.learned').textContent")


def answers():
    """To the first question of each kind, about the worked network as it begins."""
    it = worked()
    slope = it["delta"][1] * it["a"][1]
    error = 0.5 * (it["t"][0] - it["o"][0]) ** 2
    known = (it["h"][0], it["a"][0], error, slope, it["w"][1, 1, 1] - slope)
    return [float(number) for number in known]


def test_score_and_completion_arrive_and_come_back(site, chromium):
    platform = Platform(chromium, f"{site}/package.html")
    assert (platform.score, platform.status) == ("0", "incomplete")
    chromium.value("void (frames[0].Math.random = () => 0)")
    for count, number in enumerate(answers(), 1):
        platform.ask()
        assert "mistake" in platform.answer(12345.0)
        assert platform.score == str(count - 1)
        assert platform.answer(number).startswith("Right"), count
        assert platform.score == str(count)
    assert platform.status == "incomplete"
    kept = chromium.value("API.renderCMIToJSONObject().cmi")

    again = Platform(chromium, f"{site}/package.html", kept)
    assert (again.score, again.status) == ("5", "incomplete")
    chromium.value("void (frames[0].Math.random = () => 0)")
    chromium.value(f"{FRAME}.querySelector('#tour').click()")
    steps = f"for (let k = 0; k < 22; k++) {FRAME}.querySelector('#step').click()"
    chromium.value(steps)  # the tour's first step
    chromium.settle()
    assert again.score == "6"
    chromium.value(f"{FRAME}.querySelector('#reset').click()")
    chromium.settle()
    for number in answers()[:4]:
        again.ask()
        again.answer(number)
    assert (again.score, again.status) == ("10", "completed")
    assert chromium.value("refused") == []
    assert chromium.said == []


def test_leaving_ends_the_session_and_keeps_what_was_done(site, chromium):
    platform = Platform(chromium, f"{site}/package.html")
    chromium.value("void (frames[0].Math.random = () => 0)")
    platform.ask()
    platform.answer(answers()[0])
    chromium.value("void (document.querySelector('iframe').src = 'about:blank')")
    chromium.until("API.isTerminated()")
    told = json.loads(chromium.value("JSON.stringify(API.cmi)"))
    assert json.loads(told["suspend_data"]) == {"steps": [], "right": 1}
    said = chromium.value("told")
    assert re.fullmatch(r"0000:\d\d:\d\d", said["cmi.core.session_time"])
    assert said["cmi.core.exit"] == "suspend"
    assert chromium.value("refused") == []
    assert chromium.said == []


def test_what_was_kept_by_another_page_breaks_nothing(site, chromium):
    nonsense = {"suspend_data": "<not ours>"}
    platform = Platform(chromium, f"{site}/package.html", nonsense)
    assert (platform.score, platform.status) == ("0", "incomplete")


def test_the_page_outside_of_a_package_speaks_to_no_platform(site, chromium):
    platform = Platform(chromium, f"{site}/lonely.html")
    platform.ask()
    assert chromium.value("API.isNotInitialized()")


def test_a_package_without_a_platform_is_a_page(site, chromium):
    chromium.said.clear()
    chromium.show(f"{site}/package/{PAGE}")
    chromium.value("void (Math.random = () => 0)")
    chromium.press("#questions")
    chromium.write("#answer", repr(answers()[0]))
    chromium.press("#learn-check")
    assert chromium.text(".learned").startswith("Right")
    assert chromium.said == []
