from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.errors import NetTextError
from gradbook.lab.study.braces import Options, Range, template
from gradbook.lab.study.search import grid_point
from tests.cases import for_each

TEXT = """\
batch {64|128}
schedule one cycle {0.1..1 log} warm {0.1..0.4}
conv {width: 4..8} {1..3}x3
{batchnorm|}
conv {width} 1x1   # the same width
"""


def always(value):
    """Chooses so far from the lowest to the highest."""

    def choose(name, domain):
        if isinstance(domain, Options):
            return domain.phrases[-1 if value == 1 else 0]
        there = domain.low + value * (domain.high - domain.low)
        return int(there) if domain.whole else there

    return choose


def test_every_brace_has_a_name_and_a_domain():
    found = {hole.name: hole.domain for hole in template(TEXT).holes}
    assert found == {
        "batch": Options(("64", "128")),
        "cycle": Range(0.1, 1.0, whole=False, log=True),
        "warm": Range(0.1, 0.4, whole=False, log=False),
        "width": Range(4.0, 8.0, whole=True, log=False),
        "conv": Range(1.0, 3.0, whole=True, log=False),
        "batchnorm": Options(("batchnorm", "")),
    }


def test_what_is_chosen_stands_in_place_of_the_braces():
    assert template(TEXT).write(always(0)) == (
        "batch 64\nschedule one cycle 0.1 warm 0.1\nconv 4 1x3\nbatchnorm\nconv 4 1x1\n"
    )
    assert template(TEXT).write(always(1)) == (
        "batch 128\nschedule one cycle 1 warm 0.4\nconv 8 3x3\nconv 8 1x1\n"
    )


def test_names_that_stand_twice_are_numbered():
    holes = template("conv {1..2} 3x3; conv {3..4} 3x3; dense {5..6}").holes
    assert [hole.name for hole in holes] == ["conv 1", "conv 2", "dense"]


def test_a_template_is_written_as_it_was_read():
    assert template(str(template(TEXT))) == template(TEXT)


SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@given(SIZES)
def test_a_grid_is_every_combination_once(sizes):
    holes = template("\n".join(f"dense {{1..{size + 1}}}" for size in sizes)).holes
    every = list(product(*(range(1, size + 2) for size in sizes)))
    found = [grid_point(holes, number) for number in range(len(every))]
    assert [tuple(point.values()) for point in found] == every
    assert grid_point(holes, len(every)) is None


WRONG = {
    "batch {1..}": "line 1, column 7: {1..} varies nothing",
    "relu; batch {6..3}": "line 1, column 13: 6..3 goes down",
    "batch {3..6": "column 7: this brace doesn't end",
    "batch 3}": "column 8: this brace has no beginning",
    "batch {x}": "no braces above are named 'x'",
    "dense {x: 1..2}\ndense {x: 1..3}": "line 2, column 7: 'x' is defined twice",
    "batch {a|a}": "the same choice twice",
    "rate {0..1 log}": "a logarithmic range begins above 0",
    "rate {1..1e999}": "too large",
    "rate {one..two}": "'one' isn't a number",
    "batch {}": "{} varies nothing",
}


@for_each("text", WRONG)
def test_what_cant_be_meant_is_told_with_its_place(text):
    with pytest.raises(NetTextError) as told:
        template(text, "study.txt")
    assert str(told.value).startswith("study.txt, line ")
    assert WRONG[text] in str(told.value)
