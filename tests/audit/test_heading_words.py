"""Sheets whose headings are of another language are judged like their English twins."""

from __future__ import annotations

from unicodedata import normalize

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.findings import FORWARD_PASS, FROZEN, NO_NETWORK
from gradbook.audit.heading_words import CLIMBED, DERIVATIVE, LOSS, RATE, WORDS, calls
from gradbook.audit.training.training_steps import called_a_loss, is_maximised, speaks_of_learning
from gradbook.audit.training.why_no_training import without_training
from tests.audit.judge.test_updates import NEURON
from tests.audit.material.by_hand import RIGHT
from tests.audit.material.kinds.kind import typed
from tests.audit.material.small import at, saved, small
from tests.audit.test_by_hand import WRONG
from tests.audit.test_origin import named, origin
from tests.audit.training.test_forward_pass import NETWORK, SUMS
from tests.audit.training.test_no_training import NUMBERS
from tests.audit.training.test_steps import TABLE
from tests.audit.training.test_training import ONE, the_training
from tests.cases import for_each

HEADINGS = {  # rate, loss, error, gradient, likelihood, hidden layer, student, as people write them
    "de": (
        *("Lernrate η", "Gesamtfehler", "Fehler", "Ableitung nach w1", "Belohnung"),
        *("verborgene Schicht", "Schülerin"),
    ),
    "es": (
        *("Tasa de aprendizaje", "Pérdida", "Error total", "Pendiente de w1", "Verosimilitud"),
        *("Capa oculta", "Alumna"),
    ),
    "pt": (
        *("Taxa de aprendizado", "Custo", "Erro", "Inclinação de w1", "Log-verossimilhança"),
        *("Camada oculta", "Aluno"),
    ),
    "fr": (
        *("Taux d’apprentissage", "Perte", "Coût", "Dérivée par rapport à w1", "Vraisemblance"),
        *("Couche cachée", "Élève"),
    ),
    "zh": ("学习率", "损失", "误差", "梯度 w1", "对数似然", "隐藏层", "学生"),
    "ko": ("학습률", "손실", "오차", "기울기 w1", "로그 우도", "은닉층", "학생"),
    "vi": (
        *("Tốc độ học", "Mất mát", "Sai số", "Đạo hàm theo w1", "Phần thưởng"),
        *("Lớp ẩn", "Học sinh"),
    ),
}
LANGUAGES = pytest.mark.parametrize("code", HEADINGS)
ENGLISH = {  # the headings of the twins, by the places of those above
    **dict.fromkeys(("rate", "lr", "learning rate", "step size", "eta"), 0),
    **dict.fromkeys(("loss", "cost", "MSE", "hinge"), 1),
    **dict.fromkeys(("error", "err"), 2),
    **dict.fromkeys(("grad", "gradient", "slope"), 3),
    "log likelihood": 4,
}
TWINS = [
    ("a line by SUMPRODUCT", None),
    ("hinge loss", None),
    ("a likelihood that is climbed", None),
    *((name, WRONG[name]) for name in ("hinge loss", "logistic regression", "softmax")),
]


def translated(cells, code):
    return {
        place: HEADINGS[code][ENGLISH[content]] if content in ENGLISH else content
        for place, content in cells.items()
    }


def judged(path, cells):
    """What is said, but for names."""
    report = check(saved(path, cells))
    notes = [type(note).__name__ for sheet in report.sheets for note in sheet.notes]
    found = [(f.kind, f.cells, f.expected) for f in report.findings]
    return report.verdict, [sheet.loss for sheet in report.sheets], notes, found


@LANGUAGES
@pytest.mark.parametrize(("name", "mistake"), TWINS)
def test_a_twin_is_judged_alike(name, mistake, code, path):
    cells = RIGHT[name] if mistake is None else {**RIGHT[name], mistake[0]: mistake[1]}
    assert translated(cells, code) != cells
    assert judged(path, translated(cells, code)) == judged(path, cells)


@LANGUAGES
def test_what_a_heading_says_is_known_by_its_words(code):
    rate, loss, error, gradient, likelihood, *_ = HEADINGS[code]
    assert [calls(RATE, said) for said in (rate, loss, gradient)] == [True, False, False]
    assert [calls(LOSS, said) for said in (rate, loss, error, gradient)] == [
        *(False, True, True, False)
    ]
    assert [calls(DERIVATIVE, said) for said in (rate, loss, gradient)] == [False, False, True]
    assert [calls(CLIMBED, said) for said in (loss, likelihood)] == [False, True]
    assert calls(RATE, normalize("NFD", rate).upper())
    assert set(WORDS[LOSS]) == {"en", *HEADINGS}


@LANGUAGES
def test_a_rate_that_nobody_uses_is_known_by_its_heading(code):
    unused = {**ONE, "A3:A8": "=A2-$H$7*B2", "D1": "x"}
    assert the_training(unused).rate != at("E1")
    assert the_training({**unused, "D1": HEADINGS[code][0]}).rate == at("E1")


@LANGUAGES
def test_a_blank_rate_freezes_the_book(code, path):
    blank = {key: content for key, content in NEURON.items() if key != "L1"}
    report = check(saved(path, {**blank, "K1": HEADINGS[code][0]}))
    assert report.verdict == FROZEN
    assert {f.cells for f in report.findings} == {"L1"}


@LANGUAGES
def test_a_loss_and_what_is_climbed_are_known_by_their_headings(code):
    _, loss, error, _, likelihood, *_ = HEADINGS[code]
    training = the_training({**TABLE, "F1": loss, "G1": error, "H1": likelihood, "I1": "x"})
    assert [called_a_loss(training, at(f"{word}3")) for word in "FGHI"] == [True] * 3 + [False]
    assert [is_maximised(training, [at(f"{word}3")]) for word in "FGH"] == [False, False, True]


@LANGUAGES
def test_what_learns_speaks_of_it(code):
    plain = {**ONE, "A1": "x", "B1": "y", "D1": "z"}
    assert not speaks_of_learning(the_training(plain))
    for heading in (HEADINGS[code][0], HEADINGS[code][3].removesuffix("w1")):
        assert speaks_of_learning(the_training({**plain, "B1": heading}))


@LANGUAGES
def test_numbers_under_gradients_are_frozen(code):
    numbers = {**NUMBERS, "D1": "x"}
    assert without_training(*small(numbers)) == []
    (sheet,) = without_training(*small({**numbers, "D1": HEADINGS[code][3]}))
    assert sheet.verdict == FROZEN


@LANGUAGES
def test_a_hidden_layer_is_one(code, path):
    cells = NETWORK | SUMS | {"J2:K2": "=MAX(0,G2)"}
    assert check(typed(cells).save(path)).verdict == NO_NETWORK
    headed = cells | {"J1": HEADINGS[code][5]}
    assert check(typed(headed).save(path)).verdict == FORWARD_PASS


@LANGUAGES
def test_the_student_is_known(code, tmp_path):
    book = named(tmp_path / "book.xlsx", ("A1", HEADINGS[code][6]), ("B1", "Ada"))
    assert origin(book).student == "Ada"
    written = normalize("NFD", f"{HEADINGS[code][6]}: Ada")
    assert origin(named(tmp_path / "other.xlsx", ("A1", written))).student == "Ada"


@for_each("name", ["Nom", "Nombre", "Nome", "姓名", "이름", "Họ và tên"])
def test_a_name_is_the_student_s_only_with_a_colon(name, tmp_path):
    for sign in (":", "："):
        book = named(tmp_path / "book.xlsx", ("A1", f"{name}{sign}"), ("B1", "Ada"))
        assert origin(book).student == "Ada"
    table = named(tmp_path / "table.xlsx", ("A1", name), ("B1", "points"))
    assert origin(table).student == ""
