"""A result that is explored: moved numbers have the result that a spreadsheet computes."""

from __future__ import annotations

import re
from types import MappingProxyType

import pytest
from xlsxwriter import Workbook

import gradbook as gb
from gradbook.cli.main import main
from tests.cases import for_each
from tests.outside.pages.walking import walk
from tests.outside.witness import read_values, recalculate

pytestmark = pytest.mark.witness("chromium")

RENT, LOAVES, PRICE, GROWTH, RATE = "B1", "B2", "B3", "B4", "B5"
START = {RENT: 1450, LOAVES: 310, PRICE: 3.85, GROWTH: 0.035, RATE: 0.0725}
SUM_AT = "=NPV(Prices!B5,B5:I5)"
LABELS = ["Rent a month", "Loaves a day", "Price of a loaf", "Growth", "Interest"]
CELLS = dict(zip(LABELS, START, strict=True))


def bakery(path, numbers=START, result=SUM_AT):
    """A bakery's profits over eight years and what they are worth, with formats of its own."""
    with Workbook(str(path)) as book:
        prices, years = book.add_worksheet("Prices"), book.add_worksheet("Eight years")
        euros = book.add_format({"num_format": '#,##0.00 "€"'})
        percent = book.add_format({"num_format": "0.00%"})
        prices.write_column("A1", LABELS)
        looks = [euros, None, euros, percent, percent]
        for (cell, value), look in zip(numbers.items(), looks, strict=True):
            prices.write(cell, value, look)
        years.write_column("A1", ["year", "Loaves", "Sales", "Costs", "Profit"])
        for k, column in enumerate("BCDEFGHI"):
            years.write(f"{column}1", k + 1)
            before = "Prices!$B$2*300" if column == "B" else f"{chr(ord(column) - 1)}2"
            years.write_formula(f"{column}2", f"={before}*(1+Prices!$B$4)")
            years.write_formula(f"{column}3", f"={column}2*Prices!$B$3")
            years.write_formula(f"{column}4", f"=12*Prices!$B$1+0.45*{column}3")
            years.write_formula(f"{column}5", f"={column}3-{column}4")
        years.write("A7", "Worth")
        years.write_formula("B7", result, euros)
    return path


@pytest.fixture
def explored(chromium, tmp_path):
    """`explored(book, of)`: its page; it must not have complained in the end."""

    def show(book, of="Worth", width=1280, height=800, language="en", **features):
        page = tmp_path / "page.html"
        words = ["play", str(book), "-o", str(page), "--force", "--language", language]
        assert main([*words, *(["--of", of] if of else [])]) == 0
        chromium.show(page, width, height, **features)
        return chromium

    chromium.said.clear()
    yield show
    assert chromium.said == []


def number(text):
    """A number as the page shows it in English."""
    plain = text.replace("−", "-").replace(",", "")
    return float(re.search(r"[+-]?\d+(\.\d+)?", plain)[0])


def row(label):
    return f".rows li:has([aria-label='{label}'])"


def drag(page, label, pixels):
    """A slider's thumb, by mouse in several moves."""
    box = page.value(
        f"""(slider => {{ const box = slider.getBoundingClientRect()
        const share = (slider.value - slider.min) / (slider.max - slider.min)
        return [box.x + 8 + share * (box.width - 16), box.y + box.height / 2] }})
        (document.querySelector("{row(label)} [type=range]"))"""
    )
    x, y = box
    moves = [("mousePressed", 0), *(("mouseMoved", pixels * k / 4) for k in range(1, 5))]
    for kind, by in (("mouseMoved", 0), *moves, ("mouseReleased", pixels)):
        page.ask("Input.dispatchMouseEvent", type=kind, x=x + by, y=y, button="left", clickCount=1)
    page.settle()


def shown(page, label):
    value = page.value(f'document.querySelector("{row(label)} .amount").value')
    return re.sub(r"\s", " ", value)


def labels(page):
    return page.value("[...document.querySelectorAll('.rows .name')].map(it => it.textContent)")


@pytest.mark.witness("libreoffice")
def test_moved_numbers_have_the_result_of_a_spreadsheet_that_computes_them(explored, tmp_path):
    page = explored(bakery(tmp_path / "bakery.xlsx"))
    drag(page, "Price of a loaf", 25)
    drag(page, "Interest", -19)
    page.value(f'document.querySelector("{row("Growth")} [type=range]").focus()')
    page.key("ArrowRight")
    page.key("ArrowUp", shift=True)
    moved = START | {
        PRICE: number(shown(page, "Price of a loaf")),
        GROWTH: 0.0361,
        RATE: number(shown(page, "Interest")) / 100,
    }
    assert shown(page, "Growth") == "3.61 %"
    assert moved[PRICE] > START[PRICE]
    assert moved[RATE] < START[RATE]
    again = recalculate(bakery(tmp_path / "moved.xlsx", moved), tmp_path / "again")
    worth = read_values(again)["Eight years"]["B7"]
    assert number(page.text("#result")) == pytest.approx(worth, abs=0.005)
    next_step = moved | {GROWTH: 0.0362}
    more = recalculate(bakery(tmp_path / "step.xlsx", next_step), tmp_path / "again")
    change = read_values(more)["Eight years"]["B7"] - worth
    text = page.text("#sentence")
    assert text.startswith("If Growth rises by 0.01 points, Worth rises by ")
    assert number(text.rpartition("by")[2]) == pytest.approx(change, abs=0.005)


def worth(path, numbers):
    """The result by gradbook's own evaluation of formulas."""
    book = gb.read_book(bakery(path, numbers))
    return book.derivatives("Worth").slopes.cells.value(book["Worth"].address)


def test_bars_are_the_per_cent_that_nudges_give(explored, tmp_path):
    page = explored(bakery(tmp_path / "bakery.xlsx"))
    for label, cell in {"Rent a month": RENT, "Price of a loaf": PRICE, "Interest": RATE}.items():
        low, now, high = (
            worth(tmp_path / "nudged.xlsx", START | {cell: START[cell] * times})
            for times in (0.999, 1, 1.001)
        )
        told = number(page.text(f"{row(label)} .share"))
        assert told == pytest.approx((high - low) / now / 0.002, abs=0.006)


def test_what_is_moved_comes_back_as_it_was_in_the_file(explored, tmp_path):
    page = explored(bakery(tmp_path / "bakery.xlsx"))
    before = page.text("#result")
    for label in ("Rent a month", "Price of a loaf"):
        drag(page, label, 30)
    assert page.text("#result") != before
    page.click(f"{row('Rent a month')} .restore")
    assert shown(page, "Rent a month") == "1,450.00 €"
    page.value(f'document.querySelector("{row("Price of a loaf")} [type=range]").focus()')
    page.key("Backspace")
    assert page.text("#result") == before
    assert not page.value("document.querySelector('#restore').checkVisibility()")
    drag(page, "Loaves a day", -30)
    page.click("#restore")
    assert (page.text("#result"), shown(page, "Loaves a day")) == (before, "310")


def test_the_order_stays_while_numbers_are_dragged_until_it_is_sorted_again(explored, tmp_path):
    page = explored(bakery(tmp_path / "bakery.xlsx"))
    before = labels(page)
    assert before[:2] == ["Loaves a day", "Price of a loaf"]
    page.write(f"{row('Rent a month')} .amount", "40000")
    page.key("Enter")
    assert labels(page) == before
    page.click(".beside .quiet")
    assert labels(page)[0] == "Rent a month"


def test_numbers_are_typed_as_they_are_read(explored, tmp_path):
    page = explored(bakery(tmp_path / "bakery.xlsx"), language="de")
    assert shown(page, "Interest") == "7,25 %"
    for typed, then in (("8,5", "8,50 %"), ("9 %", "9,00 %"), ("abc", "9,00 %")):
        page.write(f"{row('Interest')} .amount", typed)
        page.value("document.activeElement.blur()")
        page.settle()
        assert shown(page, "Interest") == then
    page.write(f"{row('Rent a month')} .amount", "1.500,50 €")
    page.value("document.activeElement.blur()")
    page.settle()
    assert shown(page, "Rent a month") == "1 500,50 €"


PATH = """[...document.querySelectorAll(".box")].map(box => [
  box.querySelector(".label").textContent, box.querySelector(".change").textContent])"""


def test_the_path_has_a_box_for_each_row_and_its_cells_are_a_click_away(explored, tmp_path):
    page = explored(bakery(tmp_path / "bakery.xlsx"))
    boxes = dict(page.value(PATH))
    assert [*boxes] == ["Loaves a day", "Loaves", "Sales", "Costs", "Worth"]
    assert boxes["Loaves a day"] == "+1"
    assert page.text("#about-path").startswith("33 of the 33 formulas")
    page.click(".box:nth-of-type(4)")
    assert "12*Prices!$B$1+0.45*I3" in page.text("#cells")
    page.key("Escape")
    assert not page.value("document.querySelector('#cells').checkVisibility()")


def test_it_says_through_which_formula_most_of_a_change_passes(explored, tmp_path):
    with Workbook(str(tmp_path / "two.xlsx")) as book:
        sheet = book.add_worksheet("Shop")
        sheet.write_column("A1", ["Visitors", "Sold at the till", "Sold online", "Sales"])
        sheet.write("B1", 400)
        sheet.write_formula("B2", "=B1*1.5")
        sheet.write_formula("B3", "=B1*0.5+20")
        sheet.write_formula("B4", "=B2+B3")
    page = explored(tmp_path / "two.xlsx", "Sales")
    told = "75 % of that through Sold at the till · nudged: the same ✓"
    assert re.sub(r"\s+", " ", page.text("#remarks")) == told


STATE = """[document.querySelector("#of").selectedOptions[0]?.textContent ?? "",
  document.querySelector("#result").textContent, document.querySelector("#sentence").textContent,
  Object.fromEntries([...document.querySelectorAll(".rows li")].map(row =>
    [row.querySelector(".name").textContent, row.querySelector(".amount").value]))]"""


def check_worth(page):
    """Its numbers have this result, and a step of one of them does what is said of it."""
    if page.value("!document.querySelector('#run').hidden"):
        page.press("#run")  # which stops it, so that all is of one moment
    page.settle()
    title, result, sentence, amounts = page.value(STATE)
    if "Worth" not in title:
        return
    numbers = {cell: number(amounts[label]) for label, cell in CELLS.items()}
    exact = {cell: x / 100 if cell in (GROWTH, RATE) else x for cell, x in numbers.items()}
    assert number(result) == near(in_python, exact)
    step = re.fullmatch(
        r"If (.+) rises by ([\d.,]+)(?: points?)?, Worth (rises|falls) by (.+)\.", sentence
    )
    if step:
        label, size, way, change = step.groups()
        cell = CELLS[label]
        more = {cell: number(size) / (100 if cell in (GROWTH, RATE) else 1)}
        by = number(change) * (1 if way == "rises" else -1)
        assert by == near(lambda it: in_python(it, more) - in_python(it), exact), (exact, sentence)


def near(function, numbers):
    """The value of a function of numbers, as far as the digits that are shown of them tell it."""
    value = function(numbers)
    rounding = {RENT: 0.005, LOAVES: 0.0, PRICE: 0.005, GROWTH: 5e-5, RATE: 5e-5}
    nudged = [function(numbers | {cell: numbers[cell] + by}) for cell, by in rounding.items()]
    return pytest.approx(value, abs=0.006 + 1.1 * sum(abs(it - value) for it in nudged))


def in_python(numbers, more=MappingProxyType({})):
    """What the bakery is worth."""
    rent, loaves, price, growth, rate = (numbers[c] + more.get(c, 0) for c in START)
    sales = [loaves * 300 * (1 + growth) ** k * price for k in range(1, 9)]
    return sum((0.55 * it - 12 * rent) / (1 + rate) ** k for k, it in enumerate(sales, 1))


def test_whatever_is_pressed_the_result_is_that_of_the_numbers(explored, chromium, tmp_path):
    explored(bakery(tmp_path / "bakery.xlsx"))
    walk(chromium, tmp_path / "page.html", check_worth)


def test_a_tangent_meets_its_curve_and_has_its_slope(explored, tmp_path):
    page = explored(bakery(tmp_path / "bakery.xlsx"))
    for label in ("Growth", "Interest", "Rent a month"):
        page.value(f'document.querySelector("{row(label)} [type=range]").focus()')
        page.settle()
        curve, line, at = page.value(
            """(svg => [...["course", "tangent"].map(kind => svg.querySelector("." + kind)
            .getAttribute("d").split(/[ML]/).slice(1).map(pair => pair.split(" ").map(Number))),
            ["cx", "cy"].map(k => Number(svg.querySelector(".at").getAttribute(k)))])
            (document.querySelector("#course svg"))"""
        )
        k = next(k for k, (x, _) in enumerate(curve) if x > at[0])
        (x1, y1), (x2, y2) = curve[k - 1 : k + 1]
        (u1, v1), (u2, v2) = line
        assert (v2 - v1) / (u2 - u1) == pytest.approx((y2 - y1) / (x2 - x1), abs=0.03)
        assert v1 + (v2 - v1) / (u2 - u1) * (at[0] - u1) == pytest.approx(at[1], abs=0.6)


def parcel(path):
    """Postage in steps of weight, and a bill rounded to whole euros."""
    with Workbook(str(path)) as book:
        sheet = book.add_worksheet("Parcel")
        sheet.write_column("A1", ["Weight", "Parcels", "Postage", "Bill"])
        sheet.write_column("B1", [4.7, 12])
        sheet.write_formula("B3", "=IF(B1>5,9.5,5.25)")
        sheet.write_formula("B4", "=ROUND(B2*B3*1.19,0)")
    return path


def test_where_there_is_no_slope_the_cell_is_named_and_the_curve_jumps(explored, tmp_path):
    page = explored(parcel(tmp_path / "parcel.xlsx"), "Bill")
    page.value(f'document.querySelector("{row("Parcels")} [type=range]").focus()')
    page.settle()
    assert "no slope here: Bill (Parcel!B4) jumps or bends (ROUND)" in page.text("#remarks")
    curve = page.value("document.querySelector('.course').getAttribute('d')")
    assert curve.count("M") > 30  # a stair of whole euros
    page.write(f"{row('Weight')} .amount", "4.99")
    page.settle()
    assert page.text("#sentence") == "If Weight rises by 0.1, Bill rises by 61."
    assert page.value("document.querySelector('.course').getAttribute('d')").count("M") == 2


def wages(path, hours, scenario):
    """A wage with a bonus by its number, taxed by a table that is looked up."""
    with Workbook(str(path)) as book:
        sheet, table = book.add_worksheet("Wage"), book.add_worksheet("Brackets")
        for k, row_of in enumerate([(0, 0), (12000, 0.15), (30000, 0.25), (62000, 0.42)]):
            table.write_row(k, 0, row_of)
        sheet.write_column("A1", ["Hours", "Wage", "Scenario", "Bonus", "Income", "Rate", "Net"])
        sheet.write_column("B1", [hours, 28.5, scenario])
        sheet.write_formula("B4", "=CHOOSE(B3,0,1500,4000)")
        sheet.write_formula("B5", "=B1*B2+B4")
        sheet.write_formula("B6", "=VLOOKUP(B5,Brackets!A1:B4,2)")
        sheet.write_formula("B7", "=IFERROR(B5*(1-B6),0)")
    return path


@pytest.mark.witness("libreoffice")
def test_what_is_looked_up_and_chosen_follows_as_in_a_spreadsheet(explored, tmp_path):
    page = explored(wages(tmp_path / "wages.xlsx", 900, 1), "Net")
    for hours, scenario in ((1100, 1), (1100, 3), (400, 3), (2200, 2), (10, 1)):
        page.write(f"{row('Hours')} .amount", str(hours))
        page.write(f"{row('Scenario')} .amount", str(scenario))
        page.settle()
        book = wages(tmp_path / f"{hours}-{scenario}.xlsx", hours, scenario)
        net = read_values(recalculate(book, tmp_path / "again"))["Wage"]["B7"]
        assert number(page.text("#result")) == pytest.approx(net, abs=0.06)
    page.write(f"{row('Scenario')} .amount", "4")
    page.settle()
    assert number(page.text("#result")) == 0  # no such scenario: the error's other value


def test_a_result_that_is_no_number_says_because_of_which_cell(explored, tmp_path):
    with Workbook(str(tmp_path / "unit.xlsx")) as book:
        sheet = book.add_worksheet("Unit")
        sheet.write_column("A1", ["Cost", "Share", "Left", "Each", "Price"])
        sheet.write_column("B1", [100, 0.4])
        sheet.write_formula("B3", "=1-2*B2")
        sheet.write_formula("B4", "=B1/B3")
        sheet.write_formula("B5", "=B4*1.2")
    page = explored(tmp_path / "unit.xlsx", "Price")
    assert number(page.text("#result")) == 600
    page.write(f"{row('Share')} .amount", "0.5")
    page.settle()
    assert page.text("#result") == "no number"
    assert page.text("#sentence") == "Price isn’t a number here, because of Unit!B4: =B1/B3"
    page.write(f"{row('Share')} .amount", "0.25")
    page.settle()
    assert number(page.text("#result")) == 240


def test_hundreds_of_formulas_fold_into_a_few_boxes(explored, tmp_path):
    with Workbook(str(tmp_path / "long.xlsx")) as book:
        sheet, other = book.add_worksheet("Months"), book.add_worksheet("Tree")
        sheet.write_row("A1", ["Start", 0])
        sheet.write_row("A2", ["Paid in", 25])
        for k in range(240):
            before = "B1" if not k else f"B{k + 3}"
            sheet.write_formula(k + 3, 1, f"={before}*1.002+$B$2")
        for k in range(1, 20):
            last = "Months!B243" if k == 1 else f"A{k - 1}"
            other.write_formula(f"A{k}", f"={last}*{1 + k / 100}+Months!B{k + 50}/{k + 3}")
    page = explored(tmp_path / "long.xlsx", "Tree.A19")
    assert page.text("#about-path").startswith("259 of the 259 formulas")
    boxes = page.value("document.querySelectorAll('.box').length")
    assert 3 <= boxes <= 9
    assert re.search(r"and \d+ more", page.text("#way"))
    assert labels(page) == ["Paid in", "Start"]
    page.value(f'document.querySelector("{row("Start")} [type=range]").focus()')
    page.key("ArrowRight")
    assert shown(page, "Start") == "1"
    assert page.text(f"{row('Start')} .share") != "–"


LEARNED = "document.querySelector('#learned').textContent"


def test_numbers_are_learned_only_once_somebody_says_which_and_to_what(explored, tmp_path):
    page = explored(bakery(tmp_path / "bakery.xlsx"))
    assert not page.value("document.querySelector('#run').checkVisibility()")
    page.click("#learn")
    page.write("#learning .aim input", "1,500,000")
    page.click("#questions label:has(small):nth-of-type(2) input")  # the price, too
    page.click("#begin")
    page.until(LEARNED, 20)
    assert page.value(LEARNED).startswith("reached after")
    assert number(page.text("#result")) == pytest.approx(1_500_000, abs=0.01)
    assert number(shown(page, "Price of a loaf")) > 3.85
    assert shown(page, "Rent a month") == "1,450.00 €"
    page.click("#learn")
    page.write("#learning .aim input", "90,000,000")
    page.click("#begin")
    page.until(f"!document.querySelector('#learning').open && {LEARNED}", 20)
    assert page.value(LEARNED) == "stopped: these numbers can’t move any further"


def test_a_formula_without_a_training_is_explored_and_another_trains(explored):
    page = explored("f = a*b + c; a = 2; b = -3; c = 10; g = abs(f - 3)", None)
    assert page.text("#result") == "1"
    assert page.text("#sentence") == "If c rises by 1, g rises by 1."
    page.write(f"{row('b')} .amount", "-3.5")
    assert page.text("#result") == "0"
    assert "g jumps or bends" in page.text("#remarks")
    page = explored("f = a*b + c; a = 2; b = -3; c = 10; minimize f", None)
    assert page.value("document.querySelector('#run').checkVisibility()")


def test_another_result_can_be_asked_for(explored, tmp_path):
    page = explored(bakery(tmp_path / "bakery.xlsx"))
    names = page.value("[...document.querySelectorAll('#of option')].map(it => it.textContent)")
    assert names == ["Worth · 'Eight years'!B7"]
    page = explored(parcel(tmp_path / "parcel.xlsx"), "Bill")
    page.value(
        "(of => { of.value = of.options[1].value; of.dispatchEvent(new Event('change')) })"
        "(document.querySelector('#of'))"
    )
    page.settle()
    assert number(page.text("#result")) == 5.25


@for_each("scheme", ["light", "dark"])
@for_each("width, height", [(390, 844), (1024, 768), (1280, 800)])
def test_anybody_can_use_it_and_it_fits(explored, tmp_path, scheme, width, height):
    page = explored(
        bakery(tmp_path / "bakery.xlsx"), "Worth", width, height, prefers_color_scheme=scheme
    )
    assert page.value("document.documentElement.scrollWidth") == width
    if width > 768:
        assert page.value("document.documentElement.scrollHeight") == height
    assert page.objections() == []
    page.click("#learn")
    assert page.objections() == []


def test_nothing_moves_while_a_number_is_dragged(explored, tmp_path):
    page = explored(bakery(tmp_path / "bakery.xlsx"))
    parts = "section, .rows li, .box, #course text.axis"
    places = f"""JSON.stringify([...document.querySelectorAll("{parts}")].map(part =>
      ["left", "top", "width", "height"].map(k => part.getBoundingClientRect()[k])))"""
    drag(page, "Price of a loaf", 5)
    before = page.value(places)
    for pixels in (12, 30, -60):
        drag(page, "Price of a loaf", pixels)
        assert page.value(places) == before


def test_the_loss_of_a_programs_step_is_explored_in_its_workbook(explored, tmp_path):
    train, book = tmp_path / "train.py", tmp_path / "train.xlsx"
    train.write_text(
        "import numpy as np\n"
        "X, y = np.array([[0.5], [1.0], [2.0]]), np.array([[1.0], [2.0], [5.0]])\n"
        "w, b = np.array([[0.4]]), np.zeros(1)\n"
        "for epoch in range(30):\n"
        "    p = X @ w + b\n"
        "    loss = np.mean((p - y) ** 2)\n"
        "    w = w - 0.05 * 2 * X.T @ (p - y) / 3\n"
        "    b = b - 0.05 * 2 * np.sum(p - y, axis=0) / 3\n"
    )
    assert main(["sheet", str(train), "-o", str(book)]) == 0
    page = explored(book, "loss")
    assert number(page.text("#result")) == pytest.approx(6.946667)  # (0.8² + 1.6² + 4.2²) / 3
    assert {"w[0]", "b", "X[2]"} <= set(labels(page))
