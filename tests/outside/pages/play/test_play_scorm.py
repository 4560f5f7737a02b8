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
<script src="{script}"></script><script>
const kept = JSON.parse(new URLSearchParams(location.search).get("kept") || "null")
window.{name} = new {kind}({{ autocommit: false, logLevel: 4 }})
if (kept) {name}.loadFromJSON(kept, "")
const told = {{}}, refused = [], set = {name}.{set}
{name}.{set} = (what, value) => {{
  const answer = set.call({name}, what, value)
  told[what] = value
  if (answer !== "true") refused.push([what, value])
  return answer
}}
</script><iframe src="{page}" width=1200 height=1500></iframe>"""
VERSIONS = {
    "1.2": ("API", "Scorm12API", "scorm12.min.js", "LMSGetValue", "LMSSetValue"),
    "2004": ("API_1484_11", "Scorm2004API", "scorm2004.min.js", "GetValue", "SetValue"),
}
FRAME = "frames[0].document"


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *said: object) -> None:
        """Nothing is told."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of a platform for each version, with the package's page in it, unpacked."""
    folder = tmp_path_factory.mktemp("platform")
    (folder / "alone.html").write_text(play_page(builtin("worked")), encoding="utf-8")
    for version, (name, kind, script, _, set_value) in VERSIONS.items():
        shutil.copy(NODE_MODULES / "scorm-again" / "dist" / script, folder)
        with zipfile.ZipFile(BytesIO(scorm_package(builtin("worked"), version))) as package:
            package.extractall(folder / version)
        for place, page in ((version, f"{version}/{PAGE}"), (f"{version}-alone", "alone.html")):
            said = PLATFORM.format(name=name, kind=kind, script=script, page=page, set=set_value)
            (folder / f"{place}.html").write_text(said, encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


class Platform:
    """A platform's page in the browser, and what its object says."""

    def __init__(self, chromium, version, address, kept=None):
        self.page, self.version = chromium, version
        self.name, _, _, self.get, _ = VERSIONS[version]
        query = "" if kept is None else f"?kept={json.dumps(kept)}"
        chromium.said.clear()
        chromium.show(address + query, 1250, 1600)
        chromium.until(f"{FRAME}.querySelector('#questions') !== null")

    def heard(self, what):
        return self.page.value(f"{self.name}.{self.get}('{what}')")

    @property
    def score(self):
        score = "cmi.core.score" if self.version == "1.2" else "cmi.score"
        return self.heard(f"{score}.raw")

    @property
    def status(self):
        return self.heard(
            "cmi.core.lesson_status" if self.version == "1.2" else "cmi.completion_status"
        )

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


@pytest.mark.parametrize("version", VERSIONS)
def test_score_and_completion_arrive_and_come_back(version, site, chromium):
    platform = Platform(chromium, version, f"{site}/{version}.html")
    assert (platform.score, platform.status) == ("0", "incomplete")
    chromium.value("void (frames[0].Math.random = () => 0)")
    for count, number in enumerate(answers(), 1):
        platform.ask()
        assert "mistake" in platform.answer(12345.0)
        assert platform.score == str(count - 1)
        assert platform.answer(number).startswith("Right"), count
        assert platform.score == str(count)
    assert platform.status == "incomplete"
    kept = chromium.value(f"{platform.name}.renderCMIToJSONObject().cmi")

    again = Platform(chromium, version, f"{site}/{version}.html", kept)
    assert (again.score, again.status) == ("5", "incomplete")
    chromium.value("void (frames[0].Math.random = () => 0)")
    chromium.value(f"{FRAME}.querySelector('#tour').click()")
    assert again.answer(answers()[0]).startswith("Done")  # the tour's first step
    assert again.score == "6"
    for number in answers()[:4]:
        again.ask()
        again.answer(number)
    assert (again.score, again.status) == ("10", "completed")
    assert chromium.value("refused") == []
    if version == "2004":
        assert again.heard("cmi.score.scaled") == "1"
        assert again.heard("cmi.progress_measure") == "1"
    assert chromium.said == []


@pytest.mark.parametrize("version", VERSIONS)
def test_leaving_ends_the_session_and_keeps_what_was_done(version, site, chromium):
    platform = Platform(chromium, version, f"{site}/{version}.html")
    chromium.value("void (frames[0].Math.random = () => 0)")
    platform.ask()
    platform.answer(answers()[0])
    chromium.value("void (document.querySelector('iframe').src = 'about:blank')")
    chromium.until(f"{platform.name}.isTerminated()")
    told = json.loads(chromium.value(f"JSON.stringify({platform.name}.cmi)"))
    assert json.loads(told["suspend_data"]) == {"steps": [], "right": 1}
    said = chromium.value("told")
    if version == "1.2":
        assert re.fullmatch(r"0000:\d\d:\d\d", said["cmi.core.session_time"])
        assert said["cmi.core.exit"] == "suspend"
    else:
        assert re.fullmatch(r"PT\d+S", said["cmi.session_time"])
        assert said["cmi.exit"] == "suspend"
    assert chromium.value("refused") == []
    assert chromium.said == []


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_kept_by_another_page_breaks_nothing(version, site, chromium):
    nonsense = {"suspend_data": "<not ours>"}
    platform = Platform(chromium, version, f"{site}/{version}.html", nonsense)
    assert (platform.score, platform.status) == ("0", "incomplete")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_page_outside_of_a_package_speaks_to_no_platform(version, site, chromium):
    platform = Platform(chromium, version, f"{site}/{version}-alone.html")
    platform.ask()
    assert chromium.value(f"{platform.name}.isNotInitialized()")


def test_a_package_without_a_platform_is_a_page(site, chromium):
    chromium.said.clear()
    chromium.show(f"{site}/2004/{PAGE}")
    chromium.value("void (Math.random = () => 0)")
    chromium.press("#questions")
    chromium.write("#answer", repr(answers()[0]))
    chromium.press("#learn-check")
    assert chromium.text(".learned").startswith("Right")
    assert chromium.said == []
