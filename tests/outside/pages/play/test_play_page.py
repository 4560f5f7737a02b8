"""The page to play with, as its reader has it: clicked, typed into, watched."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings

from gradbook.errors import LimitError
from gradbook.net import Role, parse
from gradbook.net.build import training_step
from gradbook.net.step import losses, run
from gradbook.rates.sweep import sweep
from gradbook.report.play_page import play_page
from tests.agree.runs import by_name, reference_run
from tests.outside.pages.play.drawing import CAUGHT, NETS, VALUES, learned, named, number, weights
from tests.targets.page.networks import shown_networks

pytestmark = pytest.mark.witness("chromium")


def test_seventy_steps_are_the_reference(shown):
    page = shown("worked")
    for epoch in reference_run(training_step(NETS["worked"]), 70):
        assert weights(page) == pytest.approx(epoch.weights, rel=1e-12)
        page.press("#step")
    assert page.text("#epoch") == "000,070"


@settings(max_examples=12)
@given(shown_networks() | shown_networks(images=True, depth=2, width=2))
def test_any_page_steps_without_a_complaint(chromium, pages, net):
    try:
        (pages / "any.html").write_text(play_page(net), encoding="utf-8")
    except LimitError:
        return
    chromium.said.clear()
    chromium.show(pages / "any.html")
    start = {
        f"{role}{k}": v for role, own in net.start_values().items() for k, v in enumerate(own, 1)
    }
    drawn = weights(chromium)
    assert drawn == pytest.approx({name: start[name] for name in drawn}, rel=1e-12)
    chromium.press("#step")
    assert chromium.text("#epoch") == "000,001"
    assert chromium.value("document.documentElement.scrollWidth") == 1200
    assert chromium.said == []


def test_it_shows_by_itself_how_it_learns_until_it_is_paused(shown):
    page = shown("xor", prefers_reduced_motion="no-preference")
    assert page.value("document.querySelector('#run').textContent") == "Pause"
    page.until("Number(document.querySelector('#epoch').textContent.replace(',', '')) > 5")
    page.click("#run")
    reached = page.text("#epoch")
    page.value("new Promise(done => setTimeout(done, 300))")
    assert page.text("#epoch") == reached
    worked = shown("worked", prefers_reduced_motion="no-preference")  # one sample, to be read
    assert worked.value("document.querySelector('#run').textContent") == "Run"


def test_every_slope_is_the_mean_of_all_and_the_line_of_the_sample_that_is_ringed(shown):
    page = shown("xor")
    net = NETS["xor"]
    page.press("#look-numbers")
    page.value("document.querySelector('.net [aria-label=w7]').focus()")
    page.settle()
    rows = "[...document.querySelectorAll('#every-slope button')].map(e => e.textContent)"
    assert (
        dict(re.split(r"(?<=[wb]\d)", row) for row in page.value(rows)).items()
        >= {name: f"{slope:.6f}".replace("-", "−") for name, slope in slopes(net).items()}.items()
    )
    ringed = int(re.search(r"\d+", page.text(".who b"))[0]) - 1
    shares = [slopes(net.with_samples([sample]))["w7"] for sample in net.samples]
    assert abs(shares[ringed]) == pytest.approx(max(map(abs, shares)))
    assert number(page.text("#line .equation > b:last-child")) == pytest.approx(
        shares[ringed], abs=1e-6
    )


def slopes(net):
    """∂E/∂w of all samples of a network."""
    step = training_step(net)
    values = next(iter(run(step, 1, watch=list(step.gradients.values()))))
    return by_name(step, step.gradients, values)


def test_run_goes_on_until_it_is_paused_and_reset_goes_back(shown):
    page = shown("xor")
    start = weights(page)
    page.value("document.querySelector('#pace').value = '50'")
    page.click("#run")
    page.until("Number(document.querySelector('#epoch').textContent.replace(',', '')) > 3")
    page.click("#run")
    reached = int(page.text("#epoch").replace(",", ""))
    page.settle()
    assert int(page.text("#epoch").replace(",", "")) == reached
    page.click("#reset")
    assert (page.text("#epoch"), weights(page)) == ("000,000", start)


@pytest.mark.parametrize("rate", [0.05, 1.0, 100.0, 1000.0])
def test_the_verdict_beside_the_curve_is_the_sweeps(rate, shown):
    page = shown("worked")
    page.write("#rate-field", str(rate))
    (alone,) = sweep(NETS["worked"], [rate]).outcomes
    assert page.text("#verdict .verdict") == alone.verdict


def test_the_page_says_up_to_which_rate_it_trains_as_a_sweep_does(shown):
    page = shown("worked")
    page.until("document.querySelector('#limit').textContent")
    assert page.text("#limit") == sweep(NETS["worked"], [1.0]).finding


def test_too_slow_goes_once_the_loss_has_gone(shown):
    page = shown("worked")
    page.write("#rate-field", "0.01")
    page.until("document.querySelector('#verdict .verdict').textContent === 'too slow'")
    page.value("document.querySelector('#pace').value = '100000'")
    page.click("#run")
    page.until("Number(document.querySelector('#epoch').textContent.replace(',', '')) > 20000")
    page.click("#run")
    page.settle()
    assert "too slow" not in page.text("#verdict")
    assert page.text("#verdict .verdict") == "good"
    page.click("#reset")
    page.until("document.querySelector('#verdict .verdict').textContent === 'too slow'")


def test_a_saved_network_has_the_rate_that_was_chosen(shown):
    page = shown("strokes")  # whose text says no rate
    page.write("#rate-field", "0.25")
    assert parse(page.value(CAUGHT)).learning_rate == 0.25


def test_a_weight_lights_up_its_way_and_shows_its_chain(shown):
    page = shown("worked")
    page.value("document.querySelector('[aria-label=w5]').focus()")
    page.settle()
    lit = "[...document.querySelectorAll('.unit.lit')].map(e => e.getAttribute('aria-label')[0])"
    assert page.value(lit) == ["o", "a", "E", "E"]
    factors = "[...document.querySelectorAll('.chip-on-path .value')].map(e => e.textContent)"
    assert page.value(factors) == ["0.5069", "0.2387", "0.1065"]
    printed = "[...document.querySelectorAll('#line .equation > b')].map(e => e.textContent)"
    words = page.value(printed)
    error, slope, carried, product = map(float, words)
    decimals = len(words[-1].partition(".")[2])  # as many as fit into the line
    assert decimals >= 5
    assert round(error * slope * carried, decimals) == product
    assert page.value("document.querySelectorAll('#chain .factor').length") == 3
    assert number(page.text("#chain .result output")) == pytest.approx(0.01288082, rel=1e-6)


def test_a_factor_leads_to_where_it_came_from(shown):
    page = shown("worked")
    page.value("document.querySelector('[aria-label=w5]').focus()")
    page.settle()
    page.click("#chain .factor:nth-of-type(2)")
    assert page.value("document.activeElement.getAttribute('aria-label')").startswith("a_o1")
    assert page.value("document.querySelector('#chain .definition') !== null")


def test_a_place_of_a_map_shows_its_window_and_leads_to_its_kernel(shown):
    page = shown("strokes")
    page.value(f"{named('c1_1_2')}.focus()")
    page.settle()
    read = "[...document.querySelectorAll('.cell.read')].map(e => e.getAttribute('aria-label'))"
    assert page.value(read) == [f"i{row}_{column}" for row in (1, 2, 3) for column in (2, 3, 4)]
    cells = "[...document.querySelectorAll('.grid:nth-of-type(3) td')].map(e => e.textContent)"
    total = sum(map(number, page.value(cells)))
    assert total == pytest.approx(number(page.text(".slide .result output")), abs=1e-3)
    page.click("[title=w8]")
    assert page.value("document.querySelector('#value').getAttribute('aria-label')") == "w8"
    assert page.value("document.querySelectorAll('#chain .factor').length") == 8


def test_maps_are_painted_with_their_gradients_down_to_the_input(shown):
    page = shown("strokes")
    page.click("#paint-slopes")
    page.value(f"{named('i2_3')}.focus()")
    page.settle()
    fed = "[...document.querySelectorAll('.cell.read')].map(e => e.getAttribute('aria-label'))"
    places = {name.split(" ")[0] for name in page.value(fed)}
    assert places == {f"c{c}_{i}_{j}" for c in (1, 2) for i in (1, 2) for j in (1, 2)}
    total = number(page.text("#chain .result output"))
    assert number(page.value(f"{named('i2_3')}.textContent")) == pytest.approx(total, abs=0.006)
    kinds = "(e => [e.matches('.rising'), e.matches('.falling')])"
    tint = f"{kinds}({named('i2_3')}.querySelector('.tint'))"
    assert page.value(tint) == [total > 0, total < 0]
    page.click("#paint-values")
    assert page.value(tint) == [False, False]


def test_a_pixel_is_changed_and_the_maps_follow(shown):
    page = shown("strokes")
    before = page.value(f"{named('c1_1_1')}.textContent")
    page.value(f"{named('i1_1')}.focus()")
    for _ in range(5):
        page.key("PageUp")
    assert page.value(f"{named('c1_1_1')}.textContent") != before


def test_a_weight_that_is_applied_again_moves_wherever_it_is_drawn(shown):
    page, net = shown("again"), NETS["again"]
    drawn = [name for name, _ in page.value(VALUES)]
    assert [drawn.count(f"w{k}") for k in (1, 4, 5)] == [3, 3, 1]
    page.value("[...document.querySelectorAll('.net [role=slider][aria-label=w1]')][2].focus()")
    before = weights(page)["w1"]
    page.key("ArrowUp")
    page.settle()
    moved = [value for name, value in page.value(VALUES) if name == "w1"]
    assert moved == pytest.approx([before + 0.01] * 3)
    page.press("#reset")
    for epoch in reference_run(training_step(net), 20):
        assert weights(page) == pytest.approx(epoch.weights, rel=1e-12)
        page.press("#step")


def test_keys_alone_change_a_weight_and_everything_follows(shown):
    page = shown("worked")
    page.value("document.querySelector('[aria-label=w5]').focus()")
    before = page.text("#loss")
    page.key("ArrowUp")
    page.key("PageUp")
    assert weights(page)["w5"] == pytest.approx(0.51)
    assert page.text("#loss") != before
    page.key("Tab")
    assert page.value("document.activeElement.getAttribute('aria-label')") == "w6"


def test_a_typed_target_is_learned_from(shown):
    page = shown("worked")
    page.write('[aria-label="t1 of sample 1"]', "0.9")
    (sample,) = NETS["worked"].samples
    wanted = NETS["worked"].with_samples([replace(sample, targets=(0.9, 0.5))])
    assert page.text("#loss") == f"{losses(training_step(wanted), 1)[0]:.4f}"


@pytest.mark.parametrize("name", ["worked", "xor"])
def test_the_network_is_saved_as_it_is_now(name, shown):
    page = shown(name)
    page.press("#step")
    saved = parse(page.value(CAUGHT))
    start = reference_run(training_step(saved), 1)[0].weights
    assert start == weights(page)
    assert (saved.layers, saved.samples) == (NETS[name].layers, NETS[name].samples)


def test_a_weight_is_dragged(shown):
    page = shown("worked")
    x, y = page.value(
        "(b => [b.x + b.width / 2, b.y + 4])"
        "(document.querySelector('.label').getBoundingClientRect())"
    )
    for kind, down in (
        ("mouseMoved", 0),
        ("mousePressed", 0),
        ("mouseMoved", -30),
        ("mouseReleased", -30),
    ):
        page.ask(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y + down,
            button="left",
            buttons=1,
            clickCount=1,
        )
    page.settle()
    assert weights(page)["w1"] == pytest.approx(0.45)


def test_points_are_added_where_the_plane_is_clicked(shown):
    page = shown("xor")
    page.press("#class-1")
    page.click("#surface")
    assert page.value("document.querySelectorAll('#samples tbody tr').length") == 5
    assert page.value("document.querySelector('[aria-label=\"t1 of sample 5\"]').value") == "1"


def test_a_data_set_is_chosen_and_learned(shown):
    page = shown("play")
    page.press("[name=sets][value=halves]")
    start = number(page.text("#loss"))
    for _ in range(60):
        page.press("#step")
    assert number(page.text("#loss")) < start / 3


DROP = """(text => {
  const data = new DataTransfer()
  data.items.add(new File([text], "own.csv"))
  dispatchEvent(new DragEvent("drop", {dataTransfer: data, cancelable: true}))
})"""


def drop(page, text):
    """Onto the page, which says what it made of it."""
    before = page.text("#said")
    page.value(f"{DROP}({text!r})")
    page.until(f"document.querySelector('#said').textContent !== {before!r}")
    page.settle()


def test_a_table_is_dropped_and_a_wrong_one_is_refused_with_its_place(shown):
    page = shown("xor")
    drop(page, "x,y,t\n0.5,1,1\n0.25,0,0\n")
    assert page.text("#said") == "own.csv: 2 samples"
    assert page.value("document.querySelectorAll('#samples tbody tr').length") == 2
    drop(page, "1,2,3\n1,two,3\n")
    assert page.text("#said") == "own.csv: line 2, column 2: 'two' isn't a number"


@pytest.mark.parametrize("width", [390, 768, 1600])
@pytest.mark.parametrize("name", NETS)
def test_the_page_is_as_wide_as_its_window(name, width, shown):
    page = shown(name, width)
    assert page.value("document.documentElement.scrollWidth") == width


def test_nothing_moves_for_those_who_want_it_so(shown):
    page = shown("worked", prefers_reduced_motion="reduce")
    assert (
        page.value("getComputedStyle(document.querySelector('.edge')).transitionDuration") == "0s"
    )


def test_what_was_run_stands_there_in_numbers_once_it_is_paused(shown):
    """While it runs, numbers are written as often as they can be read."""
    page = shown("xor")
    page.value("document.querySelector('#pace').value = '50'")
    page.click("#run")
    page.until("Number(document.querySelector('#epoch').textContent.replace(',', '')) > 3")
    page.click("#run")
    page.settle()
    epochs = int(page.text("#epoch").replace(",", "")) + 1
    *_, last = reference_run(training_step(NETS["xor"]), epochs)
    assert weights(page) == pytest.approx(last.weights, rel=1e-9)


NORMED = "input 2; dense 2; batchnorm; tanh; dense 2; add back 2; dense 1; rate 0.1"
POINTS = "; sample 1 2 -> 1; sample 2 1 -> 0; sample 0 1 -> 0.5"


def test_what_no_unit_shows_is_reached_from_the_formula_and_changed(chromium, pages):
    net = parse(NORMED + POINTS)
    (pages / "normed.html").write_text(play_page(net), encoding="utf-8")
    chromium.said.clear()
    chromium.show(pages / "normed.html")
    chromium.press("#look-numbers")
    chromium.value(f"{named('a_y1')}.focus()")
    chromium.settle()
    chromium.value("document.querySelector('#chain .own button').click()")  # y1
    chromium.settle()
    buttons = "[...document.querySelectorAll('#chain .own button')]"
    names = chromium.value(f"{buttons}.map(e => e.textContent.split(' ')[0])")
    assert names == ["γ1", "n1", "β1"]
    chromium.value(f"{buttons}[0].click()")
    chromium.settle()
    chromium.write("#value", "2")
    saved = parse(chromium.value(CAUGHT))
    assert saved.start[Role.SCALE] == (2.0, 1.0)
    assert chromium.text("#loss") == f"{losses(training_step(saved), 1)[0]:.4f}"
    assert chromium.said == []


def test_a_skip_connection_goes_around_what_it_skips(chromium, pages):
    (pages / "skipped.html").write_text(play_page(parse(NORMED + POINTS)), encoding="utf-8")
    chromium.show(pages / "skipped.html")
    chromium.press("#look-numbers")
    ways = "[...document.querySelectorAll('.edge.plain .line')].map(e => e.getAttribute('d'))"
    curves = [list(map(float, re.findall(r"-?[\d.]+", way))) for way in chromium.value(ways)]
    lifted = [it for it in curves if it[3] < it[1] and it[5] < it[7]]  # above both of its ends
    straight = [it for it in curves if it[3] == it[1]]
    assert len(lifted) == 2
    assert min(it[6] - it[0] for it in lifted) > 1.5 * max(it[6] - it[0] for it in straight)


DROPPED = "input 2; dense 4; tanh; dropout 0.5; dense 1; sigmoid; seed 4; rate 1" + POINTS


def test_a_step_draws_other_masks_and_nothing_is_dropped_when_it_is_switched_off(chromium, pages):
    (pages / "dropped.html").write_text(play_page(parse(DROPPED)), encoding="utf-8")
    chromium.said.clear()
    chromium.show(pages / "dropped.html")
    chromium.press("#look-numbers")
    dropped = (
        "[...document.querySelectorAll('.unit.dropped')]"
        ".map(e => e.getAttribute('aria-label').split(' = '))"
    )
    drawn = []
    for _ in range(6):
        drawn.append(chromium.value(dropped))
        assert all(number(value) == 0 for _, value in drawn[-1])
        chromium.press("#step")
    assert {name for own in drawn for name, _ in own} == {"u1", "u2", "u3", "u4"}
    assert len({str(own) for own in drawn}) > 1
    chromium.click("#dropout-off")
    assert chromium.value(dropped) == []
    *_, last = learned(DROPPED, 6)
    assert weights(chromium) == pytest.approx(last, rel=1e-12)
    chromium.press("#step")
    *_, last = learned(DROPPED, 7)
    assert weights(chromium) == pytest.approx(last, rel=1e-12)
    chromium.value(f"{named('d1')}.focus()")
    chromium.settle()
    assert "0 with probability 0.5" in chromium.text("#chain")
    assert chromium.said == []


def test_arrows_go_from_cell_to_cell_and_tab_to_the_next_map(shown):
    page = shown("strokes")
    focused = "document.activeElement.getAttribute('aria-label')?.split(' ')[0]"
    page.value(f"{named('c1_1_1')}.focus()")
    for key, wanted in (("ArrowRight", "c1_1_2"), ("ArrowDown", "c1_2_2"), ("ArrowLeft", "c1_2_1")):
        page.key(key)
        assert page.value(focused) == wanted
    assert page.text("#chain h3").startswith("c1,2,1")
    stops = "[...document.querySelectorAll('.cell[tabindex=\"0\"]')].map(e => e.ariaLabel)"
    assert [it.split(" ")[0] for it in page.value(stops) if it[0] == "c"] == ["c1_2_1"]
    page.key("Tab")
    assert not page.value(focused).startswith("c")


def test_a_finger_chooses_a_weight_and_adds_a_point(shown):
    page = shown("xor", 390)
    page.ask("Emulation.setTouchEmulationEnabled", enabled=True)

    def tap(selector):
        x, y = page._middle(selector)
        page.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        page.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        page.settle()

    tap("[role=slider][aria-label=i2]")
    assert page.value("document.querySelector('#value').getAttribute('aria-label')") == "i2"
    page.press("#class-1")
    tap("#surface")
    page.until("document.querySelectorAll('#samples tbody tr').length === 5")
    page.ask("Emulation.setTouchEmulationEnabled", enabled=False)


def test_where_nothing_computes_a_sentence_says_so(chromium, pages):
    """As where the script is too new to be read."""
    broken = (pages / "worked.html").read_text("utf-8").replace('"use strict"', "class { #", 1)
    (pages / "broken.html").write_text(broken, encoding="utf-8")
    chromium.show(pages / "broken.html")
    assert "open the page in a newer browser" in chromium.text("#old")
    assert chromium.value("document.querySelector('#old').checkVisibility()") is True
    chromium.show(pages / "worked.html")
    assert chromium.value("document.querySelector('#old')") is None
