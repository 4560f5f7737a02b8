"""Makes the questions of a quiz, with each student's own numbers, and the choices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from random import Random

from gradbook.errors import LimitError, UsageError
from gradbook.graph.node import Node, ancestors
from gradbook.lab.classroom import personalise
from gradbook.language import mark, tr
from gradbook.net import Net
from gradbook.net.description import GENTLE
from gradbook.net.formulas import Formulas
from gradbook.net.lower import scalar_step, scalars_of
from gradbook.net.smaller import what_fits
from gradbook.targets.algebra.forms import Comparison
from gradbook.targets.algebra.formula import at, definition, symbol_of
from gradbook.targets.algebra.printing import decimal
from gradbook.targets.algebra.terminal_text import spell
from gradbook.targets.drawing import draw, svg
from gradbook.teaching.quiz import (
    CELL,
    CHOICE,
    DERIVATIVE,
    FORMS,
    KINDS,
    RATE,
    TOLERANCE,
    UPDATE,
    VALUE,
)
from gradbook.teaching.quiz.picture import SheetCell, draw_sheet
from gradbook.teaching.quiz.questions import (
    CarriedValue,
    Question,
    Quiz,
    QuizAnswer,
    QuizPicture,
    WholeStep,
)
from gradbook.teaching.quiz.slips import FirstStep, TypicalSlip

MOST_SCALARS = 600  # in a network that somebody works through by hand
MOST_VALUES = 100  # in formulas, each of which is asked about
MOST_QUESTIONS = 20_000
WRONG_CHOICES = 4  # beside the right one
FEWEST_WRONG = 2
MOST_RECOGNISED = 8  # wrong numbers with a reason of their own
APART = 3  # two answers differ by at least this many tolerances
LEAST_APART = 0.02  # and by this share of the larger one
SHOWN_DIGITS = 4  # in a choice
LEAST_STEP = 1e-4  # as a share of a weight: less is lost in the digits that people write
MOST_CELLS = 63  # in a picture


@dataclass(frozen=True)
class QuizPlan:
    """The settings of a quiz: its students, kinds of questions and form."""

    students: tuple[int | str, ...]
    kinds: tuple[str, ...] = KINDS
    form: str = CHOICE
    tolerance: float = TOLERANCE  # as a share of the right number
    rate: float | None = None  # None: the network's own
    whole: bool = False  # whether to add the whole step, for formats that carry errors forward

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in KINDS:
                raise UsageError(f"no question is called {kind!r}: use one of {', '.join(KINDS)}")
        if self.form not in FORMS:
            raise UsageError(f"no form is called {self.form!r}: use one of {', '.join(FORMS)}")
        if not 0 < self.tolerance <= 0.1:
            raise UsageError("the tolerance must be a share above 0 and at most 0.1, such as 0.005")


def _short(number: float) -> str:
    return decimal(float(f"{number:.{SHOWN_DIGITS}g}"))


def make_quiz(net: Net | Formulas, plan: QuizPlan) -> Quiz:
    """The questions, with each student's own numbers, which are the same in every run."""
    _check_size(net)
    by_subject: dict[tuple[str, str], list[Question]] = {}
    askers = []
    for student in plan.students:
        asker = _Asker(personalise(net, student), student, plan)
        askers += [asker] if plan.whole else []
        for question in asker.questions():
            by_subject.setdefault((question.kind, question.subject), []).append(question)
        if sum(map(len, by_subject.values())) > MOST_QUESTIONS:
            raise LimitError(
                f"more than {MOST_QUESTIONS:,} questions: make the quiz for fewer students, or "
                "ask for less"
            )
    steps = [whole_step(asker.first, asker.student) for asker in askers] if plan.whole else []
    questions = tuple(question for same in by_subject.values() for question in same)
    if not questions:
        raise UsageError("this network allows no question of these kinds: choose other kinds")
    usual = net.result if isinstance(net, Formulas) else "network"
    name, whole_steps = net.name or usual, tuple(filter(None, steps))
    return Quiz(name, _about(net), plan.form, plan.tolerance, questions, whole_steps)


def _check_size(net: Net | Formulas) -> None:
    most = MOST_VALUES if isinstance(net, Formulas) else MOST_SCALARS
    scalars = len(scalar_step(net).adjoints) if isinstance(net, Formulas) else scalars_of(net)
    if scalars > most:
        smaller = (
            "use fewer formulas" if isinstance(net, Formulas) else what_fits(net, scalars_of, most)
        )
        raise LimitError(
            f"{scalars:,} single values and products are too many to be worked by hand (at most "
            f"{most}): {smaller}"
        )


def _about(net: Net | Formulas) -> str:
    if isinstance(net, Formulas):
        return tr("The formulas are {formulas}.", formulas="; ".join(net.equations))
    layers = "; ".join(layer.text for layer in net.layers)
    described = f"input {'x'.join(map(str, net.input))}; {layers}; loss {net.objective}"
    return tr("The network is {network}.", network=described)


@dataclass(frozen=True)
class AskedNumber:
    """A question about a number, without its wrong answers."""

    kind: str
    subject: str
    ask: str
    givens: Sequence[tuple[str, str]]
    number: float
    why: str
    show: Callable[[float], str] = _short
    size: float | None = None  # the tolerance is a share of this; None: of the number
    picture: QuizPicture | None = None


class _Asker:
    """Makes the questions for one student."""

    def __init__(self, net: Net | Formulas, student: int | str, plan: QuizPlan) -> None:
        self.net, self.plan, self.student = net, plan, str(student)
        self.rate = net.learning_rate if plan.rate is None else plan.rate
        self.first = FirstStep(net, self.rate)
        self.step, self.known = self.first.step, self.first.known
        drawing = draw(net, numbers=True)
        self.drawing = QuizPicture(svg(drawing), drawing.words, self._stem("network"))

    def questions(self) -> Iterator[Question]:
        makers: dict[str, Callable[[], Iterable[Question | None]]] = {
            VALUE: lambda: map(self.value, self.known.derived.forward),
            DERIVATIVE: lambda: map(self.derivative, self._derived()),
            UPDATE: lambda: map(self.update, self.step.trained),
            RATE: lambda: [self.which_rate()],
            CELL: lambda: [self.which_cell()],
        }
        for kind in KINDS:
            if kind in self.plan.kinds:
                yield from filter(None, makers[kind]())

    def _stem(self, what: str) -> str:
        """A file name that is different for every student."""
        return f"{what}-{sha256(self.student.encode()).hexdigest()[:12]}"

    def _random(self, subject: str) -> Random:
        return Random(f"quiz {self.student} {subject}")

    def _sample(self, node: Node) -> int:
        """The sample to ask about, if each has a value of its own."""
        is_one = self.step.samples == 1 or not node.each
        return 0 if is_one else self._random(str(node.name)).randrange(self.step.samples)

    def _what_is(self, name: str, node: Node, sample: int) -> str:
        of_one, of_several = mark("What is {name}?"), mark("What is {name} for sample {number}?")
        sentence = of_several if node.each and self.step.samples > 1 else of_one
        return tr(sentence, name=name, number=sample + 1)

    # The kinds of questions -----------------------------------------------------------

    def value(self, node: Node) -> Question | None:
        """A value of the forward pass, given the values it is computed from."""
        if node is self.step.loss and self.step.samples > 1:
            return None  # a mean over samples, each with an error of its own
        sample, known = self._sample(node), self.known
        formula = spell(Comparison(symbol_of(node), "=", definition(node, known.say_symbols())))
        numbers = spell(definition(node, known.say_numbers(sample if node.each else None)))
        name, right = str(node.name), self.first.value(node, sample)
        ask = self._what_is(name, node, sample)
        givens = self._printed_values(known.derived.mentions(node), sample)
        why = f"{formula} = {numbers} = {decimal(right)}"
        question = AskedNumber(VALUE, name, ask, givens, right, why)
        return self._numeric(question, self.first.wrong_values(node, sample))

    def _derived(self) -> Iterator[Node]:
        """The weighted sums, from the error back, and then the weights."""
        weights, derived = set(self.step.weights), self.known.derived
        for value in derived.chains:
            if value not in weights and not weights.isdisjoint(derived.mentions(value)):
                yield value
        yield from self.step.trained

    def derivative(self, value: Node) -> Question | None:
        """A derivative, given the whole forward pass."""
        sample, known = self._sample(value), self.known
        if not value.each and self.step.samples > 1:
            return None  # added over all samples: the handout and the workbook ask for that
        chain, right = known.derived.chains[value], at(known.slopes[value], sample)
        subject = spell(known.slope(value))
        inside = sample if value.each else None
        forms = [
            known.in_partials(chain),
            known.in_formulas(chain),
            known.in_numbers(chain, inside),
        ]
        known_forms = dict.fromkeys([subject, *map(spell, forms), decimal(right)])
        ask = self._what_is(subject, value, sample)
        shown = [*self.step.inputs, *self.step.targets, *self.step.weights, *known.derived.forward]
        givens = self._printed_values(
            (node for node in shown if node is not self.step.loss), sample
        )
        wrong = self.first.wrong_derivatives(value, sample)
        why = " = ".join(known_forms)
        question = AskedNumber(DERIVATIVE, subject, ask, givens, right, why, picture=self.drawing)
        return self._numeric(question, wrong)

    def update(self, weight: Node) -> Question | None:
        """A weight after the step, given the weight, its derivative and the rate."""
        slope = spell(self.known.slope(weight))
        name, right = str(weight.name), self.first.after(weight)
        before, gradient = at(self.first.values[weight]), self._gradient(weight)
        givens = [(name, decimal(before)), (slope, decimal(gradient)), ("η", decimal(self.rate))]
        ask = tr("What is {name} after one step?", name=name)
        text = tr("One step takes {name} from {before} to {after}.")
        why = text.format(name=name, before=decimal(before), after=decimal(right))
        if abs(before - self.rate * gradient - right) <= 1e-12 * abs(right):
            numbers = f"{decimal(before)} − {decimal(self.rate)}·({decimal(gradient)})"
            why = f"{name} − η·{slope} = {numbers} = {decimal(right)}"
        moved = abs(right - before)
        if moved < LEAST_STEP * abs(before):
            return None  # hardly anybody writes so many digits
        memories = (leaf for leaf in self.step.start if leaf not in set(self.step.weights))
        givens += self._printed_values(memories, 0)  # the memory of a rule such as momentum
        wrong = self.first.wrong_updates(weight)
        question = AskedNumber(UPDATE, name, ask, givens, right, why, decimal, moved)
        return self._numeric(question, wrong)

    def _gradient(self, weight: Node) -> float:
        return at(self.first.values[self.step.gradients[weight]])

    def which_rate(self) -> Question | None:
        """The learning rate, given a weight before and after the step."""
        random = self._random(RATE)
        weight = max(self.step.trained, key=lambda leaf: abs(self._gradient(leaf)))
        right = random.choice(GENTLE)
        name, slope = str(weight.name), spell(self.known.slope(weight))
        before, after = at(self.first.values[weight]), self.first.after(weight, right)
        ends = tr("With η = {rate}, {name} would end at {end}.")
        wrong = [
            TypicalSlip(rate, ends.format(rate=decimal(rate), name=name, end=decimal(end)))
            for rate in sorted(GENTLE, key=lambda rate: abs(rate - right))
            if rate != right and isfinite(end := self.first.after(weight, rate))
        ]
        if abs(after - before) < LEAST_STEP * abs(before):
            return None
        why = tr("That is how far {name} moves: divide it by {slope}.", name=name, slope=slope)
        wrong.insert(WRONG_CHOICES - 1, TypicalSlip(abs(after - before), why))
        givens = [
            (tr("{name} before the step", name=name), decimal(before)),
            (slope, decimal(self._gradient(weight))),
            (tr("{name} after the step", name=name), decimal(after)),
        ]
        ask = tr("Which learning rate η takes {name} to its new value?", name=name)
        why = tr("With η = {rate} the step ends at {end}.", rate=decimal(right), end=decimal(after))
        question = AskedNumber(RATE, "η", ask, givens, right, why, decimal)
        return self._numeric(question, wrong)

    # The sheet with a wrong cell -------------------------------------------------------

    def which_cell(self) -> Question | None:
        """A row in which one cell is wrong, and all others are right given the cells they use."""
        random = self._random(CELL)
        computed = [*self.known.derived.forward]
        if self.step.samples > 1:
            computed = [node for node in computed if node.each]
        else:
            computed += [self.step.gradients[weight] for weight in self.step.trained]
        columns = [*self.step.targets, *self.step.inputs, *self.step.weights, *computed]
        if len(columns) > MOST_CELLS:
            return None
        sample = random.randrange(self.step.samples)
        random.shuffle(order := list(computed))
        mistake = next(((n, slip) for n in order for slip in self._slips_in(n, sample)), None)
        return mistake and self._cell(columns, computed, *mistake, sample)

    def _slips_in(self, node: Node, sample: int) -> Iterator[TypicalSlip]:
        """The mistakes that would show in a cell, the likeliest first."""
        derived = {self.step.gradients[weight]: weight for weight in self.step.trained}
        right = self.first.value(node, sample)
        slips = (
            self.first.wrong_derivatives(derived[node], sample)
            if node in derived
            else self.first.wrong_values(node, sample)
        )
        yield from (slip for slip in slips if self._is_apart(slip.number, [right]))

    def _cell(
        self, columns: list[Node], computed: list[Node], wrong: Node, slip: TypicalSlip, sample: int
    ) -> Question:
        values = self.first.all_with(wrong, slip.number)
        places = {
            node: SheetCell(place, node, decimal(at(values[node], sample)))
            for place, node in enumerate(columns)
        }
        picture = draw_sheet(list(places.values()), self._stem("sheet"))
        name = places[wrong].name
        why = tr("{name} should be {number}. {reason}")
        number = decimal(self.first.value(wrong, sample))
        right = QuizAnswer(name, why.format(name=wrong.name, number=number, reason=slip.why))
        others = [
            QuizAnswer(places[node].name, self._why_right(node, wrong, places[wrong].name))
            for node in sorted(computed, key=lambda node: wrong not in ancestors([node]))
            if node is not wrong
        ]
        random = self._random("cells")
        chosen = others[:2] + random.sample(others[2:], min(WRONG_CHOICES - 2, len(others[2:])))
        of_one = mark(
            "One cell of this row is computed wrongly. All others are right, given the cells that "
            "they use. Which cell is wrong?"
        )
        of_several = mark(
            "One cell of this row is computed wrongly. All others are right, given the cells that "
            "they use for sample {number}. Which cell is wrong?"
        )
        is_of_one = self.step.samples == 1 or not wrong.each
        ask = tr(of_one if is_of_one else of_several, number=sample + 1)
        choices = self._shuffled(right, chosen, CELL)
        return Question(
            CELL,
            "wrong",
            self.student,
            ask,
            (),
            right,
            tuple(chosen),
            choices,
            0.0,
            right.why,
            picture,
        )

    @staticmethod
    def _why_right(node: Node, wrong: Node, cell: str) -> str:
        if wrong in ancestors([node]):
            why = tr("{name} is right, given what is in {cell}: the mistake is carried into it.")
            return why.format(name=node.name, cell=cell)
        return tr("{name} is right.", name=node.name)

    # What all have ---------------------------------------------------------------------

    def _printed_values(self, nodes: Iterable[Node], sample: int) -> list[tuple[str, str]]:
        return [(str(node.name), decimal(self.first.value(node, sample))) for node in nodes]

    def _numeric(self, question: AskedNumber, slips: Iterable[TypicalSlip]) -> Question | None:
        """The question; None if the right answer isn't finite or too few wrong ones differ."""
        number, show = question.number, question.show
        if not isfinite(number):
            return None
        right = QuizAnswer(show(number), tr("Right."), number)
        wrong: list[QuizAnswer] = []
        for slip in slips:
            others = [number, *(answer.number for answer in wrong if answer.number is not None)]
            is_new = self._is_apart(slip.number, others, question.size)
            if is_new and len(wrong) < MOST_RECOGNISED:
                wrong.append(QuizAnswer(show(slip.number), slip.why, slip.number))
        if len(wrong) < FEWEST_WRONG:
            return None
        return Question(
            question.kind,
            question.subject,
            self.student,
            question.ask,
            tuple(question.givens),
            right,
            tuple(wrong),
            self._shuffled(right, wrong[:WRONG_CHOICES], question.subject),
            self.plan.tolerance * (abs(number) if question.size is None else question.size),
            question.why,
            question.picture,
        )

    def _is_apart(self, number: float, others: Sequence[float], size: float | None = None) -> bool:
        least = max(APART * self.plan.tolerance, LEAST_APART)
        return isfinite(number) and all(
            abs(number - other) > least * (size or max(abs(number), abs(other))) for other in others
        )

    def _shuffled(
        self, right: QuizAnswer, wrong: Sequence[QuizAnswer], subject: str
    ) -> tuple[QuizAnswer, ...]:
        choices = [right, *wrong]
        self._random(f"order of {subject}").shuffle(choices)
        return tuple(choices)


# The whole step in one question ---------------------------------------------------------
#
# A value is also right if it follows from the student's own values, so that a mistake costs one
# value, not all later ones. The graph's formula of each value decides what follows.


def whole_step(first: FirstStep, student: str) -> WholeStep | None:
    """The forward pass, the derivatives and the new weights; None for several samples."""
    step = first.step
    if step.samples > 1:
        return None
    weights = set(step.weights)
    memories = [leaf for leaf in step.start if leaf not in weights]
    leaves = [*step.inputs, *step.targets, *step.weights, *memories]
    numbers = {leaf: first.value(leaf, 0) for leaf in leaves} | {step.rate: first.rate}
    givens = tuple((str(leaf.name), decimal(number)) for leaf, number in numbers.items())
    values = tuple(_values(first))
    if not all(isfinite(value.number) for value in values):
        return None
    return WholeStep(student, givens, numbers, values)


def _values(first: FirstStep) -> Iterator[CarriedValue]:
    step = first.step
    for node in first.known.derived.forward:
        yield CarriedValue(str(node.name), first.value(node, 0), node)
    for weight in step.trained:
        slope = step.gradients[weight]
        yield CarriedValue(str(slope.name), first.value(slope, 0), slope)
    for weight in step.trained:
        after = step.next[weight]
        yield CarriedValue(
            tr("{name} after the step", name=weight.name), first.after(weight), after
        )
