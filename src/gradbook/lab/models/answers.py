"""The meaning of a network's outputs: classes, probabilities, the loss, and which are right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import log
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import DataError, one_line
from gradbook.graph.node import OPS
from gradbook.layers.card import AnswerKind
from gradbook.layers.losses import HALF_SURE, weighed_targets
from gradbook.looks import look
from gradbook.net import Net

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
MOST_NAMED = 10  # classes in a message
TINY = 1e-300  # keeps the loss of a probability of 0 finite


def number_names(count: int) -> tuple[str, ...]:
    """The default names of predicted numbers: y, or y1, y2 …"""
    return ("y",) if count == 1 else tuple(f"y{k}" for k in range(1, count + 1))


@dataclass(frozen=True)
class Score:
    """The mean loss over all samples, without smoothing, and the quality of the answers."""

    loss: float
    accuracy: float  # the share of right answers; for numbers, R²


def aimed_probability(net: Net) -> float:
    """The probability of the right class that training aims at: less than 1 with smoothing."""
    return 1 - net.smoothing + net.smoothing / net.outputs


def least_loss_of_classes(net: Net) -> float:
    """The lowest possible cross-entropy with smoothed targets: their own entropy."""
    most, others = aimed_probability(net), net.smoothing / net.outputs
    rest = -(net.outputs - 1) * others * log(others) if others else 0.0
    return rest - most * log(most)


def score(net: Net, outputs: NDArray[Any], wanted: NDArray[Any]) -> Score:
    """The score of outputs for wanted classes or rows of numbers."""
    numbers = np.asarray(outputs, np.float64)
    if wanted.ndim > 1:
        loss = float(losses_of(net, numbers, wanted).mean())
        if net.objective.of_all:
            return Score(loss, float((numbers.argmax(axis=1) == wanted.argmax(axis=1)).mean()))
        if net.objective.is_entropy:  # labels, of which several may apply
            return Score(loss, score_labels(loss, numbers, wanted).score)
        return Score(loss, mean_r_squared(wanted, numbers))
    right = likeliest_classes(net, numbers) == wanted
    return Score(float(_losses_of_classes(net, numbers, wanted).mean()), float(right.mean()))


@np.errstate(over="ignore", invalid="ignore")
def r_squared(wanted: NDArray[np.floating], outputs: NDArray[np.floating]) -> float:
    """The share of the variance that the answers explain; 0 for the mean, below 0 for worse."""
    left = float(((wanted - outputs) ** 2).sum())
    whole = float(((wanted - wanted.mean()) ** 2).sum())
    return 1 - left / whole if whole else float(left == 0)


def mean_r_squared(wanted: NDArray[Any], outputs: NDArray[Any]) -> float:
    """The mean over the numbers of each row: that of one in grams counts as much as one in tons."""
    return fmean(r_squared(*columns) for columns in zip(wanted.T, outputs.T, strict=True))


def likeliest_classes(net: Net, outputs: NDArray[Any]) -> Places:
    """The class of each row of outputs, or of their probabilities; a single output means class 1
    from ½ up."""
    if net.outputs == 1:
        return np.asarray(outputs[:, -1] >= HALF_SURE, np.intp)
    return np.asarray(outputs.argmax(axis=1))


def class_numbers(
    labels: NDArray[Any], classes: Sequence[str], what: str = "the targets"
) -> NDArray[np.int32]:
    """The number of each label's class; labels are names of classes, or else their numbers."""
    known = {name: number for number, name in enumerate(classes)}
    if labels.dtype.kind == "b":  # however a table writes them
        known |= {name.capitalize(): number for name, number in known.items()}
    if labels.dtype.kind in "iu" and not {*map(str, np.unique(labels).tolist())} <= known.keys():
        known = {str(number): number for number in range(len(classes))}
    if labels.dtype.kind in "biuf":
        kinds = np.unique(labels)
        of_kinds = [known.get(label_name(kind), -1) for kind in kinds.tolist()]
        numbers = np.array(of_kinds, np.int32)[np.searchsorted(kinds, labels)]
    elif labels.dtype != object or {*map(type, labels)} == {str}:  # equal ones have one name
        each = labels.tolist()
        places = {label: known.get(label_name(label), -1) for label in {*each}}
        numbers = np.array([places[label] for label in each], np.int32)
    else:
        numbers = np.array(
            [known.get(label_name(label), -1) for label in labels.tolist()], np.int32
        )
    if (numbers < 0).any():
        row = int(np.argmax(numbers < 0))
        names = ", ".join(known) if len(known) <= MOST_NAMED else f"{len(known)} others"
        problem = one_line(f"{label_name(labels[row])!r} isn't one of the classes: {names}")
        raise DataError(problem, file=what, row=row + 1)
    return numbers


def label_name(label: Any) -> str:
    """A label in words: a whole number without its point."""
    if isinstance(label, bytes):
        label = label.decode("utf-8", "replace")
    if isinstance(label, float | np.floating) and float(label).is_integer():
        label = int(label)
    return one_line(str(label)).strip()


def rank_classes(sure: NDArray[Any], alone: bool) -> Places:
    """The classes of each row of probabilities, likeliest first; of equal ones, the earlier first.

    If one output `alone` distinguishes two classes, the order agrees with `likeliest_classes`.
    """
    if alone:
        second = sure[:, 1] >= HALF_SURE
        return np.stack([second, ~second], axis=1).astype(np.intp)
    return np.argsort(-sure, axis=1, kind="stable")


def probabilities(net: Net, outputs: NDArray[Any]) -> Floats:
    """The probability of each class; outputs that aren't probabilities are divided by their sum."""
    numbers = np.asarray(outputs, np.float64)
    if net.outputs == 1:
        return np.concatenate([1 - numbers, numbers], axis=1)
    if net.answer_kind in (AnswerKind.SHARES, AnswerKind.CHANCES):
        sums = np.add.reduce(numbers, axis=1, keepdims=True)
        return np.asarray(numbers / np.maximum(sums, TINY, out=sums))
    # a softmax leaves the probabilities of a log softmax unchanged
    shares = np.exp(numbers - numbers.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def targets(net: Net, labels: NDArray[np.int32], weights: Floats | None = None) -> NDArray[Any]:
    """The engine's targets: classes, or 0 and 1 for a single output; with these weights."""
    if net.outputs == 1:
        chances = labels.astype(np.float64)[:, None]
        return chances if weights is None else weighed_targets(chances, weights)
    return labels if weights is None else weighed_targets(np.eye(net.outputs)[labels], weights)


@np.errstate(over="ignore")  # an overflow is visible in the value
def losses_of(net: Net, outputs: Floats, wanted: Floats) -> Floats:
    """The loss of each sample, without smoothing."""
    loss = net.objective
    if not loss.is_entropy:
        errors = OPS[loss.op].value(wanted, outputs)
        return np.asarray(errors.sum(axis=1) if loss.summed else errors.mean(axis=1))
    if loss.of_all:
        logs = net.answer_kind is AnswerKind.LOGARITHMS
        logarithms = wanted * (outputs if logs else np.log(np.maximum(outputs, TINY)))
        return np.asarray(-logarithms.sum(axis=1))
    sure = np.where(wanted > 0.5, outputs, 1 - outputs)
    return np.asarray(-np.log(np.maximum(sure, TINY)).mean(axis=1))


def _losses_of_classes(net: Net, outputs: Floats, labels: NDArray[np.integer]) -> Floats:
    """The loss of each sample of these classes, without smoothing."""
    if net.outputs == 1:
        return losses_of(net, outputs, labels[:, None].astype(float))
    if not net.objective.of_all:
        return losses_of(net, outputs, np.eye(net.outputs)[labels])
    sure = outputs[np.arange(len(labels)), labels]  # all that the other classes add is 0
    logs = net.answer_kind is AnswerKind.LOGARITHMS
    return np.asarray(-sure if logs else -np.log(np.maximum(sure, TINY)))


# Scores by class.


@dataclass(frozen=True)
class ClassScore:
    """The score of one class in a confusion matrix; None for a figure without any samples."""

    images: int  # or rows, that belong to it
    precision: float | None  # the share of the images read as this class that belong to it
    recall: float | None  # the share of this class's images that were read as it
    f1: float | None  # the harmonic mean of both


def class_scores(confusion: NDArray[np.integer[Any]]) -> tuple[ClassScore, ...]:
    """The scores of each class, from a matrix with true classes as rows and answers as columns."""
    right = np.diag(confusion).tolist()
    are, read = confusion.sum(axis=1).tolist(), confusion.sum(axis=0).tolist()
    return tuple(
        ClassScore(there, _share(hit, named), _share(hit, there), _share(2 * hit, there + named))
        for hit, there, named in zip(right, are, read, strict=True)
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def macro_f1(scores: Iterable[ClassScore]) -> float:
    """The mean over the classes that have images."""
    all_f1 = [score.f1 or 0.0 for score in scores if score.images]
    return sum(all_f1) / len(all_f1)


def confusion_of(
    labels: NDArray[np.integer[Any]], read: NDArray[np.integer[Any]], classes: int
) -> NDArray[np.int64]:
    """How many images of each class (rows) were read as each class (columns)."""
    places = np.asarray(labels, np.int64) * classes + read
    return np.bincount(places, minlength=classes**2).reshape(classes, classes)


@dataclass(frozen=True)
class NumberScore:
    """The score of one predicted number, with its errors in its own unit."""

    r2: float  # 1 − the squared errors' share of the variance
    mean_absolute_error: float  # of the predicted number, in its unit
    root_mean_squared_error: float  # the same, where large errors count more


@dataclass(frozen=True, eq=False, repr=False)
class FinalScore:
    """The answers on samples that influenced no choice; without any, on the training samples."""

    loss: float  # the mean of the training loss over the samples, without smoothing
    score: float  # the share of right answers, R², or the loss per letter
    rows: Places  # the samples
    classes: Mapping[str, ClassScore] = field(default_factory=dict)  # the figures of each
    confusion: NDArray[np.int64] | None = None  # true classes are rows, answers columns
    answers: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))  # of each sample
    read: NDArray[Any] = field(
        default_factory=lambda: np.empty(0, np.intp)
    )  # the answered class of each
    mean_absolute_error: float | None = None  # of one number
    root_mean_squared_error: float | None = None  # of one number
    numbers: Mapping[str, NumberScore] = field(default_factory=dict)  # the figures of each number
    letters: tuple[float, float] | None = None  # the loss, and that of the frequencies

    def __repr__(self) -> str:
        return look("FinalScore as text", self)

    def _repr_html_(self) -> str:
        return look("FinalScore as html", self)

    @property
    def class_figures(self) -> dict[str, Any]:
        """The figures about classes for other programs."""
        return {
            "macro_f1": macro_f1(self.classes.values()) if self.classes else None,
            "classes": {name: asdict(score) for name, score in self.classes.items()},
        }


def score_classes(
    net: Net, outputs: NDArray[Any], labels: NDArray[np.int32], names: Sequence[str]
) -> FinalScore:
    """The score of outputs for samples of these classes, by their numbers."""
    sure = probabilities(net, outputs)
    total, read = score(net, outputs, labels), likeliest_classes(net, sure)
    confusion = confusion_of(labels, read, len(names))
    return FinalScore(
        loss=total.loss,
        score=total.accuracy,
        rows=np.arange(len(labels)),
        classes=dict(zip(names, class_scores(confusion), strict=True)),
        confusion=confusion,
        answers=sure,
        read=read,
    )


def score_numbers(loss: float, answers: Floats, wanted: Floats, names: Sequence[str]) -> FinalScore:
    """The score of predicted numbers, a row for each sample, given their loss. Errors of several
    numbers have different units, so only R² has a mean."""
    off = answers - wanted
    with np.errstate(over="ignore"):
        roots = np.sqrt((off**2).mean(axis=0))
    each = {
        name: NumberScore(r_squared(real, predicted), float(size), float(root))
        for name, real, predicted, size, root in zip(
            names, wanted.T, answers.T, np.abs(off).mean(axis=0), roots, strict=True
        )
    }
    alone = next(iter(each.values())) if len(each) == 1 else None
    return FinalScore(
        loss=loss,
        score=fmean(score.r2 for score in each.values()),
        rows=np.arange(len(wanted)),
        answers=answers,
        mean_absolute_error=alone.mean_absolute_error if alone else None,
        root_mean_squared_error=alone.root_mean_squared_error if alone else None,
        numbers=each,
    )


def score_labels(loss: float, answers: Floats, wanted: Floats) -> FinalScore:
    """The score of yes or no for each of several labels, given the probabilities of yes."""
    right = (answers >= HALF_SURE) == (wanted >= HALF_SURE)
    rows = np.arange(len(wanted))
    return FinalScore(loss=loss, score=float(right.mean()), rows=rows, answers=answers)


@dataclass(frozen=True, eq=False)
class Answers:
    """One row of probabilities for each image, and the true class of each image."""

    probabilities: NDArray[np.floating]  # (images, classes)
    labels: NDArray[np.integer]
    alone: bool = False  # one output distinguishes two classes

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> int:
        return int(self.probabilities.shape[1])

    @cached_property
    def _ranked(self) -> Places:
        return rank_classes(self.probabilities, self.alone)[:, :2]

    @property
    def read(self) -> Places:
        """The likeliest class of each image."""
        return self._ranked[:, 0]

    @property
    def runner_up(self) -> Places:
        """The second likeliest class; the same one if there is only one class."""
        return self._ranked[:, -1]

    @property
    def sure(self) -> NDArray[np.floating]:
        """The probability of the likeliest class."""
        return self.of(self.read)

    def of(self, classes: NDArray[np.integer]) -> NDArray[np.floating]:
        """The probability that each image was given for this class."""
        return np.asarray(self.probabilities[np.arange(len(self)), classes])

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.read == self.labels)

    @property
    def accuracy(self) -> float:
        """The share of images read right."""
        return float(self.right.mean())

    def wrong(self) -> Places:
        """The images read wrong, the most confident mistakes first."""
        places = np.flatnonzero(~self.right)
        return places[np.argsort(-self.sure[places], kind="stable")]

    def surer_than(self, least: float) -> tuple[int, int]:
        """The number of images with at least this probability, and how many of them are wrong."""
        those = self.sure >= least
        return int(those.sum()), int((those & ~self.right).sum())

    def unsure(self, count: int) -> Places:
        """Images read right, the least confident first, at most this many."""
        places = np.flatnonzero(self.right)
        return places[np.argsort(self.sure[places], kind="stable")][:count]

    def confusion(self) -> NDArray[np.int64]:
        """How many images of each class (rows) were read as each class (columns)."""
        return confusion_of(self.labels, self.read, self.classes)
