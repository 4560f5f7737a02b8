"""What each update uses as its gradient, step by step.

The gradient may be behind rates, signs, weight decay, clipping, and memories such as velocities and
running means: it is searched for from the update backwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from weakref import WeakKeyDictionary

from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.weight_columns import WeightColumn, change, said_in
from gradbook.cells.book import Book
from gradbook.cells.budget import spend
from gradbook.cells.flow import walk
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import (
    Factor,
    SignedTerm,
    count_parts,
    factors,
    inner,
    parts,
    product,
    replace_parts,
    terms,
    total,
)
from gradbook.cells.formula.syntax import Call, Expression, Infix, Number, Reference

# The search for a gradient ------------------------------------------------------------

READ = 500  # budget for reading a part of a formula
FIRST_STEPS = 3  # the steps in which memories begin
MOST_USERS = 40  # of a number that may be an input
DEEPEST = 8  # cells between a weight and its gradient
BOUNDS = ("MIN", "MAX", "IF", "MEDIAN", "SIGN")  # functions that clip a gradient


@dataclass(frozen=True)
class Claim:
    """A sheet's claim of ∂loss/∂w: an expression in some cell; the update subtracts sign × it."""

    owner: Address
    expression: Expression
    whole: bool  # whether the expression is the owner's whole formula
    sign: int  # +1 where the update subtracts the claim
    via: tuple[Address, ...] = ()  # the cells from the update to the one that refers to the owner
    leaves_decay: bool = False  # a term of the owner's that may be the slope of a penalty

    def moved(self, book: Book, there: Mapping[Address, Address]) -> Claim | None:
        """Return the same claim in another step, where other cells and numbers correspond to its
        own; None if one number has become two."""
        owner, said = there[self.owner], self.expression
        mine, theirs = (book.patterns.get(cell) for cell in (self.owner, owner))
        if mine is not theirs and mine and theirs and mine.expression and theirs.expression:
            found = _as_said_in(theirs.expression, said, mine.expression)
            if found is None:
                return None
            said = found
        return replace(self, owner=owner, expression=said, via=tuple([there[c] for c in self.via]))


def _as_said_in(other: Expression, part: Expression, whole: Expression) -> Expression | None:
    """A part of a formula with the cells and numbers of another of the same kind; None if one
    number has become two."""
    if part is whole:
        return other
    instead: dict[Expression, Expression] = {}
    for own, there in zip(parts(whole), parts(other), strict=True):
        if isinstance(own, Number) and instead.setdefault(own, there) != there:
            return None
        if isinstance(own, Reference):
            instead[own] = there
    return replace_parts(
        part, lambda p: instead.get(p) if isinstance(p, Number | Reference) else None
    )


@dataclass(frozen=True)
class Wrapping:
    """The gradient inside a cell that only scales it, clips it or adds weight decay."""

    inside: Expression
    sign: int
    surely: bool  # whether the inside is likelier to be the gradient than the cell
    by_rate: bool  # whether the learning rate scales it, so that the cell can't be the gradient


@dataclass(frozen=True)
class Trail:
    """How a formula was reached from the update, which subtracts sign × the result."""

    way: tuple[Address, ...]  # the cells from the update to the one being read
    sign: int = -1
    straight: bool = True  # reached by sums and products only

    @property
    def home(self) -> Address:
        return self.way[-1]

    def with_sign(self, sign: int) -> Trail:
        return replace(self, sign=self.sign * sign)

    def bent_unless(self, straight: bool) -> Trail:
        return replace(self, straight=self.straight and straight)

    def into(self, cell: Address) -> Trail:
        return replace(self, way=(*self.way, cell))


@dataclass
class GradientSearch:
    """Searches from an update for the gradient. What is reached by sums and products only, a
    straight trail, is likelier to be it than what is reached through a square, a root or a
    quotient."""

    training: SheetTraining
    own: frozenset[Address]  # the cells of the weight
    base: Address  # the weight that is updated
    read: list[Address]  # the cells that were read
    straight: list[Claim] = field(default_factory=list)
    bent: list[Claim] = field(default_factory=list)
    remembers: bool = False  # whether anything on the trail continues from the previous step
    sums_lists: bool = False  # whether such values are added up in a range

    @property
    def results(self) -> list[Claim]:
        return self.straight or self.bent

    def claim_whole(self, parts: Sequence[SignedTerm], trail: Trail) -> None:
        """Claim what is added as if nothing was remembered: where values in ranges are all that
        continues from before, the past comes through the forward pass."""
        self._claim([term for term in parts if not self._is_decay(term[1], trail.home)], trail)

    # Towards the gradient: memories are followed, everything else is claimed

    def follow(self, parts: Sequence[SignedTerm], trail: Trail) -> None:
        home = trail.home
        fresh = [term for term in parts if not self._is_memory(term[1], home)]
        moving = [term for term in fresh if self._moving(term[1], home)] or fresh
        own = [term for term in moving if not self._is_decay(term[1], home)] or moving
        now = [term for term in own if not self._remembers(term[1], home)]
        if now:
            self._claim(now, trail)
            decays = [term for term in moving if term not in own]
            if decays:  # in case the loss includes the weights
                self._claim([*now, *decays], trail)
        for own_sign, part in own:
            if self._remembers(part, home):
                self.remembers = True
                self._product(part, trail.with_sign(own_sign))

    def _product(self, part: Expression, trail: Trail) -> None:
        """A product or quotient with a factor that continues from the previous step."""
        split, home = factors(part), trail.home
        trail = trail.with_sign(split.sign)
        remembering = [f for f in split.parts if self._remembers(f.part, home)]
        rest = [f for f in split.parts if f not in remembering]
        if any(self._moving(f.part, home) for f in rest):
            self._claim([(1, product(rest))], trail)
        for factor in remembering:
            if not self._is_memory(factor.part, home):
                self._inside(factor.part, trail.bent_unless(factor.above))

    def _is_list(self, part: Expression, home: Address) -> bool:
        """Whether a part is a range of several cells."""
        return isinstance(part, Reference) and len([*self.training.cells_in(part, home)]) > 1

    def _inside(self, part: Expression, trail: Trail) -> None:
        cell = self.training.cell_of(part, trail.home)
        if cell is not None:
            self._into(cell, trail)
        elif isinstance(part, Infix) and part.operator in "+-":
            self.follow(terms(part), trail)
        else:
            bounded = _is_bounded(part)
            for piece in inner(part):
                if self._is_list(piece, trail.home):
                    self.sums_lists = True
                else:
                    self.follow(terms(piece), trail.bent_unless(bounded))

    def _into(self, cell: Address, trail: Trail) -> None:
        """A cell that continues from the previous step, or is computed from one that does."""
        said = said_in(self.training.book, cell)
        is_new = cell not in trail.way and len(trail.way) < DEEPEST
        beside = {*self.training.flow.sources(trail.way[-1]), *trail.way}
        # whether the same formula refers to the cell's successor in the next step
        is_outdated = any(cell + stride in beside for stride in self.training.strides)
        if said is not None and is_new and not is_outdated:
            self.read.append(cell)
            self.follow(terms(said), trail.into(cell))

    # What is claimed

    def _claim(self, parts: Sequence[SignedTerm], trail: Trail) -> None:
        """Claim what has no memory: the gradient, without rates and signs."""
        if len(parts) != 1:  # nothing is left of an update that is only a decay
            if parts:
                self._add(replace(trail, sign=1), self._bare_sum(parts, trail))
            return
        ((own_sign, part),) = parts
        home = trail.home
        split = factors(replace_parts(part, lambda inside: self._gated(inside, home)))
        trail = trail.with_sign(own_sign * split.sign)
        rest = [f for f in split.parts if not self._is_rate(f, home, split.parts)]
        moving = [f for f in rest if self.training.varies(f.part, home)] or rest
        self._claim_product(rest, moving, trail)
        scales = [f for f in moving if self._is_scale(f, moving, home)]
        if 0 < len(scales) < len(moving):
            rest, moving = ([f for f in some if f not in scales] for some in (rest, moving))
            self._claim_product(rest, moving, trail)

    def _claim_product(
        self, rest: Sequence[Factor], moving: Sequence[Factor], trail: Trail
    ) -> None:
        """Claim a product without rates, of which some factors change from step to step."""
        home = trail.home
        if len(moving) == 1 and moving[0].above and len(inside := terms(moving[0].part)) > 1:
            kept = [term for term in inside if not self._is_decay(term[1], home)]
            beside = [f for f in rest if f is not moving[0]]
            if len(kept) < len(inside):
                whole = [(1, product([*beside, Factor(total(kept), True)]))] if beside else kept
                self._claim(whole, trail)
        gates = [f for f in rest if self._is_gate(f.part, home)]
        above = [self.training.cell_of(f.part, home) for f in moving if f.above]
        if len(above) == 1 and above[0] is not None and not gates:
            users = self.training.flow.users.get(above[0], ())
            is_shared = len(self.training.update_cells.intersection(users)) > 1
            if is_shared and len(rest) > 1:  # then it is a factor of all their gradients
                self._add(trail, product(rest))
            self._claim_cell(above[0], trail)
            if len(rest) > 1 and not is_shared:
                self._add(trail, product(rest))
            return
        bounded = len(moving) == 1 and _is_bounded(moving[0].part)
        if bounded:  # the gradient is likelier to be inside the clipping
            self._claim_only_cell(moving[0].part, trail)
        self._add(trail, product(rest))
        others = [f for f in rest if f not in moving and f not in gates]
        settings = [f for f in others if self._is_setting(f.part, home, moving)]
        if settings:
            self._add(trail, product([f for f in rest if f not in settings]))
        if not bounded and not gates:
            self._claim_only_cell(product(moving), trail)

    def _gated(self, part: Expression, home: Address) -> Expression | None:
        """A product for an update that only some steps make: IF(…;1;0)*g for IF(…;g;0)."""
        if self._is_gate(part, home) and isinstance(part, Call):
            test, inside, *none = part.arguments
            if inside and self.training.varies(inside, home):
                return Infix("*", Call("IF", (test, Number(1.0), *none)), inside)
        return None

    def _is_gate(self, part: Expression, home: Address) -> bool:
        """Whether a part is something or 0, by what the forward pass chooses by, too."""
        match part:
            case Call("IF", (test, _)) | Call("IF", (test, _, Number(0.0))) if test:
                return _is_choice(self.training, test, home)
        return False

    def _is_scale(self, factor: Factor, moving: Sequence[Factor], home: Address) -> bool:
        """Whether a factor is computed from the gradient that it scales, as its norm is."""
        others = [
            self.training.cell_of(f.part, home) for f in moving if f is not factor and f.above
        ]
        own = self._moving(factor.part, home)
        behind = self.training.flow.behind(own, self.training.weight_cells)
        return len(others) == 1 and others[0] in behind

    def _claim_only_cell(self, part: Expression, trail: Trail) -> None:
        """Claim the only cell that an expression depends on, by whatever function; of an IF, only
        the branches count, not the condition."""
        training, home = self.training, trail.home
        values = inner(part)[1:] if isinstance(part, Call) and part.function == "IF" else [part]
        mentioned = chain.from_iterable(training.cells_in(value, home) for value in values)
        cells = training.varying.intersection(mentioned)
        if len(cells) == 1:
            self._claim_cell(cells.pop(), trail.bent_unless(_is_bounded(part)))

    def _claim_cell(self, cell: Address, trail: Trail) -> None:
        pattern = self.training.book.patterns.get(cell)
        if pattern is None:
            name = Reference(self.training.book.name_of(cell, trail.home))
            self._add(trail, name, cell)
        elif pattern.expression is not None and cell not in self.training.weight_cells:
            spend(READ * count_parts(pattern.expression))
            self.read.append(cell)
            wrapped = self._wrapped(cell, pattern.expression) if len(trail.way) < DEEPEST else None
            if wrapped and wrapped.surely:
                self._unwrap(wrapped, trail.into(cell))
            if not (wrapped and wrapped.by_rate):
                self._add(trail, pattern.expression, cell)
            if wrapped and not wrapped.surely:
                self._unwrap(wrapped, trail.into(cell))
            if wrapped is None and len(trail.way) < DEEPEST:
                self._claim_within(terms(pattern.expression), trail.into(cell))

    def _claim_within(self, parts: Sequence[SignedTerm], trail: Trail) -> None:
        """Claim a gradient beside the decay of its weight, or above what scales it."""
        home = trail.home
        decays = [term for term in parts if self._is_decay(term[1], home)]
        if 0 < len(decays) < len(parts):
            scaled = [(sign, factors(part)) for sign, part in decays]
            if all(s * part.sign == trail.sign and len(part.parts) > 1 for s, part in scaled):
                rest = total([term for term in parts if term not in decays])
                self._add(trail, rest, leaves_decay=True)
        elif len(parts) == 1:
            split = factors(parts[0][1])
            above = [self.training.cell_of(f.part, home) for f in split.parts if f.above]
            if len(above) == 1 < len(split.parts) and above[0] is not None:
                self._claim_cell(above[0], trail.with_sign(parts[0][0] * split.sign))

    def _wrapped(self, cell: Address, expression: Expression) -> Wrapping | None:
        """The inside of a cell that only scales it, clips it, or adds weight decay."""
        parts = terms(expression)
        kept = [term for term in parts if not self._is_decay(term[1], cell)]
        if len(kept) != 1:
            return None
        ((sign, part),) = kept
        split = factors(part)
        moving = [f for f in split.parts if self.training.varies(f.part, cell)]
        rest = [f for f in split.parts if f not in moving]
        if len(moving) != 1 or not moving[0].above:
            return None
        inside = moving[0].part
        bounded = _is_bounded(inside)
        scales = [f for f in rest if not isinstance(f.part, Number)]
        settled = all(self._is_setting(f.part, cell, moving) for f in rest)
        decays, turned = len(kept) < len(parts), sign * split.sign < 0
        if not settled or not (bounded or scales or decays or (turned and not rest)):
            return None
        by_rate = any(self._is_rate(f, cell, ()) for f in rest)
        return Wrapping(inside, sign * split.sign, bounded or decays or by_rate, by_rate)

    def _unwrap(self, wrapped: Wrapping, trail: Trail) -> None:
        trail = trail.with_sign(wrapped.sign)
        behind = self.training.cell_of(wrapped.inside, trail.home)
        if behind is None:
            self._claim_only_cell(wrapped.inside, trail)
        elif behind not in trail.way:
            self._claim_cell(behind, trail)

    def _add(
        self,
        trail: Trail,
        expression: Expression,
        owner: Address | None = None,
        leaves_decay: bool = False,
    ) -> None:
        """Add a cell's whole formula, or a part of the last formula on the trail, as a claim."""
        if owner is None:
            way = trail.way[:-1]
            found = Claim(trail.home, expression, False, trail.sign, way, leaves_decay)
        else:
            found = Claim(owner, expression, True, trail.sign, trail.way)
        (self.straight if trail.straight else self.bent).append(found)

    def _bare_sum(self, parts: Sequence[SignedTerm], trail: Trail) -> Expression:
        """The terms as a sum, without the learning rate."""
        signed: list[SignedTerm] = []
        for own, part in parts:
            split = factors(part)
            bare = [f for f in split.parts if not self._is_rate(f, trail.home, split.parts)]
            signed.append((trail.sign * own * split.sign, product(bare)))
        return total(signed)

    # What a part of a formula is

    def _moving(self, part: Expression, home: Address) -> set[Address]:
        """The cells in a part that change from step to step."""
        training = self.training
        cells = set(training.cells_in(part, home))
        return {cell for cell in cells if cell in training.varying or cell in training.remembering}

    def _was(self, home: Address, cell: Address) -> bool:
        """Whether `cell` is the predecessor that `home` remembers."""
        return home in self.training.remembering and self.training.before(home, cell)

    def _is_decay(self, part: Expression, home: Address) -> bool:
        """Whether a term is a fraction of the weight itself."""
        return self._moving(part, home) == {self.base}

    def _is_memory(self, part: Expression, home: Address) -> bool:
        """Whether a part has only values of the previous step: of the cell, or of the weight."""
        moving = self._moving(part, home)
        if moving == {self.base}:
            return False
        mentioned = self.training.cells_in(part, home)
        before = {cell for cell in mentioned if self._was(home, cell)}
        return bool(moving or before) and moving - before <= self.own

    def _remembers(self, part: Expression, home: Address) -> bool:
        """Whether a part contains something that continues from the previous step."""
        training = self.training
        return any(
            cell in training.remembering
            or self._was(home, cell)
            or (cell in self.own and cell != self.base)
            for cell in self._moving(part, home)
        )

    def _is_rate(self, factor: Factor, home: Address, beside: Sequence[Factor]) -> bool:
        """Whether a factor is the learning rate, or a number in its place."""
        cell = self.training.cell_of(factor.part, home)
        if cell is not None and self.training.is_rate(cell):
            return True
        if cell is not None and self.training.is_rate_of_some(cell):
            return True
        if self.training.varies(factor.part, home) or self._is_gate(factor.part, home):
            return False
        if isinstance(factor.part, Number) and 0 < factor.part.value < 1 and factor.above:
            return self.training.rate is None
        lone = len(beside) == 2 and not isinstance(factor.part, Infix)
        return self.training.rate is None and lone

    def _is_setting(self, part: Expression, home: Address, beside: Sequence[Factor]) -> bool:
        """Whether a part that depends on no weight is a setting, rather than data from which the
        other factors are computed."""
        training = self.training
        if training.varies(part, home):
            return False
        if isinstance(part, Number):
            return True
        mentioned = [c for c in training.cells_in(part, home) if not training.is_rate(c)]
        cells = set(map(training.plain, mentioned))
        if not cells:
            return True
        if any(map(self._is_data, mentioned)):
            return False
        if not all(cell in training.book.patterns or self._stays(cell, home) for cell in cells):
            return False
        start = [cell for factor in beside for cell in self._moving(factor.part, home)]
        sources, stop = training.flow.sources, training.weight_cells
        for cell in walk(start, lambda at: () if at in stop else sources(at)):
            if cell in stop or cell not in training.varying:
                continue
            self.read.append(cell)
            if not cells.isdisjoint(map(training.plain, sources(cell))):
                return False
        return True

    def _is_data(self, cell: Address) -> bool:
        """Whether weights are multiplied by a cell before they are updated, as by an input."""
        training = self.training
        apart = training.remembering | training.update_cells
        return any(
            user not in apart
            and not training.weight_cells.keys().isdisjoint(training.flow.sources(user))
            and training.remembering.isdisjoint(training.flow.sources(user))
            for user in training.flow.users.get(cell, ())[:MOST_USERS]
        )

    def _stays(self, cell: Address, home: Address) -> bool:
        """Whether a formula one step earlier or later refers to the same cell."""
        sources, plain = self.training.flow.sources, self.training.plain
        beside = [home + sign * stride for stride in self.training.strides for sign in (1, -1)]
        return any(cell in map(plain, sources(other)) for other in beside)


def _is_bounded(part: Expression) -> bool:
    """Whether a part may only clip something."""
    return isinstance(part, Call) and part.function in BOUNDS


# Claims -------------------------------------------------------------------------------

MEMORY = 40  # cells to search for the gradient that other steps use


OfEach = list[tuple[Claim, ...]]  # claims for each weight, or for each update

_every: WeakKeyDictionary[SheetTraining, list[OfEach]] = WeakKeyDictionary()


def every_claim(training: SheetTraining) -> list[OfEach]:
    """Return what each weight's update after each step may use as its gradient."""
    if training not in _every:
        _every[training] = [_step_by_step(training, weight) for weight in training.weights]
    return _every[training]


def first_claims(training: SheetTraining) -> OfEach:
    """Return what the first update of each weight may use as its gradient."""
    return [said[0] for said in every_claim(training)]


def _step_by_step(training: SheetTraining, weight: WeightColumn) -> OfEach:
    """The claims of every update: searched for in one, then transferred to those that repeat it."""
    found: OfEach = []
    said: tuple[Claim, ...] = ()
    read: list[Address] = []  # the cells whose formulas led to the claims
    for step, (base, home) in enumerate(weight.steps):
        there = (
            _counterparts(training, read, weight.steps[step - 1], (base, home))
            if step > 1
            else None
        )
        if there is not None and all(there.keys() >= {c.owner, *c.via} for c in said):
            moved = [claim.moved(training.book, there) for claim in said]
            read = [there[cell] for cell in read]
        else:
            moved, read = [None], []
        said = tuple([claim for claim in moved if claim])
        if len(said) < len(moved):
            said = tuple(claims(training, weight, step, read))
        found.append(said)
    return found


def _counterparts(
    training: SheetTraining,
    read: Sequence[Address],
    here: Sequence[Address],
    there: Sequence[Address],
) -> dict[Address, Address] | None:
    """For the cells that some formulas refer to, their counterparts in another step; None if the
    formulas there aren't the same, with cells of the same kinds.

    Each formula read comes after one that refers to it; the first is the update.
    """
    book, sources = training.book, training.flow.sources
    found = dict(zip(here, there, strict=True))
    if training.rate is not None:
        found.setdefault(training.rate, training.rate)
    for cell in dict.fromkeys(read):
        other = found.get(cell)
        if other is None:
            return None
        mine, theirs = book.patterns.get(cell), book.patterns.get(other)
        if mine is not theirs and (mine and mine.kindred) != (theirs and theirs.kindred):
            return None
        for source, counterpart in zip(sources(cell), sources(other), strict=False):
            plain, plain_counterpart = training.plain(source), training.plain(counterpart)
            if (
                found.setdefault(source, counterpart) != counterpart
                or found.setdefault(plain, plain_counterpart) != plain_counterpart
                or training.kind(source) != training.kind(counterpart)
                or training.before(cell, source) != training.before(other, counterpart)
            ):
                return None
    return found if read and len(set(found.values())) == len(found) else None


def claims(
    training: SheetTraining, weight: WeightColumn, step: int, read: list[Address] | None = None
) -> list[Claim]:
    """What the update after a step may mean by the gradient, the likeliest first.

    The cells that are read in the search are appended to `read`.
    """
    search = _search(training, weight, step, read)
    found = search.results if search else []
    for later in range(step + 1, min(len(weight.steps), FIRST_STEPS)):
        after = _like_later(training, weight, found, step, later)
        if after and (step == 0 or {f.owner for f in after}.isdisjoint(f.owner for f in found)):
            found = [*after, *found]
            break
    return list(dict.fromkeys(found))


def _search(
    training: SheetTraining, weight: WeightColumn, step: int, read: list[Address] | None = None
) -> GradientSearch | None:
    base, home = weight.steps[step]
    said = said_in(training.book, home)
    if said is None or weight.stray:
        return None
    spend(READ * count_parts(said))
    search = GradientSearch(training, weight.every_cell, base, [] if read is None else read)
    search.read.append(home)
    added = change(training.book.patterns[home], base, home)
    test = _choosing_test(training, said, home)
    if test is not None and added:
        added = ((1, Call("IF", (test, total(added), Number(0.0)))),)
    search.follow(added, Trail((home,)))
    if search.sums_lists and not search.results:
        search.claim_whole(added, Trail((home,)))
    return search


def _choosing_test(training: SheetTraining, said: Expression, home: Address) -> Expression | None:
    """The condition of an update that only some steps make, as the row of a name that the forward
    pass looks up; not one that excludes a step, such as the first."""
    match said:
        case Call("IF", (Infix("=") as test, Infix(), Reference())):
            return test if _is_choice(training, test, home) else None
    return None


def _is_choice(training: SheetTraining, test: Expression, home: Address) -> bool:
    """Whether no weight decides a condition, and the forward pass uses its cells."""
    users = (training.flow.users.get(cell, ()) for cell in training.cells_in(test, home))
    is_used = not training.computed_cells.isdisjoint(chain.from_iterable(users))
    return is_used and not training.varies(test, home)


def _like_later(
    training: SheetTraining, weight: WeightColumn, first: Sequence[Claim], step: int, later: int
) -> list[Claim]:
    """The claims of one of the first updates, if it means the same as a later one: its formulas may
    be simpler, because there is little to remember yet."""
    home, back = weight.updates[step], (later - step) * weight.stride
    known = {claim.owner: claim for claim in reversed(first) if claim.whole}
    likely = []
    second = _search(training, weight, later)
    for claim in second.results if second and second.remembers else ():
        via = tuple(cell - back for cell in claim.via)
        owner = claim.owner - back
        if via and not training.flow.reaches([home], owner.__eq__, MEMORY):
            # perhaps the second step uses the gradient of another weight by mistake, and the first
            # formula without memory uses only one cell of its step
            sources = training.computed_cells.intersection(training.flow.sources(via[-1]))
            alone = sources - training.looking_back
            owner = next(iter(alone)) if len(alone) == 1 else owner
        said = said_in(training.book, owner)
        if claim.whole and owner in known:
            likely.append(known[owner])
        elif claim.whole and said is not None and owner in training.computed_cells:
            likely.append(Claim(owner, said, True, claim.sign, via))
    return likely
