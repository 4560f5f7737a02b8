"""Texts, dates and counts: values without slopes.

A date is its number of days, as a spreadsheet counts them from 1900 on.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from gradbook.cells.budget import spend_exactly
from gradbook.cells.formula.formula_values import (
    LONGEST_TEXT,
    Meaning,
    NotUnderstood,
    Single,
    TooMuch,
    aligned,
    as_block,
    error,
    held,
    joined,
    number,
    present_number,
    text_of,
    whole_number,
)
from gradbook.cells.formula.lookups import wildcard
from gradbook.graph.node import Graph
from gradbook.language.message import Message

OfSingles = Callable[..., float | str]
_START = date(1899, 12, 30)  # day 0, from March 1900 on
_LAST_DAY = 2_958_465  # the year 9999
MOST_COUNTED = 1_000  # whose factorial, or the like, is a number
MOST_DAYS = 40_000  # that are counted one by one
DAY = 20  # budget for each, in numbers
DIGITS = 10  # of a number to another base
SATURDAY = 6


# Dates ----------------------------------------------------------------------------


def _day(graph: Graph, value: Single) -> date:
    count = present_number(graph, value)
    if not 1 <= count <= _LAST_DAY + 1:
        raise OverflowError
    return _START + timedelta(days=int(count))


def _count(day: date) -> float:
    return float((day - _START).days)


def _months_later(day: date, months: int, is_end: bool = False) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, last if is_end else min(day.day, last))


def _date(graph: Graph, year: Single, month: Single, day: Single) -> float:
    y, m, d = (whole_number(graph, value) for value in (year, month, day))
    y += 1900 if 0 <= y < 1900 else 0
    years, months = divmod(y * 12 + m - 1, 12)
    return _count(date(years, months + 1, 1)) + d - 1


def _weekday(graph: Graph, day: Single, kind: Single = None) -> float:
    number = _day(graph, day).isoweekday()
    match 1 if kind is None else whole_number(graph, kind):
        case 1:
            return number % 7 + 1
        case 2:
            return number
        case 3:
            return number - 1
    raise ValueError("another kind of week")


def _days_of_30(a: date, b: date, is_european: bool) -> int:
    """The days between, with 30 in each month."""
    first, last = a.day, b.day
    if is_european:
        first, last = min(first, 30), min(last, 30)
    else:
        if a.month == 2 and a.day == calendar.monthrange(a.year, 2)[1]:
            first = 30
        first = min(first, 30)
        last = 30 if last == 31 and first == 30 else last
    return (b.year - a.year) * 360 + (b.month - a.month) * 30 + last - first


def _year_share(graph: Graph, start: Single, end: Single, basis: Single = None) -> float:
    """YEARFRAC."""
    a, b = sorted((_day(graph, start), _day(graph, end)))
    days = (b - a).days
    match 0 if basis is None else whole_number(graph, basis):
        case 0:
            return _days_of_30(a, b, is_european=False) / 360
        case 1:
            if _months_later(a, 12) >= b:
                leaps = [y for y in {a.year, b.year} if calendar.isleap(y)]
                is_inside = any(a <= date(y, 2, 29) <= b for y in leaps)
                is_long = is_inside or (a.year == b.year and leaps)
                return days / (366 if is_long else 365)
            years = range(a.year, b.year + 1)
            return days / (sum(365 + calendar.isleap(y) for y in years) / len(years))
        case 2:
            return days / 360
        case 3:
            return days / 365
        case 4:
            return _days_of_30(a, b, is_european=True) / 360
    raise ValueError("another basis")


def _days_360(graph: Graph, start: Single, end: Single, european: Single = None) -> float:
    is_european = european is not None and present_number(graph, european) != 0
    return _days_of_30(_day(graph, start), _day(graph, end), is_european)


def _apart(graph: Graph, start: Single, end: Single, unit: Single) -> float:
    """DATEDIF."""
    a, b = _day(graph, start), _day(graph, end)
    months = (b.year - a.year) * 12 + b.month - a.month - (b.day < a.day)
    match text_of(unit).upper():
        case "D":
            return (b - a).days
        case "M":
            return months
        case "Y":
            return months // 12
        case "YM":
            return months % 12
        case "YD":
            return (b - _months_later(a, months // 12 * 12)).days
    raise ValueError("another unit")


def _part_of_day(graph: Graph, value: Single, seconds: int, most: int) -> float:
    time = round(present_number(graph, value) % 1 * 86_400)
    return time // seconds % most


def _time(graph: Graph, hours: Single, minutes: Single, seconds: Single) -> float:
    h, m, s = (whole_number(graph, value) for value in (hours, minutes, seconds))
    return (h * 3600 + m * 60 + s) / 86_400 % 1


DATES: Mapping[str, OfSingles] = {
    "YEAR": lambda graph, x: _day(graph, x).year,
    "MONTH": lambda graph, x: _day(graph, x).month,
    "DAY": lambda graph, x: _day(graph, x).day,
    "WEEKDAY": _weekday,
    "ISOWEEKNUM": lambda graph, x: _day(graph, x).isocalendar()[1],
    "HOUR": lambda graph, x: _part_of_day(graph, x, 3600, 24),
    "MINUTE": lambda graph, x: _part_of_day(graph, x, 60, 60),
    "SECOND": lambda graph, x: _part_of_day(graph, x, 1, 60),
    "TIME": _time,
    "DATE": _date,
    "EDATE": lambda graph, x, n: _count(_months_later(_day(graph, x), whole_number(graph, n))),
    "EOMONTH": lambda graph, x, n: _count(
        _months_later(_day(graph, x), whole_number(graph, n), is_end=True)
    ),
    "DAYS": lambda graph, end, start: _count(_day(graph, end)) - _count(_day(graph, start)),
    "DAYS360": _days_360,
    "YEARFRAC": _year_share,
    "DATEDIF": _apart,
}


def _holidays(graph: Graph, dates: Meaning) -> set[date]:
    return {_day(graph, x) for x in as_block(dates).singles() if x is not None}


def _is_workday(day: date, holidays: set[date]) -> bool:
    return day.isoweekday() < SATURDAY and day not in holidays


def _count_workdays(graph: Graph, first: Meaning, last: Meaning, dates: Meaning = None) -> float:
    """NETWORKDAYS, both ends included."""
    ends = [_day(graph, number(graph, value)) for value in (first, last)]
    a, b = sorted(ends)
    free = _holidays(graph, dates)
    days = _whole_days(b - a)
    count = sum(_is_workday(a + timedelta(days=k), free) for k in range(days + 1))
    return float(count if ends == [a, b] else -count)


def _workday(graph: Graph, first: Meaning, count: Meaning, dates: Meaning = None) -> float:
    """WORKDAY: so many workdays later, or earlier."""
    day, left = _day(graph, number(graph, first)), whole_number(graph, count)
    free, step = _holidays(graph, dates), timedelta(days=1 if left > 0 else -1)
    for _ in range(_whole_days(abs(left) * step)):
        while not _is_workday(day := day + step, free):
            pass
    return _count(day)


def _whole_days(time: timedelta) -> int:
    if abs(time.days) > MOST_DAYS:
        raise TooMuch(Message("more than {count} workdays", count=f"{MOST_DAYS:,}"))
    spend_exactly(DAY * abs(time.days))
    return abs(time.days)


def _of_ranges(function: Callable[..., float]) -> Callable[..., Meaning]:
    """A function that takes a range as one of its arguments; an impossible result is an error."""

    def make(graph: Graph, *args: Meaning) -> Meaning:
        try:
            return graph.constant(function(graph, *args))
        except (ValueError, OverflowError):
            return error(graph)

    return make


# Counts ---------------------------------------------------------------------------


def _of_counts(function: Callable[..., int]) -> OfSingles:
    """A function of whole numbers that are at least 0, and not larger from one to the next."""

    def count(graph: Graph, *singles: Single) -> float:
        numbers = [whole_number(graph, value) for value in singles]
        falling = sorted(numbers, reverse=True)
        if numbers != falling or not 0 <= numbers[-1] <= numbers[0] <= MOST_COUNTED:
            raise ValueError("more things than there are, fewer than 0, or too many")
        return float(function(*numbers))

    return count


def _from_digits(base: int) -> OfSingles:
    """BIN2DEC and the like: of ten digits, the first says whether the number is negative."""

    def read_digits(graph: Graph, value: Single) -> float:
        text = text_of(value) or "0"
        if len(text) > DIGITS or not text.isalnum():
            raise ValueError("not such a number")
        number = int(text, base)
        return float(number - base**DIGITS if number >= base**DIGITS // 2 else number)

    return read_digits


def _to_digits(base: int, form: str) -> OfSingles:
    """DEC2BIN and the like, filled with zeros to a number of digits."""

    def write_digits(graph: Graph, value: Single, places: Single = None) -> str:
        number = int(present_number(graph, value))
        half = min(base**DIGITS // 2, 2**39)
        if not -half <= number < half:
            raise ValueError("too large a number")
        digits = format(number % base**DIGITS if number < 0 else number, form)
        width = 1 if places is None else whole_number(graph, places)
        if number >= 0 and not len(digits) <= max(width, 1 if places is not None else DIGITS):
            raise ValueError("more digits than places")
        return digits if number < 0 else digits.rjust(width, "0")

    return write_digits


COUNTS: Mapping[str, OfSingles] = {
    "FACT": _of_counts(math.factorial),
    "COMBIN": _of_counts(math.comb),
    "PERMUT": _of_counts(math.perm),
    "BIN2DEC": _from_digits(2),
    "OCT2DEC": _from_digits(8),
    "HEX2DEC": _from_digits(16),
    "DEC2BIN": _to_digits(2, "b"),
    "DEC2OCT": _to_digits(8, "o"),
    "DEC2HEX": _to_digits(16, "X"),
}

# Texts ----------------------------------------------------------------------------


def _left(graph: Graph, text: Single, count: Single = "1") -> str:
    return text_of(text)[: max(0, whole_number(graph, count))]


def _right(graph: Graph, text: Single, count: Single = "1") -> str:
    size = max(0, whole_number(graph, count))
    return text_of(text)[-size:] if size else ""


def _middle(graph: Graph, text: Single, start: Single, count: Single) -> str:
    first = whole_number(graph, start) - 1
    if first < 0:
        raise ValueError("before the text")
    return text_of(text)[first : first + max(0, whole_number(graph, count))]


def _position(is_exact: bool) -> OfSingles:
    """FIND and SEARCH."""

    def find(graph: Graph, wanted: Single, text: Single, start: Single = "1") -> float:
        first, words, among = whole_number(graph, start) - 1, text_of(wanted), text_of(text)
        if not is_exact:
            words, among = words.lower(), among.lower()
            if any(mark in words for mark in "*?~"):
                matches = wildcard(words + "*")
                places = range(first, min(len(among), 1000))
                return next((k + 1 for k in places if matches(among[k:])), 0) or _fail()
        return among.find(words, first) + 1 or _fail()

    return find


def _fail() -> float:
    raise ValueError("not in the text")


def _substituted(graph: Graph, text: Single, old: Single, new: Single, which: Single = None) -> str:
    before, words = text_of(old), text_of(text)
    if not before:
        return words
    if which is None:
        _require_short(len(words) + words.count(before) * (len(text_of(new)) - len(before)))
        return words.replace(before, text_of(new))
    pieces, k = words.split(before), whole_number(graph, which)
    if not 1 <= k < len(pieces):
        return words
    return before.join(pieces[:k]) + text_of(new) + before.join(pieces[k:])


def _require_short(length: int) -> None:
    if length > LONGEST_TEXT:
        raise ValueError("too long a text")


def _repeated(graph: Graph, text: Single, count: Single) -> str:
    words, times = text_of(text), whole_number(graph, count)
    if times < 0:
        raise ValueError("fewer than none")
    _require_short(times * len(words))
    return words * times


def _formatted(graph: Graph, value: Single, form: Single) -> str:
    """TEXT with the usual forms of numbers: 0.00, #,##0, 0%."""
    if isinstance(value, str):
        return value
    shown, pattern = present_number(graph, value), text_of(form)
    if pattern.lower() in ("general", "@"):
        return text_of(value)
    share = pattern.endswith("%")
    body = pattern.removesuffix("%")
    digits, _, decimals = body.partition(".")
    comma = "," if "," in digits else ""
    if set(digits.replace(",", "")) - set("#0") or set(decimals) - {"0"} or digits.count("0") > 1:
        raise NotUnderstood(Message("TEXT with the form {form}", form=pattern[:30]))
    return f"{shown * (100 if share else 1):{comma}.{len(decimals)}f}" + "%" * share


TEXTS: Mapping[str, OfSingles] = {
    "LEN": lambda graph, x: float(len(text_of(x))),
    "LEFT": _left,
    "RIGHT": _right,
    "MID": _middle,
    "UPPER": lambda graph, x: text_of(x).upper(),
    "LOWER": lambda graph, x: text_of(x).lower(),
    "PROPER": lambda graph, x: text_of(x).title(),
    "TRIM": lambda graph, x: " ".join(text_of(x).split(" ")).strip(),
    "EXACT": lambda graph, a, b: float(text_of(a) == text_of(b)),
    "FIND": _position(is_exact=True),
    "SEARCH": _position(is_exact=False),
    "SUBSTITUTE": _substituted,
    "REPT": _repeated,
    "TEXT": _formatted,
    "T": lambda graph, x: x if isinstance(x, str) else "",
    "CHAR": lambda graph, x: chr(whole_number(graph, x)),
    "CODE": lambda graph, x: float(ord(text_of(x)[0])),
}


def _by_elements(function: OfSingles) -> Callable[..., Meaning]:
    """A function of single values at their present values; an impossible one is an error."""

    def make(graph: Graph, *args: Meaning) -> Meaning:
        def one(*singles: Single) -> Single:
            try:
                result = function(graph, *singles)
                if isinstance(result, str):
                    _require_short(len(result))
                    return held(result)
            except (ValueError, OverflowError, IndexError):
                return error(graph)
            return graph.constant(float(result))

        return aligned(one, *args)

    return make


def _together(graph: Graph, *args: Meaning) -> Meaning:
    """CONCAT and CONCATENATE."""
    return joined(graph, (text_of(x) for value in args for x in as_block(value).singles()))


def _joined(graph: Graph, separator: Meaning, skips: Meaning, *args: Meaning) -> Meaning:
    """TEXTJOIN."""
    skips_blanks = present_number(graph, skips) != 0
    between = as_block(separator).rows[0][0]
    words = (x for value in args for x in as_block(value).singles())
    kept = [word for word in words if not skips_blanks or word not in (None, "")]
    return joined(graph, map(text_of, [x for word in kept for x in (between, word)][1:]))


HELD_FIXED: Mapping[str, Callable[..., Meaning]] = {
    **{name: _by_elements(function) for name, function in {**DATES, **COUNTS, **TEXTS}.items()},
    **dict.fromkeys(("CONCAT", "CONCATENATE"), _together),
    "TEXTJOIN": _joined,
    "NETWORKDAYS": _of_ranges(_count_workdays),
    "WORKDAY": _of_ranges(_workday),
}
"""Functions whose results have no slopes."""
