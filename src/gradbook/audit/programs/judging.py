"""A recorded run as a report: each training judged by the core, in the program's own words.

Knows neither how a run is recorded nor how a report looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

import numpy as np

from gradbook.audit.core.edit_search import EditSearch, SearchOutcome
from gradbook.audit.core.judge import SAME, Judge, Judgement
from gradbook.audit.core.training_step import Objective, State, TrainingStep
from gradbook.audit.core.worlds import ratio
from gradbook.audit.programs.line_values import line_values
from gradbook.audit.programs.loss_words import OWN_LOSS, words_of_multiple
from gradbook.audit.programs.naming import SourceNames
from gradbook.audit.programs.program_report import (
    Gradient,
    ProgramFinding,
    ProgramLoss,
    ProgramModel,
    SourceSpan,
    Verdict,
)
from gradbook.audit.programs.recorded_steps import make_step
from gradbook.audit.programs.spelling import EditSpeller
from gradbook.audit.programs.stepping import Group, spans_of
from gradbook.audit.programs.unproved import Causes
from gradbook.language import mark
from gradbook.language.message import Message, WrittenNumber, joined
from gradbook.recording.call_slopes import exact_slopes
from gradbook.recording.calls import PARTIAL_WRITES, RecordedCall, Ref, Values
from gradbook.recording.source_places import SourceText

MOST_STEPS_TRIED = 4
NO_LOSS = Message("no line computes a loss")
NO_LOSS_OF_THEIRS = Message("no line computes a loss that the gradients belong to")
NOTHING_MOVES = Message("no weight moves in the step that was judged")
NOTHING_SHOWS = mark(
    "the gradients of {weights} are 0 in the steps that were looked at: nothing shows whether "
    "they are right"
)
RATE = re.compile(r"rate|alpha|eta\b|lr|step|tasa|learn", re.IGNORECASE)


@dataclass
class JudgedStep:
    """One step of a training, judged."""

    step: TrainingStep
    judge: Judge
    judgement: Judgement | None
    number: int
    is_early: bool = False  # memories are empty: a later step says more
    has_stated: bool = False  # whether the program computes a loss in any step

    @property
    def live(self) -> int:
        """How many weights the step says something of: with an input of 0, nothing moves."""
        if self.judgement is None:
            return 0
        return sum(not fit.is_unused for fit in self.judgement.fits.values()) + len(
            self.judgement.wrong
        )

    @property
    def is_best(self) -> bool:
        is_whole = self.live == len(self.step.states)
        return is_whole and self.rank[2:3] == (True,) and not self.is_early

    @property
    def rank(self) -> tuple[Any, ...]:
        judgement = self.judgement
        if judgement is None:
            return (0,)
        whole = not judgement.wrong
        return (
            1,
            self.live,
            whole and not judgement.factors and not judgement.objective.is_assumed,
            whole and not judgement.factors,
            not judgement.objective.is_assumed,
            len(judgement.fits) / max(1, len(self.step.states)),
        )


def judge_training(
    calls: list[RecordedCall],
    branches: list[tuple[int, bool]],
    group: Group,
    sources: dict[str, SourceText],
    file: str,
    seconds: float,
) -> ProgramModel | None:
    trial = best_trial(calls, branches, group)
    if trial is None:
        return None
    naming = SourceNames(calls, sources, file, trial.step.first, trial.step.last)
    steps = max(len(steps) for _, steps in group)
    return ModelDescription(trial, naming, steps, seconds).model()


def best_trial(
    calls: list[RecordedCall], branches: list[tuple[int, bool]], group: Group
) -> JudgedStep | None:
    """The step that says most: one in which the program computes its loss, if any does."""
    weights, memories = _roles(calls, branches, group)
    if not weights:
        return None
    spans = spans_of(group, weights)
    has_memories = len(weights) < len(group)
    steps = {n: make_step(calls, branches, span, memories) for n, span in enumerate(spans)}
    trials: list[JudgedStep] = []
    known: set[Any] = set()
    for number in sorted(steps, key=lambda n: _order(steps[n], n, len(spans), has_memories)):
        step = steps[number]
        stated = _stated_places(calls, step)
        is_early = number == 0 and has_memories
        if not step.states or (is_early and not stated):
            continue
        later = [trial for trial in trials if not trial.is_early]
        if any(it.live == len(it.step.states) for it in later) and stated <= known:
            continue
        judge = Judge(step)
        judgement = judge.judgements[0] if judge.judgements else None
        trials.append(JudgedStep(step, judge, judgement, number, is_early))
        known |= stated
        if trials[-1].is_best or len(trials) >= MOST_STEPS_TRIED:
            break
    best = max(trials, key=lambda trial: (*trial.rank, not trial.is_early), default=None)
    if best is not None:
        best.has_stated = bool(known)
    return best


def _stated_places(calls: list[RecordedCall], step: TrainingStep) -> frozenset[Any]:
    return frozenset(calls[o.call].frames[:1] for o in step.objectives if o.call is not None)


def _order(step: TrainingStep, number: int, count: int, has_memories: bool) -> tuple[Any, ...]:
    """Steps in which a loss is computed come first; then the first, and the last but one."""
    has_stated = any(not objective.is_assumed for objective in step.objectives)
    if number == 0 and not has_memories:
        return not has_stated, 0
    return not has_stated, count - number if number < count - 1 else count


def _roles(
    calls: list[RecordedCall], branches: list[tuple[int, bool]], group: Group
) -> tuple[set[int], frozenset[int]]:
    """The roots of what the loss depends on; of a momentum's memory, nothing but updates does."""
    spans = spans_of(group)
    for span in spans[-2:-1] + spans[-1:] + spans[:1]:
        step = make_step(calls, branches, span)
        if not step.states:
            continue
        roots = {moved.new: moved.root for moved in span.moved}
        ahead = Judge(step).looked_ahead() if _may_look_ahead(step) else set()
        memories = frozenset(roots[step.states[n].next] for n in ahead)
        return {roots[state.next] for state in step.states} - memories, memories
    return set(), frozenset()


def _may_look_ahead(step: TrainingStep) -> bool:
    """Whether two numbers have the same shape, as weights and their momentum have."""
    shapes = [np.shape(step.calls[state.now].value) for state in step.states]
    return len(set(shapes)) < len(shapes) and bool(step.objectives)


SCALED = ("add", "subtract", "multiply", "divide", "negative")
PASSED_ON = frozenset(
    (*SCALED, *PARTIAL_WRITES, "setitem", "refill", "astype", "copy", "getitem", "reshape")
)


class ModelDescription:
    def __init__(self, trial: JudgedStep, naming: SourceNames, steps: int, seconds: float) -> None:
        self.trial, self.naming, self.steps = trial, naming, steps
        self.step, self.judge, self.judgement = trial.step, trial.judge, trial.judgement
        self.calls = trial.step.calls
        self.seconds = seconds
        self.step.is_named = lambda index: naming.assigned(index) is not None
        self.gradient_calls = [self._gradient_call(n) for n in range(len(self.step.states))]

    def model(self) -> ProgramModel:
        judgement = self.judgement
        if judgement is None:
            return ProgramModel("no loss", None, (), (), "", self.steps, NO_LOSS)
        outcome = SearchOutcome()
        speller = EditSpeller(self.naming)
        search = EditSearch(self.judge, judgement, self.seconds, speller.has_text)
        if judgement.wrong or judgement.factors:
            outcome = search.run()
        self.unlawful = self.judge.find_unlawful(judgement)
        if self.unlawful:
            laws = search.correct_laws(list(self.unlawful))
            outcome.corrections += laws.corrections
            outcome.left += laws.left
            outcome.tried = search.tried
        findings = self._findings(outcome) if self._is_proof() else []
        verdict, reason, factor = self._verdict(outcome)
        gradients = self._gradients()
        loss = None if verdict == "no loss" else self._loss(judgement.objective)
        return ProgramModel(
            verdict,
            loss,
            tuple(gradients),
            tuple(findings),
            self._law(),
            self.steps,
            reason,
            factor,
            max(
                (g.difference for g in gradients if g.difference is not None and g.is_right),
                default=None,
            ),
            tuple(self._candidates()) if verdict in ("no loss", "unknown") else (),
            self.trial.number + 1,
            line_values(self.naming, self._base_slopes()),
        )

    def _verdict(self, outcome: SearchOutcome) -> tuple[Verdict, str, float | None]:
        judgement = self.judgement
        assert judgement is not None
        is_live = any(not fit.is_unused for fit in judgement.fits.values())
        verdict: Verdict = "right"
        reason, factor = "", None
        if outcome.corrections and self._is_proof():
            verdict = "wrong"
        elif judgement.wrong and not is_live and judgement.objective.is_assumed:
            verdict, reason = "no loss", NO_LOSS_OF_THEIRS
        elif outcome.corrections or judgement.wrong:
            verdict, reason = "unknown", self._causes(outcome).of_gradients()
        elif judgement.factors:
            if not self._rates_alone_differ:
                verdict, reason = "unknown", self._causes(outcome).of_gradients()
        elif self.unlawful:
            verdict, reason = "unknown", self._causes(outcome).of_laws(self.unlawful)
        elif not is_live:
            verdict, reason = "unknown", NOTHING_MOVES
        elif still := [n for n in judgement.fits if self._is_still(n)]:
            names = self._weight_names(still)
            verdict, reason = "unknown", Message(NOTHING_SHOWS, weights=names)
        elif judgement.objective.is_assumed:
            reason = self._other_stated()
            verdict = "another loss" if reason else "right"
        elif (factor := self._common_factor()) is not None:
            verdict, reason = "factor", self._words_of_factor(factor)
        return verdict, reason, factor

    def _is_still(self, number: int) -> bool:
        """Whether slope and update are 0, and so for all that the same expression updates."""
        judgement = self.judgement
        assert judgement is not None
        state = self.step.states[number]
        alike = [number]
        if np.ndim(self.calls[state.now].value) == 0:
            alike = [n for n, other in enumerate(self.step.states) if other.place == state.place]
        return all(
            (fit := judgement.fits.get(n)) is not None
            and fit.is_unused
            and not any(
                np.any(self.judge.change(self.step.states[n], world))
                for world in range(self.judge.count)
            )
            for n in alike
        )

    def _is_proof(self) -> bool:
        """A loss that is only assumed must be that of most weights to prove others wrong."""
        judgement = self.judgement
        assert judgement is not None
        live = sum(not fit.is_unused for fit in judgement.fits.values())
        if not judgement.objective.is_assumed:
            is_known = bool(self.judge.orientation(judgement.objective))
            return is_known or 2 * live >= len(self.step.states)
        has_own = any(not objective.is_assumed for objective in self.step.objectives)
        is_elsewhere = self.trial.has_stated and not has_own  # in a step that wasn't judged
        return not is_elsewhere and 2 * live >= len(self.step.states)

    @cached_property
    def _rates_alone_differ(self) -> bool:
        """Whether the gradients themselves are all as many times the slope."""
        judgement = self.judgement
        assert judgement is not None
        if any(factor < 0 for factor in judgement.factors.values()):
            return False
        sizes = []
        for number, fit in judgement.fits.items():
            index = self.gradient_calls[number]
            if fit.is_unused:
                continue
            times = self._times_of(number, index, True) if index is not None else None
            if times is None:
                return False
            sizes.append(times)
        return bool(sizes) and max(sizes) - min(sizes) < SAME * abs(sizes[0])

    def _causes(self, outcome: SearchOutcome) -> Causes:
        assert self.judgement is not None
        return Causes(self.judge, self.judgement, outcome, self._weight_names, self._loss_line)

    def _loss_line(self, objective: Objective) -> int | None:
        span = self._loss_span(objective)
        return span.line if span else None

    def _weight_names(self, numbers: Iterable[int]) -> str:
        return joined(", ", dict.fromkeys(self._weight_name(n) for n in numbers))

    # ---- words of the loss

    def _kind_of(self, objective: Objective) -> tuple[str, float] | None:
        """Which of the usual losses it is, and how many times that."""
        states = self.step.states
        worlds = range(self.judge.count)
        for other in self.step.objectives:
            if not other.is_assumed or other is objective:
                continue
            for state in states:
                values = [self.judge.slope(state, objective, w) for w in worlds]
                models = [self.judge.slope(state, other, w) for w in worlds]
                if not np.any(models[0]):
                    continue
                times = ratio(values, models, 1e-4)
                if times is None:
                    break
                return other.words, times
        return None

    def _loss(self, objective: Objective) -> ProgramLoss:
        span = self._loss_span(objective)
        if objective.is_assumed:
            return ProgramLoss(None, objective.words, True)
        kind = self._kind_of(objective)
        return ProgramLoss(span, self._loss_words(kind, objective), False)

    def _loss_words(self, kind: tuple[str, float] | None, objective: Objective) -> str:
        if kind is None:
            return OWN_LOSS
        usual, times = kind
        end = next(o for o in self.step.objectives if o.is_assumed and o.words == usual)
        return words_of_multiple(usual, abs(times), np.shape(self.calls[end.ends[0]].value))

    def _loss_span(self, objective: Objective) -> SourceSpan | None:
        if objective.call is None:
            return None
        assigned = self.naming.assigned(objective.call)
        return assigned[1] if assigned else self.naming.span_of(objective.call)

    def _candidates(self) -> list[SourceSpan]:
        spans = [self._loss_span(o) for o in self.step.objectives if o.call is not None]
        return list(dict.fromkeys(span for span in spans if span is not None))[:4]

    def _other_stated(self) -> str:
        """A loss that is computed, though the gradients belong to another."""
        judgement = self.judgement
        assert judgement is not None
        for objective in self.step.objectives:
            if objective.is_assumed:
                continue
            kind = self._kind_of(objective)
            span = self._loss_span(objective)
            if kind and span and kind[0] != judgement.objective.words:
                return Message(
                    "the gradients are those of {assumed}; line {line} computes {computed}",
                    assumed=judgement.objective.words,
                    line=span.line,
                    computed=self._loss_words(kind, objective),
                )
        return ""

    # ---- factors

    def _common_factor(self) -> float | None:
        judgement = self.judgement
        assert judgement is not None
        factors = []
        for number, fit in judgement.fits.items():
            if fit.is_unused or not fit.rate:
                continue
            numbers = self._scalars(number)
            if self.step.memories:  # a momentum's own share would be taken for a factor
                times = abs(self._usual_times() or 1.0)
                sizes = [abs(p) for p in _products(numbers)]
                if any(
                    abs(times * p - 1) < SAME or abs(abs(fit.rate) / p - 1) < SAME for p in sizes
                ):
                    return None
                factors.append(times)
                continue
            if any(abs(abs(fit.rate) / abs(times) - 1) < SAME for times in _products(numbers)):
                return None
            factors.append(abs(fit.rate) / self.judge.scale_of(number))
        if not factors or max(factors) / min(factors) - 1 > SAME:
            return None
        if all(self.naming.assigned(i) for i in self.gradient_calls if i is not None):
            times = abs(self._usual_times() or 0.0)
            if times and abs(times - 1) > SAME:
                return times
        return factors[0] if abs(factors[0] - 1) > SAME else None

    def _scalars(self, number: int) -> list[float]:
        """The numbers that a weight's gradient is multiplied by on its way to the weight."""
        scalars: list[float] = []
        state = self.step.states[number]
        seen: set[int] = set()
        todo = [state.next]
        size = np.size(self.calls[state.now].value)
        while todo and len(seen) < 60:
            index = todo.pop()
            call = self.calls[index]
            if index in seen or call.function is None:
                continue
            seen.add(index)
            for place, part in enumerate(call.arguments):
                value = self.judge.constant(part)
                if value is not None and call.name in ("multiply", "divide", "true_divide"):
                    scalars.append(1 / value if call.name != "multiply" and place else value)
                    if isinstance(part, Ref):
                        scalars += self._leaves(part.index)
                elif isinstance(part, Ref) and np.size(self.calls[part.index].value) == size:
                    todo += [part.index] * self.judge.worlds.replay.depends[part.index]
        return list(dict.fromkeys(round(s, 12) for s in scalars if s))[:6]

    def _leaves(self, index: int) -> list[float]:
        leaves = []
        for operand in self.calls[index].operands:
            value = self.judge.constant(Ref(operand))
            if value is not None:
                leaves += [value, 1 / value]
        return leaves

    def _words_of_factor(self, factor: float) -> str:
        size, name = WrittenNumber(f"{factor:.6g}"), self._count_named(factor)
        if not name:
            return Message("right up to a factor of {factor}, the same for all", factor=size)
        return Message(
            "right up to a factor of {factor} ({name}), the same for all", factor=size, name=name
        )

    def _count_named(self, factor: float) -> str:
        for texts in self.naming.scopes.values():
            for index, text in texts.items():
                value = self.calls[index].value
                if RATE.search(text):
                    continue
                if np.ndim(value) == 0 and np.size(value) == 1:
                    try:
                        if abs(float(value) / factor - 1) < 1e-6:
                            return text
                    except (TypeError, ValueError, ZeroDivisionError):
                        continue
        is_count = factor > 1 and abs(factor - round(factor)) < 1e-6
        return Message("the number of samples") if is_count else ""

    # ---- findings

    def _findings(self, outcome: SearchOutcome) -> list[ProgramFinding]:
        speller = EditSpeller(self.naming)
        findings = []
        for correction in outcome.corrections:
            spelling = speller.spell(correction.proposal)
            names = tuple(dict.fromkeys(self._gradient_name(n) for n in self._spoiled(correction)))
            findings.append(
                ProgramFinding(
                    spelling.span,
                    spelling.replacement,
                    spelling.why,
                    spelling.note,
                    spelling.kind,
                    names,
                    spelling.called_from,
                    spelling.edits,
                )
            )
        return sorted(
            findings,
            key=lambda finding: (finding.span.file, finding.span.cell or 0, finding.span.line),
        )

    def _spoiled(self, correction: Any) -> list[int]:
        """All wrong gradients that the place goes into."""
        judgement = self.judgement
        assert judgement is not None
        reached = self.judge.worlds.reached(correction.proposal.changes)
        wrong = [*judgement.wrong, *judgement.factors, *self.unlawful]
        return [
            n
            for n in sorted(wrong)
            if n in correction.fixes or any(i in reached for i in self.judge.cones[n])
        ]

    # ---- gradients

    def _gradient_call(self, number: int) -> int | None:
        """The value that is the gradient: what the learning rate is multiplied by."""
        named = self._named_slot(number)
        if named is not None:
            return named
        state = self.step.states[number]
        index = state.next
        size = np.size(self.calls[state.now].value)
        depends = self.judge.worlds.replay.depends
        nearest: int | None = None
        for _ in range(14):
            call = self.calls[index]
            parts = [
                part.index
                for part in call.arguments
                if isinstance(part, Ref)
                and depends[part.index]
                and not self.judge.is_weight(part.index, state)
            ]
            if index != state.next and (
                self._is_named_gradient(index) or index in self._exact_slots(number)
            ):
                return index
            if call.name not in PASSED_ON or not parts:
                return nearest if index == state.next else index
            if len(parts) > 1 and call.name != "divide":
                return nearest if index == state.next else index
            index = parts[0] if call.name == "divide" else parts[-1]
            if np.size(self.calls[index].value) in (size, 1):
                nearest = index
        return nearest

    def _is_named_gradient(self, index: int) -> bool:
        assigned = self.naming.assigned(index)
        if assigned is None or self.calls[index].name == "setitem":
            return False
        name = assigned[0]
        word = name.split(".")[-1].split("[")[0].lower()
        return word.startswith(("d", "g", "nabla", "∂")) or "grad" in name.lower() or "'d" in name

    def _named_slot(self, number: int) -> int | None:
        """A value with a name of its own that is the slope, but for one factor."""
        judgement, worlds = self.judgement, self.judge.worlds
        if judgement is None or number not in judgement.fits:
            return None
        state = self.step.states[number]
        slopes = [self.judge.slope(state, judgement.objective, w) for w in range(self.judge.count)]
        size = np.size(slopes[0])
        for index in self.judge.cones[number]:
            value = worlds.value(0, index)
            if index == state.next or np.size(value) != size or self._is_scaled(index):
                continue
            if ratio([value], slopes[:1], 1e-5) is None or not self.naming.assigned(index):
                continue
            values = [worlds.value(w, index) for w in range(self.judge.count)]
            if ratio(values, slopes, 1e-5):
                return index
        return None

    def _exact_slots(self, number: int) -> set[int]:
        fit = self.judgement.fits.get(number) if self.judgement else None
        return {fit.slot} if fit is not None and not self._is_scaled(fit.slot) else set()

    def _is_scaled(self, index: int) -> bool:
        """Whether the value is another multiplied by a number that doesn't depend on weights."""
        call = self.calls[index]
        return call.name in ("multiply", "divide", "negative") and any(
            self.judge.constant(part) is not None for part in call.arguments
        )

    def _gradient_name(self, number: int) -> str:
        index = self.gradient_calls[number]
        assigned = self.naming.assigned(index) if index is not None else None
        weight = self._weight_name(number)
        if assigned and assigned[0] != weight and len(assigned[0]) <= 24:
            return assigned[0]
        return Message("gradient of {weight}", weight=weight)

    def _weight_name(self, number: int) -> str:
        state = self.step.states[number]
        names = self._all_names()
        name = names[number]
        same = [n for n, other in enumerate(names) if other == name]
        if len(same) > 1 and np.ndim(self.calls[state.now].value):
            return f"{name} #{same.index(number) + 1}"
        return name

    def _all_names(self) -> list[str]:
        if not hasattr(self, "_names"):
            self._names = [self._plain_name(state) for state in self.step.states]
        return self._names

    def _plain_name(self, state: State) -> str:
        for index in (state.next, state.updates[0]):
            assigned = self.naming.assigned(index)
            if assigned:
                text = assigned[0]
                if "[" not in text or "'" in text or '"' in text:
                    return text
        used = self.naming.name(state.now)
        assigned = self.naming.assigned(state.next)
        return used or (assigned[0] if assigned else Message("a weight"))

    def _base_slopes(self) -> dict[int, Any]:
        judgement = self.judgement
        assert judgement is not None
        objective, worlds = judgement.objective, self.judge.worlds
        values = [self.calls[end].value for end in objective.ends]
        with np.errstate(all="ignore"):
            factors = objective.slopes(values)
        seeds: dict[int, Any] = {}
        for end, factor in zip(objective.ends, factors, strict=True):
            seeds[end] = seeds[end] + factor if end in seeds else factor
        of_run, order = Values(worlds.replay, {}), worlds.replay.needed(objective.ends)
        return exact_slopes(worlds.replay, seeds, of_run, order)

    def _gradients(self) -> list[Gradient]:
        slopes = self._base_slopes()
        groups: dict[Any, list[int]] = {}
        for number, state in enumerate(self.step.states):
            scalar = np.ndim(self.calls[state.now].value) == 0
            key = (state.place, self._weight_name(number)) if scalar else number
            groups.setdefault(key, []).append(number)
        return [self._gradient(numbers, slopes) for numbers in groups.values()]

    def _gradient(self, numbers: list[int], slopes: dict[int, Any]) -> Gradient:
        judgement = self.judgement
        assert judgement is not None
        state = self.step.states[numbers[0]]
        shape = np.shape(self.calls[state.now].value) if len(numbers) == 1 else (len(numbers),)
        exact = [np.asarray(slopes.get(self.step.states[n].now, 0.0), float) for n in numbers]
        yours = [self._yours(n, part) for n, part in zip(numbers, exact, strict=True)]
        odd = {} if self._rates_alone_differ else judgement.factors
        is_wrong = any(n in judgement.wrong or n in odd for n in numbers)
        is_right = None if all(self._is_still(n) for n in numbers) else not is_wrong
        span = self._expression(numbers[0])
        update = self.naming.span_of(state.next) or SourceSpan(self.naming.file, 1, 0, 1, 0, "")
        if any(part is None for part in yours):
            return Gradient(
                self._gradient_name(numbers[0]),
                self._weight_name(numbers[0]),
                shape,
                is_right,
                (),
                None,
                None,
                None,
                None,
                update,
                span,
            )
        yours_flat = np.concatenate([np.ravel(part) for part in yours])
        exact_flat = np.concatenate(
            [
                np.ravel(np.broadcast_to(part, np.shape(self.calls[self.step.states[n].now].value)))
                for n, part in zip(numbers, exact, strict=True)
            ]
        )
        apart = np.abs(yours_flat - exact_flat)
        worst = int(np.argmax(apart)) if apart.size else 0
        entry = tuple(int(i) for i in np.unravel_index(worst, shape)) if shape else ()
        times = ratio([yours_flat], [exact_flat], 1e-6)
        largest = float(np.max(np.abs(exact_flat), initial=0.0))
        far = float(np.max(apart, initial=0.0)) / largest if is_wrong and largest else None
        return Gradient(
            self._gradient_name(numbers[0]),
            self._weight_name(numbers[0]),
            shape,
            is_right,
            entry,
            float(yours_flat[worst]),
            float(exact_flat[worst]),
            float(apart[worst]),
            times,
            update,
            span,
            far,
        )

    def _expression(self, number: int) -> SourceSpan | None:
        index = self.gradient_calls[number]
        if index is None:
            return None
        assigned = self.naming.assigned(index)
        return assigned[1] if assigned else self.naming.span_of(index)

    def _yours(self, number: int, exact: Any) -> Any:
        """The program's gradient in the loss's measure, without what all are multiplied by."""
        judgement = self.judgement
        assert judgement is not None
        index = self.gradient_calls[number]
        state = self.step.states[number]
        shape = np.shape(self.calls[state.now].value)
        if index is None:
            return None
        value = np.asarray(self.calls[index].value, float)
        if value.size not in (prod(shape), 1):
            return None
        value = value.reshape(shape) if value.size == prod(shape) else np.broadcast_to(value, shape)
        times = self._times_of(number, index) or self._usual_times()
        return value / times if times else value

    def _times_of(self, number: int, index: int, odd: bool = False) -> float | None:
        """How many times the slope a right gradient is."""
        judgement = self.judgement
        assert judgement is not None
        if number not in judgement.fits or (number in judgement.factors and not odd):
            return None
        state = self.step.states[number]
        worlds = range(self.judge.count)
        slopes = [self.judge.slope(state, judgement.objective, w) for w in worlds]
        values = [self.judge.worlds.value(w, index) for w in worlds]
        if np.size(values[0]) != np.size(slopes[0]):
            return None
        shaped = [np.reshape(v, np.shape(g)) for v, g in zip(values, slopes, strict=True)]
        return ratio(shaped, slopes, 1e-4)

    def _usual_times(self) -> float | None:
        """How many times the slope most gradients of the program are."""
        if not hasattr(self, "_times"):
            judgement = self.judgement
            assert judgement is not None
            counted: list[float] = []
            for number, fit in judgement.fits.items():
                index = self.gradient_calls[number]
                if fit.is_unused or index is None or number in judgement.factors:
                    continue
                times = self._times_of(number, index)
                if times:
                    counted.append(times)
            self._times = None
            if counted:
                self._times = max(
                    counted, key=lambda t: sum(abs(t / o - 1) < 1e-3 for o in counted)
                )
            else:
                fits = [f for f in judgement.fits.values() if f.rate]
                del fits
        return self._times

    def _law(self) -> str:
        judgement = self.judgement
        assert judgement is not None
        rates = [fit.rate for fit in judgement.fits.values() if not fit.is_unused]
        if not self.step.memories:
            return (
                "descent"
                if all(rate is not None for rate in rates)
                else "descent, clipped or normalised"
            )
        return "momentum" if all(rate is not None for rate in rates) else "Adam or the like"


def _products(numbers: list[float]) -> list[float]:
    return [
        prod((n for n, pick in zip(numbers, picks, strict=True) if pick), start=1.0)
        for picks in product((0, 1), repeat=len(numbers))
    ]
