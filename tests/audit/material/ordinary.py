"""Sheets of ordinary formulas, drawn at random: finance, statistics, tests, lookups, recurrences.

None is a training, though many have columns that go on from row to row as a training has.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from gradbook.cells.formula.address import name_of, pack

Cells = dict[str, str | float]

STEPS = (  # what a column is worth in the next row: {a} above, {b} another column there, {r} a rate
    *("{a}*(1+{r})", "{a}*{a}", "{a}^2", "{a}+{b}", "{a}-{r}*{a}", "{a}-{r}*({a}+{a})", "{a}"),
    *("{a}-{r}*({a}-{c})", "{a}-{r}*{a}*{b}", "{a}-({a}^2-{c})/(2*{a})", "{c}*{a}*(1-{a})"),
    *("{r}*{x}+(1-{r})*{a}", "MAX(0,{a}+{x}-{c})", "{a}*{x}", "{a}+{x}^2", "{a}+({x}-{a})/{n}"),
    *("{a}-{r}*{b}*{a}", "{a}+{r}*{b}*{x}", "IF({a}>{c},{a}/2,3*{a}+1)", "ROUND({a}*{c},2)"),
    *("{a}*EXP({r}*{b})", "{a}/({b}-{b})", "MOD({a}*{c}+{n},17)", "SQRT({a}+{x})", "LN({a})"),
    *("{a}-{r}*(2*{a}*{x}-{x})", "{a}-{r}*SIGN({a})", "{b}-{r}*({r}*{a}+{c}*{a})", "{a}&{n}"),
    *("({a}+{b})/2", "{a}-{r}*SUM({a},{a})", "{a}-{r}*MIN(1,{a})", "{a}-{r}*{a}^3", "-{a}"),
)
OF_A_RANGE = (  # {x} and {y} are ranges, {r} a share, {c} a number
    *("AVERAGE({x})", "STDEV({x})", "VAR({x})", "MEDIAN({x})", "SUM({x})", "DEVSQ({x})"),
    *("CORREL({x},{y})", "SLOPE({x},{y})", "INTERCEPT({x},{y})", "RSQ({x},{y})", "COUNT({x})"),
    *("(AVERAGE({x})-{c})/(STDEV({x})/SQRT(COUNT({x})))", "SUMPRODUCT({x},{y})", "SUMSQ({x})"),
    *("2*(1-NORM.S.DIST(ABS((AVERAGE({x})-{c})/STDEV({x})),TRUE))", "NPV({r},{x})", "IRR({x})"),
    *("(AVERAGE({x})-AVERAGE({y}))/SQRT(VAR({x})/COUNT({x})+VAR({y})/COUNT({y}))", "MAX({x})"),
    *("T.TEST({x},{y},2,2)", "CHISQ.TEST({x},{y})", "F.TEST({x},{y})", "Z.TEST({x},{c})"),
    *("SUM(({x}-{y})^2/{y})", "SUMXMY2({x},{y})", "AVERAGE(ABS({x}-{y}))", "PERCENTILE({x},{r})"),
    *("T.DIST.2T(ABS(AVERAGE({x})),9)", "CONFIDENCE.NORM({r},STDEV({x}),COUNT({x}))", "KURT({x})"),
    *("VLOOKUP({c},{x},1,TRUE)", "INDEX({x},MATCH({c},{x},1))", 'COUNTIF({x},">"&{c})', "MIN({x})"),
    *('SUMIF({x},"<"&{c},{y})', "LARGE({x},2)", "RANK({c},{x})", "XLOOKUP({c},{x},{y},0,-1)"),
    *("PMT({r}/12,36,-{c})", "FV({r},10,-{c})", "SLN({c},1,5)", 'IF({r}<0.05,"reject","keep")'),
    *("NORM.DIST({c},AVERAGE({x}),STDEV({x}),FALSE)", "BINOM.DIST(3,10,{r},TRUE)", "GEOMEAN({x})"),
    *('TEXT({c},"0.00")&" of "&COUNT({x})', "SUM(LN({x}))", "SUM({x}^2)-COUNT({x})*AVERAGE({x})^2"),
)
BESIDE = (  # of numbers in the same row
    *("{x}*{y}", "{x}-{y}", "({x}-{c})^2", "{x}/{y}", "{x}^2", "IF({x}>{y},1,0)", "LN({x})/{y}"),
    *("({x}-AVERAGE({xs}))/STDEV({xs})", "{x}*{r}", "SUM({xs})-{x}", "({x}-{y})^2/{y}", "EXP({x})"),
    *("1/(1+EXP(-{x}))", "ABS({x}-{y})", "RANK({x},{xs})", 'IF({x}>{c},"yes","no")', "{x}^{y}"),
)
WORDS = (
    *("Balance", "Rate", "Year", "Growth", "Demand", "Mean", "Error", "Weight", "Price"),
    *("Total", "Group", "Score", "t", "p", "H0", "n", "s"),
)


class _Sheet:
    def __init__(self, draw: Random) -> None:
        self.draw, self.cells = draw, Cells()
        self.is_across = draw.random() < 0.25  # steps in columns instead of rows
        self.settings: list[str] = []
        for k in range(draw.randint(1, 4)):
            self.put(k, 0, draw.choice(WORDS))
            place = self.put(k, 1, draw.choice([0.01, 0.05, 0.1, 1.0, 2.0, 3.5, 100.0]))
            self.settings.append(self.fixed(place))

    def name(self, line: int, place: int) -> str:
        return name_of(pack(0, *((place, line) if self.is_across else (line, place))))

    def fixed(self, name: str) -> str:
        letters = name.rstrip("0123456789")
        return f"${letters}${name[len(letters) :]}"

    def put(self, line: int, place: int, content: str | float) -> str:
        self.cells[name := self.name(line, place)] = content
        return name

    def number(self) -> float:
        draw = self.draw
        return draw.choice([float(draw.randint(-3, 90)), round(draw.gauss(0, 2), 3), draw.random()])

    def block(self, first: int) -> None:
        """Columns of numbers, of steps that go on, and of formulas beside them; totals below."""
        draw, height, width = self.draw, self.draw.randint(3, 30), self.draw.randint(2, 7)
        top = draw.randint(5, 8)
        kinds = ["numbers", *draw.choices(("numbers", "steps", "beside"), k=width - 1)]
        forms = [draw.choice(STEPS if kind == "steps" else BESIDE) for kind in kinds]
        for k in range(width):
            self.put(top - 1, first + k, f"{draw.choice(WORDS)} {k}")
        for row in range(top, top + height):
            for k, kind in enumerate(kinds):
                begins = kind == "numbers" or (kind == "steps" and row == top)
                content = self.number() if begins else self.formula(forms[k], first, k, row, top)
                self.put(row, first + k, content)
        last = top + height - 1
        for k in range(draw.randint(0, 6)):
            x, y = (self.area(first + draw.randrange(width), top, last) for _ in "xy")
            self.put(last + 2 + k, first, "=" + self.filled(draw.choice(OF_A_RANGE), x=x, y=y))

    def formula(self, form: str, first: int, column: int, row: int, top: int) -> str:
        beside = [self.name(row, first + k) for k in range(column)]
        other = self.name(row - 1, first + (column - 1 if row % 2 else 0))
        return "=" + self.filled(
            form,
            a=self.name(row - 1, first + column),
            b=other,
            x=beside[0],
            y=beside[-1],
            xs=self.area(first, top, top + 3),
            n=str(row - top + 1),
        )

    def area(self, place: int, top: int, last: int) -> str:
        return f"{self.fixed(self.name(top, place))}:{self.fixed(self.name(last, place))}"

    def filled(self, form: str, **names: str) -> str:
        setting = self.settings
        return form.format(r=setting[0], c=setting[-1], **names)


def ordinary(draw: Random) -> Cells:
    """The cells of a sheet."""
    sheet = _Sheet(draw)
    for k in range(draw.randint(1, 3)):
        sheet.block(k * 9)
    return sheet.cells


def write_ordinary(path: Path, draw: Random) -> None:
    """The sheet as a file without the values of its formulas."""
    import xlsxwriter

    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for place, content in ordinary(draw).items():
            if isinstance(content, str) and content.startswith("="):
                sheet.write_formula(place, content)
            else:
                sheet.write(place, content)
