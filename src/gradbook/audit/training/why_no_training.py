"""Workbooks that train no weight: pasted gradients, exercises, frozen or unfinished sheets.

Also forward passes alone: sums of products, and their activations.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gradbook.audit.findings import (
    FORWARD_PASS,
    FROZEN,
    NO_NETWORK,
    NO_WEIGHT,
    TO_FILL_IN,
    UNFINISHED,
    WRONG,
    Finding,
    SheetReport,
    finding_in,
    only_the_change,
)
from gradbook.audit.heading_words import DERIVATIVE, EMBEDDING, LAYER, calls
from gradbook.audit.training.sheet_training import SheetTraining, is_called_rate, trainings_of
from gradbook.audit.training.weight_columns import (
    WeightColumn,
    cell_of,
    change,
    columns_that_learn,
    heading,
    said_in,
    update_lines,
)
from gradbook.cells.book import LONG, Book
from gradbook.cells.budget import spend
from gradbook.cells.evaluate import as_node
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import ACROSS, DOWN, Address, name_of, ranges, sheet_of
from gradbook.cells.formula.expression import factors, parts, references, terms
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import Pattern, anchor
from gradbook.cells.formula.syntax import Call, Number
from gradbook.graph.node import Node, ancestors
from gradbook.language.message import Message, joined, message_count

# Trainings with pasted gradients ------------------------------------------------------

# in a heading: δ, but not Δ alone, which is a step of time
GRADIENT = re.compile(r"∂|d[a-z]{0,20}_?\d{0,9}/?d_?w|(d|Δ)_?w|(?-i:δ)", re.IGNORECASE)


def with_pasted_gradients(
    book: Book, flow: Flow, others: Sequence[SheetTraining]
) -> list[SheetTraining]:
    """The trainings, beside others, whose updates use numbers from cells of their own."""
    sheets = {training.sheet for training in others}
    names = {name for training in others for name in training.names}
    columns = [
        line
        for line in _long_lines(book)
        if sheet_of(line.start) not in sheets and _takes_pasted(book, flow, line, names)
    ]
    return trainings_of(book, flow, columns) if len(columns) > 1 else []


def _long_lines(book: Book) -> Iterator[WeightColumn]:
    return (line for line in update_lines(book) if len(line.cells) >= FEWEST)


def _takes_pasted(book: Book, flow: Flow, line: WeightColumn, names: Collection[str]) -> bool:
    """Whether a line has a weight's heading, or the numbers in its updates have a gradient's, and
    something else is computed from it."""
    values, patterns = book.values, book.patterns
    mentioned = (cell for step in line.steps for cell in _along_with(book, *step))
    pasted = [c for c in mentioned if c not in patterns and isinstance(values.get(c), float)]
    if len(pasted) < len(line.cells) - 1 or len({values[cell] for cell in pasted}) < 2:
        return False
    used = any(user not in line.cells for user in flow.users.get(line.start, ()))
    called = heading(book, line) in names or is_gradient(book.label(pasted[0], line.axis))
    return bool(used and called)


def _along_with(book: Book, base: Address, home: Address) -> Iterator[Address]:
    """The cells that an update adds to its base, and that advance with it from step to step."""
    pattern = book.patterns[home]
    for _, part in change(pattern, base, home):
        for place in map(pattern.place_of, references(part)):
            at = place.at(home) if place and place.moves else None
            if at is not None:
                yield at


# Classifying a workbook without a training ----------------------------------------------

WEIGHT = re.compile(r"w_?\d+(_\d+)?|b_?\d+", re.IGNORECASE)
FEW_WEIGHTS = 2
FEWEST = 3  # cells of a weight that is updated
MANY_ROWS = 3  # numbers below a weight's heading that differ
NEAR = 4000  # cells to search between a weight and its predecessor
MOST_SLOPES = 40  # cells that are listed
NUMBERS_ONLY = Message(
    "the table contains only numbers: the formulas were replaced by their values, "
    "so nothing can be checked"
)
SOLVER = "solver_adj", "solver_opt"  # the cells to change, and the objective
UPDATE = "w − η·∂E/∂w"
WITHOUT_TARGET = Message(
    "the weights change with their inputs and outputs alone, as in Hebb's rule: without a target "
    "or a loss there is no gradient to check"
)
FORWARD_ONLY = Message("no training by formulas: a forward pass, but no weight is updated")
NO_UPDATE = Message("no weight is updated anywhere, so there is no gradient to check")


def without_training(book: Book, flow: Flow) -> list[SheetReport]:
    """The exercises; otherwise sheets whose weights the Solver adjusts, sheets with headings of
    weights and gradients but no training, and sheets that only compute a forward pass."""
    exercises = _exercises(book)
    if exercises:
        return exercises
    found = {report.sheet: report for report in (*_with_such_headings(book, flow), *_solved(book))}
    for forward in forward_passes(book, flow, _texts(book)):
        known = found.get(forward.report.sheet)
        if known is None or (known.notes == (FORWARD_ONLY,) and not forward.has_loss):
            found[forward.report.sheet] = forward.report
    return list(found.values())


def _solved(book: Book) -> list[SheetReport]:
    """The sheets with weights for the Solver, recognised by the names that it stores."""
    found = []
    for number, sheet in enumerate(book.sheets):
        sought, best = (book.names.get(f"{number}!{name}") for name in SOLVER)
        if sought:
            note = (
                Message(
                    "no training by formulas: the Solver seeks {weights} for the best {loss}",
                    weights=sought,
                    loss=best,
                )
                if best
                else Message("no training by formulas: the Solver seeks {weights}", weights=sought)
            )
            found.append(SheetReport(sheet.title, NO_NETWORK, notes=(note,)))
    return found


def trained_out_of_sight(book: Book, flow: Flow, is_any_in_sight: bool) -> str:
    """A note that names the hidden sheets on which weights are trained; '' if there are none, or if
    each of them is used by a visible sheet on which weights are trained."""
    hidden = {number for number, sheet in enumerate(book.sheets) if sheet.is_hidden}
    serving = set[int]()
    if hidden and is_any_in_sight:
        corners = (c for pattern in set(book.in_sight().values()) for c in pattern.corners)
        serving = {corner.sheet for corner in corners if corner.sheet is not None}
    if hidden <= serving:
        return ""
    turned = [replace(sheet, is_hidden=not sheet.is_hidden) for sheet in book.sheets]
    behind = replace(book, sheets=turned)
    learning = columns_that_learn(behind, flow, _long_lines(behind))
    sheets = {sheet_of(line.start) for line in learning}
    titles = [book.sheets[number].title for number in sorted(sheets & hidden - serving)]
    if not titles:
        return ""
    return message_count(
        "weights are trained on the hidden sheet {sheets}, which isn't judged while hidden",
        "weights are trained on the hidden sheets {sheets}, which aren't judged while hidden",
        len(titles),
        sheets=", ".join(titles),
    )


# Updates whose gradients haven't been filled in yet -------------------------------------


def _exercises(book: Book) -> list[SheetReport]:
    """The sheets whose weights are updated by blank cells, with those cells.

    A copy of a sheet that has the same weights and a learning rate in every row, like the sheet
    behind the comparison of learning rates, isn't an exercise.
    """
    waiting: defaultdict[int, list[tuple[WeightColumn, list[Address]]]] = defaultdict(list)
    has_rates: set[int] = set()  # sheets on which the first update also uses a number
    for line in _long_lines(book):
        taken = [cell for step in line.steps for cell in _along_with(book, *step)]
        blank = [cell for cell in taken if book.is_blank(cell)]
        if len(blank) >= FEWEST - 1 and _may_be_a_weight(book, line, blank[0]):
            sheet = sheet_of(line.start)
            if not waiting[sheet] and not {*_along_with(book, *line.steps[0])} <= {*blank}:
                has_rates.add(sheet)
            waiting[sheet].append((line, blank))
    reports = [(sheet, _exercise(book, sheet, lines)) for sheet, lines in sorted(waiting.items())]
    first = {report.weights: sheet for sheet, report in reversed(reports)}
    return [r for sheet, r in reports if first[r.weights] == sheet or sheet not in has_rates]


def _may_be_a_weight(book: Book, line: WeightColumn, blank: Address) -> bool:
    """Whether its update multiplies the blank cell, or the heading is a gradient's: otherwise it is
    one of the many tables that add something up."""
    pattern = book.patterns[line.updates[0]]
    factored = (factors(part).parts for _, part in change(pattern, line.start, line.updates[0]))
    is_product = any(len(some) > 1 for some in factored)
    return is_product or is_gradient(book.label(blank, line.axis))


def _exercise(
    book: Book, sheet: int, lines: Sequence[tuple[WeightColumn, list[Address]]]
) -> SheetReport:
    """One finding for each weight, even if several tables of the sheet need its gradient."""
    blanks: defaultdict[str, list[Address]] = defaultdict(list)
    for line, blank in lines:
        blanks[heading(book, line)] += blank
    findings = tuple(
        finding_in(
            book,
            cells,
            TO_FILL_IN,
            quantity=f"∂E/∂{name}",
            why=Message("the gradient of {weight} is still to be filled in", weight=name),
            weight=name,
        )
        for name, cells in blanks.items()
    )
    return SheetReport(
        book.sheets[sheet].title, UNFINISHED, weights=tuple(blanks), findings=findings
    )


# Headings of a training, but no training ------------------------------------------------


def frozen_sheets(
    book: Book, flow: Flow, judged: Collection[int], names: Collection[str]
) -> list[SheetReport]:
    """Sheets, other than those already judged, with a table of the same weights as numbers only."""
    found = _with_such_headings(book, flow, judged)
    return [
        sheet
        for sheet in found
        if sheet.verdict == FROZEN and len(set(names) & set(sheet.weights)) >= FEW_WEIGHTS
    ]


def _with_such_headings(book: Book, flow: Flow, but: Collection[int] = ()) -> list[SheetReport]:
    texts = sorted((sheet, own) for sheet, own in _texts(book).items() if sheet not in but)
    found = (_with_headings(book, flow, sheet, own) for sheet, own in texts)
    return [sheet for sheet in found if sheet is not None]


def _texts(book: Book) -> dict[int, dict[Address, str]]:
    """The typed texts of each visible sheet."""
    found: defaultdict[int, dict[Address, str]] = defaultdict(dict)
    for cell, value in book.values.items():
        seen = not book.sheets[sheet_of(cell)].is_hidden
        if isinstance(value, str) and cell not in book.patterns and seen:
            found[sheet_of(cell)][cell] = value.strip()
    return found


def _with_headings(
    book: Book, flow: Flow, sheet: int, texts: Mapping[Address, str]
) -> SheetReport | None:
    """A report on a sheet with headings of weights, and of gradients or a network with them."""
    weights = {cell: text for cell, text in texts.items() if WEIGHT.fullmatch(text)}
    numbers = [numbers for cell in weights for numbers in _numbers(book, cell)]
    used = any(cell in flow.users for cells in numbers for cell in cells)
    gradients = any(is_gradient(text) for text in texts.values() if len(text) < LONG)
    if len(weights) < FEW_WEIGHTS or not (gradients or used):
        return None
    vary = any(len({book.values[cell] for cell in cells}) >= MANY_ROWS for cells in numbers)
    going_on = _going_on(book, flow, weights)
    changes = tuple(_only_changes(book, weights))
    notes: tuple[str, ...] = ()
    verdict = UNFINISHED
    if changes:
        verdict = WRONG
    elif gradients and vary and not used:
        verdict, notes = FROZEN, (NUMBERS_ONLY,)
    elif going_on is not None and _learns_without_target(book, flow, weights):
        verdict, notes = NO_NETWORK, (WITHOUT_TARGET,)
    elif going_on is not None:
        note = Message(
            "{cell} continues from the cell before, but not by {update}",
            cell=book.name_of(going_on),
            update=UPDATE,
        )
        notes = (note,)
    else:
        notes = (_without_updates(book, sheet, used),)
    names = tuple(dict.fromkeys(weights.values()))
    title = book.sheets[sheet].title
    return SheetReport(title, verdict, weights=names, notes=notes, findings=changes)


def is_gradient(heading: str) -> bool:
    return bool(GRADIENT.search(heading)) or calls(DERIVATIVE, heading)


def _numbers(book: Book, start: Address) -> Iterator[list[Address]]:
    """The typed numbers below a heading, and those on its right."""
    for axis in (DOWN, ACROSS):
        found = []
        cell = start + axis.step
        while isinstance(book.values.get(cell), float) and cell not in book.patterns:
            found.append(cell)
            cell += axis.step
        yield found


def _going_on(book: Book, flow: Flow, headings: Iterable[Address]) -> Address | None:
    """A formula below a heading, or on its right, that depends on the previous cell."""
    for start in headings:
        for axis in (DOWN, ACROSS):
            before, cell = start + axis.step, start + 2 * axis.step
            is_used = cell in book.patterns and before in flow.users
            if is_used and flow.reaches([cell], before.__eq__, NEAR):
                return cell
    return None


def _learns_without_target(book: Book, flow: Flow, headings: Iterable[Address]) -> bool:
    """Whether all that is computed from weights are sums over their inputs, and nothing but these,
    the weights, their inputs and one rate enters the updates."""
    starts = {cell + axis.step for cell in headings for axis in (DOWN, ACROSS)}
    lines = [line for line in _long_lines(book) if line.start in starts]
    weights = {cell for line in lines for cell in line.cells}
    outputs = flow.below(weights) - weights
    inputs = set[Address]()
    for cell in outputs:
        pattern = book.patterns[cell]
        for _, part in terms(pattern.expression) if pattern.expression else ():
            mentions = (pattern.mentions.get(one.text) for one in references(part))
            mentioned = {*flow.mentioned_cells(mentions, cell)}
            if weights.isdisjoint(mentioned):
                return False
            inputs |= mentioned
    behind = flow.behind({update for line in lines for update in line.updates}, weights)
    others = behind - weights - outputs - inputs
    return bool(outputs) and len(others) == 1 and is_called_rate(book, *others)


def _only_changes(book: Book, headings: Mapping[Address, str]) -> Iterator[Finding]:
    """Findings for columns of weights that begin with a number and continue with only the learning
    rate times a gradient."""
    for heading_cell, name in headings.items():
        start = heading_cell + DOWN.step
        column = [start + DOWN.step]
        first = column[0]
        said = said_in(book, first)
        if said is None or len(terms(said)) != 1 or not isinstance(book.values.get(start), float):
            continue
        split = factors(terms(said)[0][1])
        cells = [cell_of(book, factor.part, first) for factor in split.parts if factor.above]
        called = {cell: is_gradient(book.label(cell, DOWN)) for cell in cells if cell is not None}
        if len(cells) != 2 or sorted(called.values()) != [False, True]:
            continue
        rate, gradient = sorted(called, key=called.__getitem__)
        if is_called_rate(book, rate):
            while book.patterns.get(column[-1] + DOWN.step) is book.patterns[first]:
                column.append(column[-1] + DOWN.step)
            rate_cell, slope = (book.name_of(cell, first) for cell in (rate, gradient))
            meant = f"{name_of(start)}-{anchor(rate_cell)}*{slope}"
            right = book.reader.read_typed(meant, first)
            why = only_the_change(name)
            yield finding_in(book, column, NO_WEIGHT, name, why, weight=name, right=right)


def _without_updates(book: Book, sheet: int, used: bool) -> str:
    """A note on the content of a sheet that updates no weight."""
    slopes = [
        cell
        for cell in book.patterns
        if sheet_of(cell) == sheet
        and any(is_gradient(book.label(cell, axis)) for axis in (DOWN, ACROSS))
    ]
    if not used and not slopes:
        return NO_UPDATE
    if not slopes:
        return FORWARD_ONLY
    where = f"{ranges(slopes[:MOST_SLOPES])}{' …' if len(slopes) > MOST_SLOPES else ''}"
    if used:
        return Message(
            "no training by formulas: a forward pass and slopes in {cells}, "
            "but no weight is updated",
            cells=where,
        )
    return Message(
        "no training by formulas: slopes in {cells}, but no weight is updated", cells=where
    )


# Forward passes ---------------------------------------------------------------------------

SURE = ("sigmoid", "tanh", "softmax")  # hardly used of sums for anything else
RELU, LOOKUP = "ReLU", "lookup"
LOOKUPS = {"INDEX", "VLOOKUP", "HLOOKUP", "XLOOKUP", "_XLFN.XLOOKUP", "OFFSET"}
NETWORK = re.compile(  # texts beside layers that are rare elsewhere
    r"hidden (layer|unit|node|neuron|state)|neuron|\brelu|sigmoid|tanh|softmax|attention (weight|"
    r"score|head|matrix)|self-attention|embed|convol|\bconv\d*d?\b|perceptron|\blstm\b|\bgru\b|"
    r"\brnn\b|transformer|encoder|decoder|feature map|logits|forward pass|activation function",
    re.IGNORECASE,
)
FEWEST_PRODUCTS = 2  # products in a sum
FEW_STEPS = 3  # between an activation and its sum, such as a bias, a scale or a mask
MOST_FORMULAS = 2000  # different ones that are examined
MOST_SOURCES = 20_000  # in all of them together
ADDS = ("add", "subtract")
SQUARES = ("power", "square", "multiply")


@dataclass(frozen=True)
class FormulaPart:
    """What a formula has in common with a layer of a network."""

    is_sum: bool = False
    activation: str = ""
    is_loss: bool = False  # a loss or part of one: a squared difference, a logarithm


@dataclass(frozen=True)
class ForwardPass:
    """The report on a sheet with a forward pass, and whether it compares outputs."""

    report: SheetReport
    has_loss: bool


def forward_passes(
    book: Book, flow: Flow, texts: Mapping[int, Mapping[Address, str]]
) -> list[ForwardPass]:
    """The sheets that compute a forward pass without updating weights; `texts` has the typed texts
    of each sheet."""
    doing = _formula_parts(book, flow)
    sums = {cell for cell, part in doing.items() if part.is_sum}
    trained = _lines_going_on(book)
    if not trained.isdisjoint(flow.behind(sums)):
        return []
    found = []
    for sheet in sorted({sheet_of(cell) for cell in doing}):
        own = {cell: part for cell, part in doing.items() if sheet_of(cell) == sheet}
        words = texts.get(sheet, {}).values()
        if _is_forward(flow, own, sums, words):
            title = book.sheets[sheet].title
            report = SheetReport(title, FORWARD_PASS, notes=(_summary(book, title, own),))
            found.append(ForwardPass(report, any(part.is_loss for part in own.values())))
    return found


def _is_forward(
    flow: Flow, own: Mapping[Address, FormulaPart], sums: set[Address], words: Iterable[str]
) -> bool:
    """Whether sums are activated as in networks only, or as elsewhere but with a network's
    words."""
    activated = {
        part.activation
        for cell, part in own.items()
        if part.activation and (part.is_sum or _is_made_of_sum(flow, cell, sums))
    }
    if not activated.isdisjoint(SURE):
        return True
    called = [word for word in words if NETWORK.search(word) or calls(LAYER, word)]
    embeds = any(calls(EMBEDDING, word) for word in called)
    looks_up = any(part.activation == LOOKUP for part in own.values())
    return bool(called and any(part.is_sum for part in own.values())) or (embeds and looks_up)


def _is_made_of_sum(flow: Flow, cell: Address, sums: set[Address]) -> bool:
    behind = {cell}
    for _ in range(FEW_STEPS):
        behind = {source for at in behind for source in flow.sources(at)}
        if not sums.isdisjoint(behind):
            return True
    return False


def _summary(book: Book, title: str, own: Mapping[Address, FormulaPart]) -> str:
    """What a sheet computes, in words; without counts if some rows aren't kept."""
    kinds = Counter(part.activation for part in own.values() if part.activation)
    lookups = kinds.pop(LOOKUP, 0)
    sums = sum(part.is_sum for part in own.values())
    each = (
        (Message("sums"), message_count("{number} sum", "{number} sums", sums, number=f"{sums:,}")),
        (
            Message("lookups"),
            message_count("{number} lookup", "{number} lookups", lookups, number=f"{lookups:,}"),
        ),
        (
            Message("activations"),
            message_count(
                "{number} activation",
                "{number} activations",
                kinds.total(),
                number=f"{kinds.total():,}",
            ),
        ),
    )
    done = [uncounted if book.not_kept else what for uncounted, what in each if what.amount]
    named = joined(", ", done)
    if kinds:
        named = Message("{parts} ({names})", parts=named, names=", ".join(kinds))
    return Message(
        "{sheet} computes a forward pass: {parts}; no weight is trained", sheet=title, parts=named
    )


def _lines_going_on(book: Book) -> set[Address]:
    """The cells of lines in which something computed is added from cell to cell, as for weights."""
    return {
        cell
        for line in _long_lines(book)
        for base, home in line.steps[:1]
        if any(not isinstance(part, Number) for _, part in change(book.patterns[home], base, home))
        for cell in line.cells
    }


# What a formula computes ----------------------------------------------------------------


def _formula_parts(book: Book, flow: Flow) -> dict[Address, FormulaPart]:
    """For each visible formula that could be part of a layer, which part."""
    cells: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in book.in_sight().items():
        cells[pattern].append(cell)
    found: dict[Address, FormulaPart] = {}
    left = MOST_SOURCES
    for pattern in list(cells)[:MOST_FORMULAS]:
        home = cells[pattern][0]
        left -= len(flow.sources(home))
        part = _part(flow, pattern, home) if left > 0 else None
        if part is not None:
            found.update(dict.fromkeys(cells[pattern], part))
    return found


def _part(flow: Flow, pattern: Pattern, home: Address) -> FormulaPart | None:
    if pattern.expression is None:
        return None
    calls = (part.function for part in parts(pattern.expression) if isinstance(part, Call))
    if not LOOKUPS.isdisjoint(calls):
        return FormulaPart(activation=LOOKUP)
    try:
        top, leaves = as_node(flow, pattern, home, defaultdict(float))
    except NotUnderstood:
        return None
    if isinstance(top, str):
        return None
    nodes = ancestors([top])
    spend(len(nodes))
    powers = {leaf for leaf, cell in leaves.items() if _is_power(flow, cell)}
    totals = set[Node]()
    for leaf, cell in leaves.items():
        sources = flow.sources(flow.plain(cell))
        if len(sources) > 1 and all(_is_power(flow, source) for source in sources):
            totals.add(leaf)
    kind = next(filter(None, (_activation(node, powers, totals) for node in nodes)), "")
    inside = {side for node in nodes for side in _added(node)}
    is_sum = any(_products(node) >= FEWEST_PRODUCTS for node in nodes if node not in inside)
    is_loss = any(  # a logarithm, or a squared difference
        node.op.name == "log" or (node.op.name in SQUARES and node.inputs[0].op.name == "subtract")
        for node in nodes
    )
    return FormulaPart(is_sum, kind, is_loss) if is_sum or kind or is_loss else None


def _is_power(flow: Flow, cell: Address) -> bool:
    """Whether a cell contains a power of e."""
    said = said_in(flow.book, flow.plain(cell))
    return isinstance(said, Call) and said.function == "EXP"


def _products(node: Node) -> int:
    """How many products of two varying values a sum adds up."""
    if node.op.name not in ADDS:
        return 0
    added = [part for part in ancestors([node], (), _added) if part.op.name == "multiply"]
    varying = ({side for side in part.inputs if not side.is_constant()} for part in added)
    return sum(len(sides) > 1 for sides in varying)


def _added(node: Node) -> Sequence[Node]:
    """The operands of a sum."""
    return node.inputs if node.op.name in ADDS else ()


def _activation(node: Node, powers: Collection[Node], totals: Collection[Node]) -> str:
    """The activation that a node computes, given which cells are powers of e and which are sums of
    these; '' if it isn't one."""
    match node.op.name, node.inputs:
        case ("sigmoid" | "tanh") as name, _:
            return name
        case "divide", (above, below):
            return _of_powers(above, below, powers, totals)
        case "choose", (condition, then, otherwise):
            tested = ancestors([condition])
            if any(
                value in tested and not value.is_constant() and _is_leak(low, value)
                for value, low in ((then, otherwise), (otherwise, then))
            ):
                return RELU
        case "largest", (a, b) if _is_leak(a, b) or _is_leak(b, a):
            return RELU
    return ""


def _is_leak(low: Node, value: Node) -> bool:
    """Whether `low` is what ReLU gives for a value below 0: 0, or a small fraction of it."""
    is_share = low.op.name == "multiply" and value in low.inputs
    return low.is_constant(0) or (is_share and any(side.is_constant() for side in low.inputs))


def _of_powers(above: Node, below: Node, powers: Collection[Node], totals: Collection[Node]) -> str:
    """Softmax, sigmoid or tanh, recognised by powers of e."""

    def is_power(node: Node) -> bool:
        return node.op.name == "exp" or node in powers

    if above.op.name == "subtract" and above.inputs == below.inputs:
        return "tanh" if all(map(is_power, above.inputs)) else ""
    if not is_power(above):
        return ""
    added = [node for node in ancestors([below], (), _added) if node.op.name not in ADDS]
    if len(added) == 2 and above in added and any(term.is_constant(1) for term in added):
        return "sigmoid"
    is_total = below in totals or (len(added) > 1 and all(map(is_power, added)))
    return "softmax" if is_total else ""
