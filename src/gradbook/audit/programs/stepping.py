"""Which numbers of a recorded run are updated again and again, and where one step begins and ends.

Knows no loss and no gradient.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradbook.recording.calls import PARTIAL_WRITES, Ref, getitem, setitem
from gradbook.recording.recorder import RECORDER

ENOUGH = 8  # updates of one number after which a training is known
LEAST = 3  # updates without which nothing is trained
MOST_LOOKED_AT = 64
MOST_PLACES = 400  # that update one number in a step
MORE = 3  # steps that are recorded after that, for what is computed only after an update
PASSING = {"array", "asarray", "copy", "astype", "ascontiguousarray", "clip", "reshape", "refill"}
UPDATING = (np.add, np.subtract)
Key = tuple[Any, ...]


@dataclass(slots=True)
class VersionChain:
    """The versions of a number that is updated; some lead nowhere, such as a look ahead."""

    root: int
    aliases: dict[int, int]  # of all chains: a copy → the version that it is of
    parents: dict[int, tuple[int, Key]] = field(default_factory=dict)  # new → old, place
    depths: dict[int, int] = field(default_factory=dict)
    counts: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    deepest: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    starts: dict[int, int] = field(default_factory=dict)
    tip: int = -1
    length: int = -1
    is_training: bool = False

    def add(self, old: int, new: int, key: Key) -> None:
        depth = self.depths[new] = self.depths.get(self.aliases.get(old, old), 0) + 1
        self.parents[new] = (old, key)
        if depth > self.deepest[key]:
            self.deepest[key] = depth
            self.counts[key] += 1
        self.starts[new] = start = self._start(new, key)
        if new - start >= self.length:
            self.tip, self.length = new, new - start

    def _start(self, new: int, key: Key) -> int:
        """Where the updates of one place began that lead here."""
        index = new
        for _ in range(MOST_PLACES):
            index = self.parents[index][0]
            index = self.aliases.get(index, index)
            if index not in self.parents:
                break
            if self.parents[index][1] == key:
                return self.starts[index]
        return new

    def path(self, most: int | None = None) -> list[tuple[int, int, Key]]:
        """The updates that lead to the newest version, oldest first; or the last of them."""
        updates: list[tuple[int, int, Key]] = []
        index = self.tip
        while index in self.parents and (most is None or len(updates) < most):
            old, key = self.parents[index]
            version = self.aliases.get(old, old)
            if version in self.parents or _is_used_between(version, old, index):
                old = version
            updates.append((old, index, key))
            index = old
        return updates[::-1]


def _is_used_between(version: int, copy: int, new: int) -> bool:
    """Whether a number is used itself, and not only the copy of it that is updated."""
    calls = RECORDER.tape.calls
    if version == copy:
        return True
    return any(version in calls[i].operands for i in range(version + 1, new) if i != copy)


class Watch:
    """Looks at each call as it is recorded, and pauses when enough steps were seen."""

    def __init__(self) -> None:
        self.roots: dict[int, int] = {}
        self.aliases: dict[int, int] = {}
        self.chains: dict[int, VersionChain] = {}
        self.first_links: dict[int, tuple[int, Key]] = {}  # of what nothing was added to yet
        self.begun: set[int] = set()  # roots of what was ever added to
        self.looks: dict[Any, Callable[[int, Any], None] | None] = {None: None}  # by function
        self.pause_at: int | None = None
        self.started_at = 0
        self.episode = 0

    def __call__(self, index: int) -> None:
        if RECORDER.episode != self.episode:
            self.episode, self.started_at, self.pause_at = RECORDER.episode, index, None
        if self.pause_at is not None and index >= self.pause_at:
            RECORDER.pause()
            return
        call = RECORDER.tape.calls[index]
        try:
            look = self.looks[call.function]
        except KeyError:
            look = self.looks[call.function] = self._look_of(call)
        if look is not None:
            look(index, call)

    def forget(self) -> bool:
        """Whether nothing was trained yet: the recorder may forget it all, and so does this."""
        chains = [each for each in self.chains.values() if max(each.counts.values()) >= LEAST]
        is_training = any(is_trained(chain) for chain in chains)
        if not is_training:
            self.__init__()  # type: ignore[misc]
        return not is_training

    def _look_of(self, call: Any) -> Callable[[int, Any], None] | None:
        if call.function in UPDATING:
            return self._sum
        if call.function is setitem:
            return self._set
        if call.name in PARTIAL_WRITES:
            return self._write_part
        return self._pass_by if call.name in PASSING or call.function is np.multiply else None

    def _write_part(self, index: int, call: Any) -> None:
        first = call.arguments[0]
        if isinstance(first, Ref):
            self._link(first.index, index, (call.frames, "part"))

    def _pass_by(self, index: int, call: Any) -> None:
        for part in call.arguments[:2]:
            if type(part) is not Ref:
                continue
            old = RECORDER.tape.calls[part.index]
            if (
                (part.index in self.roots or old.function is None)
                and self._is_kept(call, part)
                and np.size(old.value) == np.size(call.value)
            ):
                self._pass_on(part.index, index)

    def _pass_on(self, old: int, new: int) -> None:
        self.roots[new] = self.roots.get(old, old)
        self.aliases[new] = self.aliases.get(old, old)

    @staticmethod
    def _is_kept(call: Any, part: Ref) -> bool:
        """Whether the call only copies the number, or shrinks it a little (decay)."""
        if call.function is not np.multiply:
            return bool(call.arguments and call.arguments[0] == part)
        other = call.arguments[1 if call.arguments[0] is part else 0]
        source = RECORDER.tape.calls[other.index] if type(other) is Ref else None
        value = source.value if source else other
        if isinstance(value, (int, float)):  # but not 1 as it is written, such as a sum's slope
            return 0.5 < value < 1 or bool(value == 1 and source and source.function)
        return bool(np.size(value) == 1 and 0.5 < float(np.ravel(value)[0]) <= 1.0)

    def _sum(self, index: int, call: Any) -> None:
        calls, value = RECORDER.tape.calls, call.value
        arguments = call.arguments[:1] if call.function is np.subtract else call.arguments[:2]
        parts = [part.index for part in arguments if type(part) is Ref]
        if type(value) is np.float64:
            candidates = [i for i in parts if type(calls[i].value) is np.float64]
        elif getattr(value, "dtype", None) is not None and value.dtype.kind == "f":
            candidates = [i for i in parts if np.shape(calls[i].value) == value.shape]
        else:
            return
        if not candidates:
            return
        key = (call.frames,)
        best = candidates[0]
        if len(candidates) > 1 and self._rank(candidates[1], key) > self._rank(best, key):
            best = candidates[1]
        self._link(best, index, key)

    def _rank(self, part: int, key: Key) -> int:
        root = self.roots.get(part)
        chain = self.chains.get(root) if root is not None else None
        first = self.first_links.get(self.aliases.get(part, part))
        if (chain is not None and key in chain.counts) or (first is not None and first[1] == key):
            return 3
        if chain is not None and max(chain.counts.values()) >= LEAST:
            return 2
        return 1 if RECORDER.tape[part].function is None else 0

    def _set(self, index: int, call: Any) -> None:
        array, place, value = call.arguments
        if not isinstance(array, Ref):
            return
        if not isinstance(value, Ref):
            if np.shape(value) == () and _is_whole(place):
                return  # filled with one number: nothing of the old ones stays
            self._pass_on(array.index, index)
            return
        inner = RECORDER.tape[value.index]
        if inner.function in UPDATING:
            for part in inner.arguments:
                if isinstance(part, Ref):
                    source = RECORDER.tape[part.index]
                    is_part = source.function is getitem and _is_version(
                        source.arguments[0], array, self.roots
                    )
                    if part == array or is_part:
                        where = repr(place)
                        self._link(
                            array.index,
                            index,
                            (inner.frames, where),
                        )
                        return
        self._pass_on(array.index, index)

    def _link(self, old: int, new: int, key: Key) -> None:
        root = self.roots.get(old, old)
        chain = self.chains.get(root)
        call = RECORDER.tape.calls[self.aliases.get(old, old)]
        if root in self.begun and call.function is None and np.shape(call.value) == ():
            root = -new  # several numbers began as one, such as by `[0.0] * n`
            chain = None
        self.begun.add(root)
        self.roots[new] = root
        version = self.aliases.get(old, old)
        first = self.first_links.pop(version, None)
        if chain is None:
            if first is None:
                self.first_links[new] = old, key
                return
            chain = self.chains[root] = VersionChain(root, self.aliases)
        if first is not None:
            chain.add(first[0], version, first[1])
        chain.add(old, new, key)
        count = chain.counts[key]
        is_power = count >= ENOUGH and (count & (count - 1)) == 0
        if self.pause_at is None and is_power and is_trained(chain):
            done = new - self.started_at
            self.pause_at = new + max(50, MORE * done // count)


def _is_whole(place: Any) -> bool:
    return place is Ellipsis or place == slice(None)


def _is_version(part: Any, array: Ref, roots: dict[int, int]) -> bool:
    if not isinstance(part, Ref):
        return False
    return roots.get(part.index, part.index) == roots.get(array.index, array.index)


def is_trained(chain: VersionChain) -> bool:
    """Whether what is added depends on the number itself: a sum or a mean that runs doesn't."""
    if chain.is_training:
        return True
    calls = RECORDER.tape.calls
    path = chain.path(min(2 * len(chain.counts) + 1, MOST_LOOKED_AT))
    versions = [old for old, _, _ in path if old in chain.parents]
    if not versions:
        return False
    for old, new, _ in path[-1 : -len(chain.counts) - 2 : -1]:
        call = calls[new]
        parts = list(call.operands)
        if call.function is setitem and isinstance(call.arguments[2], Ref):
            inner = calls[call.arguments[2].index]
            parts = [i for i in inner.operands if not _is_part_of(calls, i, old)]
        parts = [i for i in parts if i != old and not _is_copy_of(calls, i, old)]
        earliest = min(versions)
        if any(_depends_on_any(calls, part, versions, earliest) for part in parts):
            chain.is_training = True
            return True
    return False


def _is_part_of(calls: list[Any], index: int, old: int) -> bool:
    return calls[index].function is getitem and old in calls[index].operands


def _depends_on_any(calls: list[Any], start: int, versions: list[int], earliest: int) -> bool:
    wanted = set(versions)
    todo, seen = [start], set()
    while todo:
        index = todo.pop()
        if index in wanted:
            return True
        if index < earliest or index in seen:
            continue
        seen.add(index)
        todo += calls[index].operands
    return False


def _is_copy_of(calls: list[Any], index: int, old: int) -> bool:
    for _ in range(4):
        if index == old:
            return True
        call = calls[index]
        if call.name in PASSING and call.operands:
            index = call.operands[0]
        return bool(call.function is np.multiply and old in call.operands)
    return False


@dataclass(frozen=True, slots=True)
class Moved:
    """A number before and after one step."""

    root: int
    old: int
    new: int
    updates: tuple[int, ...]  # all of the step's updates of it
    key: Key


@dataclass(frozen=True, slots=True)
class StepSpan:
    """One step of one training: what moves in it, and the steps that were recorded."""

    moved: tuple[Moved, ...]
    count: int
    memories: tuple[Moved, ...] = ()


def cycles(chain: VersionChain) -> list[Moved]:
    """The chain's steps: in each, every place of the source updates once."""
    steady = {key for key, count in chain.counts.items() if count >= LEAST}
    steps: list[Moved] = []
    part: list[tuple[int, int, Key]] = []
    seen: set[Key] = set()
    places: set[Key] = set()  # the same without the calls of functions around them

    def close() -> None:
        if part:
            news = tuple(new for _, new, _ in part)
            steps.append(Moved(chain.root, part[0][0], part[-1][1], news, part[-1][2]))

    for old, new, key in chain.path():
        if key not in steady:
            continue
        place = (key[0][:1], *key[1:])
        if key in seen or (place in places and _is_used_as_a_whole(old, new)):
            close()
            part, seen, places = [], set(), set()
        part.append((old, new, key))
        seen.add(key)
        places.add(place)
    close()
    return steps


def _is_used_as_a_whole(version: int, update: int) -> bool:
    """Whether something else than updates uses a version: another sample's forward pass."""
    calls = RECORDER.tape.calls[version + 1 : update]
    updating = (getitem, setitem, *UPDATING)
    return any(version in call.operands and call.function not in updating for call in calls)


Group = list[tuple[VersionChain, list[Moved]]]


def find_trainings(watch: Watch) -> list[Group]:
    """The numbers of each training of the run, with their steps."""
    trained = [
        chain
        for chain in watch.chains.values()
        if max(chain.counts.values()) >= LEAST and is_trained(chain)
    ]
    groups: list[Group] = []
    for chain in sorted(trained, key=lambda each: abs(each.root)):
        steps = cycles(chain)
        if len(steps) < LEAST:
            continue
        for group in groups:
            first = group[0][1]
            overlap = first[0].new < steps[-1].new and steps[0].new < first[-1].new
            alike = abs(len(first) - len(steps)) <= max(2, len(first) // 3)
            if overlap and alike:
                group.append((chain, steps))
                break
        else:
            groups.append([(chain, steps)])
    return [
        group
        for group in groups
        if not any(len(other) > len(group) and _is_within_a_step(group, other) for other in groups)
    ]


def _is_within_a_step(group: Group, other: Group) -> bool:
    """Such as what is added up from layer to layer, while the other's weights stand still."""
    first = min(steps[0].new for _, steps in group)
    last = max(steps[-1].new for _, steps in group)
    return not any(first < move.new < last for _, steps in other for move in steps)


def spans_of(group: Group, weights: set[int] | None = None) -> list[StepSpan]:
    """The steps of a training; with the roots of its weights, those of memories beside them."""
    if weights is None:
        return _aligned(group)
    spans = _aligned([part for part in group if part[0].root in weights])
    others = [part for part in group if part[0].root not in weights]
    return [StepSpan(span.moved, span.count, _beside(span, others)) for span in spans]


def _beside(span: StepSpan, others: Group) -> tuple[Moved, ...]:
    """The memories' moves in a step; those after the weights' are before the next step."""
    begin, end = max(m.old for m in span.moved), max(m.new for m in span.moved)
    calls, weights = RECORDER.tape.calls, [m.old for m in span.moved]
    moves = []
    for _, steps in others:
        inside = [n for n, move in enumerate(steps) if begin < move.new <= end]
        if not inside:
            continue
        is_of_this = _depends_on_any(calls, steps[inside[-1]].new, weights, min(weights))
        moves += steps[inside[-1] :][:1] if is_of_this else steps[inside[-1] + 1 :][:1]
    return tuple(moves)


def _aligned(group: list[tuple[VersionChain, list[Moved]]]) -> list[StepSpan]:
    """The steps of several numbers side by side.

    Between two steps lies the forward pass, in which nothing is updated: the longest pause.
    """
    events = sorted((move.new, n, move) for n, (_, steps) in enumerate(group) for move in steps)
    begin = max(steps[0].new for _, steps in group)
    size = len(group)
    late = next(n for n, event in enumerate(events) if event[0] >= begin)
    events = events[max(0, late - size + 1) :]
    best: tuple[float, list[StepSpan]] = (-1.0, [])
    for offset in range(min(size, len(events))):
        spans, pauses = [], []
        for start in range(offset, len(events) - size + 1, size):
            window = events[start : start + size]
            moves = tuple(move for _, _, move in window)
            if len({n for _, n, _ in window}) < size:
                continue
            if len({move.old for move in moves}) < size:
                continue  # several began as one number, such as by `[0.0] * n`
            pause = min(move.new for move in moves) - max(move.old for move in moves)
            if pause > 0:
                spans.append(StepSpan(moves, len(group[0][1])))
                pauses.append(pause)
        if pauses and (rank := sum(pauses) / len(pauses)) > best[0]:
            best = (rank, spans)
    return best[1]
