"""LibreOffice recalculates generated perceptrons; a loop of a few lines says what they learn."""

from fractions import Fraction
from itertools import islice

import pytest

from gradbook.cells.formula.address import name_of, pack
from tests.audit.material.perceptrons.books import perceptron_book
from tests.outside.witness import read_values, recalculate_all

ABOVE = {  # what the sum's step is, said again
    "IF({s}>{θ},1,0)": lambda s: s > 0,
    "({s}>{θ})*1": lambda s: s > 0,
    "INT({s}>={θ})": lambda s: s >= 0,
    "IF({s}<={θ},0,1)": lambda s: s > 0,
    "IF({s}<{θ},-1,1)": lambda s: -1 if s < 0 else 1,
    "SIGN({s}-{θ})": lambda s: (s > 0) - (s < 0),
}


def exact(number):
    return Fraction(str(number))


def learnt(book):
    """The weights after each step, by the rule itself; exactly, for a sum may come to nothing."""
    step = ABOVE[book.style.step]
    weights = {w.role: exact(book.start(w)) for w in book.weights}
    for k in range(book.steps):
        sample = book.samples[k % len(book.samples)]
        signed = [(w, w.sign * exact(sample[w.x] if w.x else 1)) for w in book.weights]
        error = exact(sample["t"]) - step(sum(x * weights[w.role] for w, x in signed))
        weights = {w.role: weights[w.role] + exact(book.rate) * error * x for w, x in signed}
        yield k, weights


@pytest.mark.witness("libreoffice")
def test_libreoffice_learns_what_the_rule_says(tmp_path):
    generated = ((n, perceptron_book(n)) for n in range(200))
    books = dict(islice(((n, book) for n, book in generated if book.style.step in ABOVE), 24))
    paths = [book.table().save(tmp_path / f"{n}.xlsx") for n, book in books.items()]
    for book, path in zip(books.values(), recalculate_all(paths, tmp_path / "out"), strict=True):
        (cells,) = read_values(path).values()
        for k, weights in learnt(book):
            for weight in book.weights:
                place = book.places[book.after(weight, k)]
                if place in book.cells:
                    found = cells[name_of(pack(0, *place))]
                    assert found == pytest.approx(float(weights[weight.role]), abs=1e-9)
