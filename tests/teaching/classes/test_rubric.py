"""A rubric: what columns are worth, what mistakes and late days cost, and what it refuses."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import Rubric, score
from gradbook.errors import DataError, LimitError
from gradbook.lab.classroom import personalise
from gradbook.report.workbook import write_workbook
from gradbook.teaching.classes.rubric import RUBRIC_TEXT, outdated_parts, read_rubric
from tests.audit.material.exercises import Variation, exercise, hand_in, mistakes
from tests.cases import for_each
from tests.teaching.classes.made import HEADINGS, begun, negated, solved, without

SLOPE = r"\(1-(\w+)(?:\*\1|\^2)\)"  # of tanh


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Ada's book with a wrong sign, with a wrong sum carried on, and with one column blank."""
    place = tmp_path_factory.mktemp("rubric")
    folder = begun(place, blank=("forward", "gradients"))
    changes = {
        "right": without(),
        "sign": negated("∂E/∂w1"),
        "blank": without("∂E/∂w1"),
        "slopes": lambda name, formula: re.sub(SLOPE, r"\1*(1-\1)", formula),
        "carried": lambda name, formula: formula.replace("+", "-") if name == "h1" else formula,
    }
    return {
        name: check(str(solved(folder, "Ada Lovelace", place / f"{name}.xlsx", change)))
        for name, change in changes.items()
    }


def points(report, **rubric):
    return score(report, Rubric(**rubric)).points


def count(report):
    return len(score(report).worth)


def test_everything_right_is_all_points(reports):
    assert points(reports["right"], out_of=20.0) == 20
    assert points(reports["right"]) == count(reports["right"])


@for_each("name", ["sign", "blank"])
def test_a_column_costs_what_it_is_worth(reports, name):
    whole = count(reports["right"])
    assert points(reports[name]) == whole - 1
    assert points(reports[name], points={"∂E/∂w1": 5.0}) == whole - 1
    assert points(reports[name], points={"∂E/∂w1": 0.0}) == whole - 1
    assert points(reports[name], out_of=10.0, points={"∂E/∂w1": float(whole - 1)}) == 5
    parts = score(reports[name]).parts
    gradients = sum("∂" in part.mark.name for part in parts)
    assert points(reports[name], points={"gradients": 3.0}) == whole + 2 * gradients - 3


def test_what_follows_from_a_mistake_costs_nothing(reports):
    """h1 is wrong, and whatever is made of it right given that."""
    assert points(reports["carried"]) == count(reports["right"]) - 1


@for_each("seed", range(10))
def test_typical_mistakes_earn_what_the_rubric_says(seed, tmp_path):
    """A hundred of them in all: each costs the columns that it spoils, by what they are worth."""
    variation = Variation.of(seed)
    book = exercise(variation, tmp_path)
    made = [*mistakes(variation)]
    assert len(made) >= 10
    for mistake in made:
        report = check(hand_in(book, mistake.entries, variation))
        names = [part.mark.name for part in score(report).parts]
        worth = {name: float(1 + k % 3) for k, name in enumerate(names)}
        lost = [worth[name] for name in names if name in mistake.wrong]
        cost = sum(lost) / len(lost) if mistake.letter in "abcdef" else sum(lost)
        found = score(report, Rubric(points=worth)).points
        assert found == pytest.approx(sum(worth.values()) - cost, abs=0.006), mistake.letter


def test_a_kind_of_mistake_costs_once(reports):
    kind = reports["sign"].findings[0].kind
    whole = count(reports["right"])
    assert points(reports["sign"], deductions={kind: 0.75}) == whole - 1.75
    assert points(reports["right"], deductions={kind: 0.75}) == whole
    assert points(reports["sign"], deductions={kind: 999.0}) == 0
    mark = score(reports["sign"], Rubric(deductions={kind: 0.75}))
    assert mark.taken_off == (f"0.75 for {kind}",)


def test_another_activation_s_slope_in_all_hidden_units_is_one_mistake(reports):
    """Sigmoid's where tanh's belongs, in ∂E/∂h1 and ∂E/∂h2."""
    assert points(reports["slopes"]) == pytest.approx(count(reports["right"]) - 1)
    assert points(reports["slopes"], repeated=100.0) < count(reports["right"]) - 1


def test_days_are_counted_as_they_begin():
    due = datetime(2026, 11, 20, 12)
    rubric = Rubric(due=due)
    seconds = (-5.0, 0.0, 1.0, 86_400.0, 86_401.0)
    assert [rubric.days_late(due.timestamp() + one) for one in seconds] == [0, 0, 1, 1, 2]


def test_the_rubric_that_is_made_is_read(tmp_path):
    (tmp_path / "rubric.toml").write_text(RUBRIC_TEXT, encoding="utf-8")
    assert read_rubric(tmp_path / "rubric.toml") == Rubric(out_of=20)
    used = RUBRIC_TEXT.replace("# gr", "gr").replace('# "', '"').replace("# due", "due")
    used = used.replace("# per", "per").replace("# at", "at")
    (tmp_path / "rubric.toml").write_text(used, encoding="utf-8")
    found = read_rubric(tmp_path / "rubric.toml")
    assert found.points == {"gradients": 1, "∂E/∂w1": 2}
    assert found.deductions == {"pasted value": 1}
    assert (found.due, found.per_day, found.at_most) == (datetime(2026, 12, 1, 23, 59), 2, 6)


def test_a_rubric_of_1_0_is_read_and_it_is_said_what_counts_no_more(tmp_path):
    path = tmp_path / "rubric.toml"
    path.write_text("out_of = 20\n[follow_through]\ncarry = true\nsign_credit = 0.5\n")
    assert read_rubric(path) == Rubric(out_of=20)
    (remark,) = outdated_parts(path)
    assert "[follow_through] no longer counts" in remark


@for_each(
    ("text", "said"),
    [
        ("out_of = -1", "out_of must be a number from 0 to 1,000,000"),
        ("out_of = 'many'", "out_of must be a number from 0 to 1,000,000, not 'many'"),
        ("outof = 20", "it has no key called 'outof': did you mean 'out_of'"),
        ("points = 3", r"points is a section: write \[points\]"),
        ("[points]\ngradients = 'x'", r"\[points\] gradients must be a number"),
        ("[deductions]\n'pasted valeu' = 1", "'pasted valeu' in .deductions. isn't a kind"),
        ("[mistakes]\naccept_elsewhere = 1", "accept_elsewhere must be true or false"),
        ("[mistakes]\ntyped = 2", "typed must be from 0 to 1"),
        ("[mistakes]\nrepeated = -2", r"\[mistakes\] repeated must be a number from 0"),
        ("[late]\ndue = 'tomorrow'", "due must be a date and a time"),
        ("[late]\ndue = 0001-01-01T00:00:00", "due must be in a year from 1971 to 2999"),
        ("out_of = 1" + "0" * 400, "not 10000000000000000000"),
        ("out_of = 0x1" + "0" * 9_000, "not so large a number"),
        ("out_of = 1" + "0" * 9_000, "it isn't TOML"),
        ("x = " + "[" * 9_000, "parts within parts|isn't TOML"),
        ("[late]\nper_dya = 1", "did you mean 'per_day'"),
        ("out_of = ", "it isn't TOML"),
        ("out_of = nan", "out_of must be a number from 0 to 1,000,000"),
        ("a." * 8 + "a = 1", "a key in it is deeper than 8"),
        ("[" + "a . " * 8 + "a]", "a key in it is deeper than 8"),
        ("x = {" + "'a'.\"b.\"." * 4 + "a = 1}", "a key in it is deeper than 8"),
        ("a." * 30_000 + "a = 1", "a key in it is deeper than 8"),
        ("a = '" + "a." * 20 + "' # " + "b." * 20 + "b = 1", "it has no key called 'a'"),
        ("a" * 60_000 + "=1", "it has no key called"),
        ('"""' + '\\"""' * 16_000, "it isn't TOML"),
        ("." * 60_000, "it isn't TOML"),
    ],
)
def test_what_cant_be_meant_is_said(text, said, tmp_path):
    path = tmp_path / "rubric.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_rubric(path)


def test_a_rubric_of_many_bytes_is_not_read(tmp_path):
    path = tmp_path / "rubric.toml"
    path.write_text("#" * 70_000)
    with pytest.raises(LimitError, match=r"rubric.toml is larger than 65,536 bytes"):
        read_rubric(path)


# Numbers where formulas belong --------------------------------------------------------


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """A class, and all numbers that the formulas of its only student come to, by their cells."""
    folder = begun(tmp_path_factory.mktemp("typed"), "name\nBo Ek\n", epochs=3)
    key = Path(folder.path) / "key.xlsx"
    write_workbook(personalise(folder.plan.net(), "Bo Ek"), key, epochs=3, rates=())
    table = load_workbook(key, data_only=True)["Training"]
    return folder, {cell.coordinate: cell.value for row in table.iter_rows() for cell in row}


def marked(folder, change, place):
    """What the right formulas earn, changed by cell: of its name, its coordinate, its formula."""
    book = solved(folder, "Bo Ek", place / "Bo-Ek.xlsx")
    made = load_workbook(book)
    sheet = made["Training"]
    blank = load_workbook(Path(folder.path) / "exercises" / "Bo-Ek.xlsx")["Training"]
    for row in sheet.iter_rows(min_row=HEADINGS + 1):
        for cell in row:
            if cell.data_type == "f" and blank[cell.coordinate].value is None:
                cell.value = change(cell)
    made.save(book)
    report = check(book)
    return report, score(report, Rubric(out_of=12))


def test_right_numbers_that_are_typed_earn_what_the_rubric_says(typed, tmp_path):
    folder, numbers = typed
    report, earned = marked(folder, lambda cell: round(numbers[cell.coordinate], 9), tmp_path)
    assert (earned.points, len(earned.parts)) == (0, 12)
    for share in (0.5, 1.0):
        assert score(report, Rubric(out_of=12, typed=share)).points == 12 * share
    for finding in report.findings:
        assert "a typed number, not a formula: the number is right" in finding.why
        assert finding.relative_error is None
    assert "off by" not in str(report)
    _, earned = marked(folder, lambda cell: cell.column + numbers[cell.coordinate], tmp_path)
    assert earned.points == 0  # other numbers are no work at all


def test_a_column_with_one_wrong_row_of_three_is_two_thirds_right(typed, tmp_path):
    folder, numbers = typed
    last = HEADINGS + 3

    def change(cell):
        return cell.column + numbers[cell.coordinate] if cell.row == last else cell.value

    report, earned = marked(folder, change, tmp_path)
    assert (earned.right, earned.points, len(earned.parts)) == (8, 8, 12)
    assert "8 of 12 gradients right" in str(report)
