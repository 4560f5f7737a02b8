"""Sheets that compute a forward pass alone: sums of products, and activations of these."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gradbook.audit.budget import spend
from gradbook.audit.findings import FORWARD_PASS, SheetReport
from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.expression import parts
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.training.weight_columns import change, said_in, update_lines
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.evaluate import as_node
from gradbook.audit.workbook.flow import Flow
from gradbook.audit.workbook.heading_words import EMBEDDING, LAYER, calls
from gradbook.graph.node import Node, ancestors
from gradbook.language.message import Message, joined, message_count
from gradbook.targets.excel.language import Call, Number

SURE = ("sigmoid", "tanh", "softmax")  # of a sum: hardly anybody else takes them
RELU, LOOKUP = "ReLU", "lookup"
LOOKUPS = {"INDEX", "VLOOKUP", "HLOOKUP", "XLOOKUP", "_XLFN.XLOOKUP", "OFFSET"}
NETWORK = re.compile(  # what people write beside layers, and hardly anywhere else
    r"hidden (layer|unit|node|neuron|state)|neuron|\brelu|sigmoid|tanh|softmax|attention (weight|"
    r"score|head|matrix)|self-attention|embed|convol|\bconv\d*d?\b|perceptron|\blstm\b|\bgru\b|"
    r"\brnn\b|transformer|encoder|decoder|feature map|logits|forward pass|activation function",
    re.IGNORECASE,
)
FEWEST_PRODUCTS = 2  # of a sum
FEW_STEPS = 3  # from an activation back to its sum: a bias, a scale, a mask may stand between
MOST_FORMULAS = 2000  # different ones that are looked at
MOST_SOURCES = 20_000  # that all of them mention
ADDS = ("add", "subtract")
FEWEST = 3  # cells of a line that goes on from cell to cell


@dataclass(frozen=True)
class FormulaPart:
    """What a formula does that a network's layer may do."""

    is_sum: bool = False
    activation: str = ""
    is_loss: bool = False  # or a part of one: a difference squared, a logarithm


@dataclass(frozen=True)
class ForwardPass:
    """What is said of a sheet with a forward pass, and whether outputs are compared there."""

    report: SheetReport
    has_loss: bool


def forward_passes(
    book: Book, flow: Flow, texts: Mapping[int, Mapping[Address, str]]
) -> list[ForwardPass]:
    """The sheets that compute a forward pass while nothing goes on to other weights; `texts` are
    what is typed on each."""
    doing = _formula_parts(book, flow)
    sums = {cell for cell, part in doing.items() if part.is_sum}
    trained = _going_on(book)
    if not trained.isdisjoint(flow.behind(sums)):
        return []
    found = []
    for sheet in sorted({sheet_of(cell) for cell in doing}):
        own = {cell: part for cell, part in doing.items() if sheet_of(cell) == sheet}
        words = texts.get(sheet, {}).values()
        if _is_forward(flow, own, sums, words):
            title = book.sheets[sheet].title
            report = SheetReport(title, FORWARD_PASS, notes=(_told(book, title, own),))
            found.append(ForwardPass(report, any(part.is_loss for part in own.values())))
    return found


def _is_forward(
    flow: Flow,
    own: Mapping[Address, FormulaPart],
    sums: set[Address],
    words: Iterable[str],
) -> bool:
    """Whether sums are activated as only networks do, or as others might but for what is written
    beside them."""
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


def _told(book: Book, title: str, own: Mapping[Address, FormulaPart]) -> str:
    """What a sheet computes, in words; without counts where not all of its rows are kept."""
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
        "{sheet} computes a forward pass: {parts}; nothing in it trains", sheet=title, parts=named
    )


def _going_on(book: Book) -> set[Address]:
    """The cells of lines that go on from cell to cell by something computed, as weights may."""
    return {
        cell
        for line in update_lines(book)
        if len(line.cells) >= FEWEST
        for base, home in line.steps[:1]
        if any(not isinstance(part, Number) for _, part in change(book.patterns[home], base, home))
        for cell in line.cells
    }


# What a formula does ------------------------------------------------------------------


def _formula_parts(book: Book, flow: Flow) -> dict[Address, FormulaPart]:
    """What each formula in sight does that layers do."""
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
        top, leaves = as_node(flow, pattern, home, defaultdict(float), lambda _: True)
    except NotUnderstood:
        return None
    if isinstance(top, str):
        return None
    nodes = ancestors([top])
    spend(len(nodes))
    powers = {leaf for leaf, cell in leaves.items() if _is_power(flow, cell)}
    totals = {leaf for leaf, cell in leaves.items() if _adds_powers(flow, cell)}
    kind = next(filter(None, (_activation(node, powers, totals) for node in nodes)), "")
    is_sum = any(_products(node) >= FEWEST_PRODUCTS for node in nodes)
    is_loss = any(map(_is_of_loss, nodes))
    return FormulaPart(is_sum, kind, is_loss) if is_sum or kind or is_loss else None


def _is_of_loss(node: Node) -> bool:
    """Whether a node is a difference, squared, or a logarithm."""
    is_square = node.op.name in ("power", "square", "multiply")
    return node.op.name == "log" or (is_square and node.inputs[0].op.name == "subtract")


def _is_power(flow: Flow, cell: Address) -> bool:
    """Whether a cell holds a power of e."""
    said = said_in(flow.book, flow.plain(cell))
    return isinstance(said, Call) and said.function == "EXP"


def _adds_powers(flow: Flow, cell: Address) -> bool:
    sources = flow.sources(flow.plain(cell))
    return len(sources) > 1 and all(_is_power(flow, source) for source in sources)


def _products(node: Node) -> int:
    """How many products of two things that vary a sum adds up."""
    if node.op.name not in ADDS:
        return 0
    added = [part for part in ancestors([node], (), _added) if part.op.name == "multiply"]
    varying = ({side for side in part.inputs if not side.is_constant()} for part in added)
    return sum(len(sides) > 1 for sides in varying)


def _added(node: Node) -> Sequence[Node]:
    """What a sum adds up."""
    return node.inputs if node.op.name in ADDS else ()


def _activation(node: Node, powers: Collection[Node], totals: Collection[Node]) -> str:
    """The activation that a node is, knowing which cells are powers of e and totals of such; ''
    of others."""
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
    """Whether that is what ReLU makes of a value below 0: 0, or a small share of it."""
    is_share = low.op.name == "multiply" and value in low.inputs
    return low.is_constant(0) or (is_share and any(side.is_constant() for side in low.inputs))


def _of_powers(above: Node, below: Node, powers: Collection[Node], totals: Collection[Node]) -> str:
    """Softmax, or a sigmoid or tanh by its powers of e."""

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
