"""A pass as C functions: formulas over rows of places, and the loop that reads and finishes rows.

If a loop reads a row value by value, what is constant along it goes into a `struct line`. Its
formulas then run in registers where a value is needed, and nothing is stored in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gradbook.graph.node import Node
from gradbook.targets.c.c_ops import word
from gradbook.targets.c.convolutions import places, window_of
from gradbook.targets.c.pass_rows import BatchSum, From, Row, RowValue
from gradbook.targets.c.placing import Pass
from gradbook.targets.c.scope import Members, Names, Piece, Scope, function, indent, literal, sizes

# Formulas over one row ------------------------------------------------------------

LINE_ARRAYS = {"vec *": "rows", "bits *": "drops", "vec": "vectors", "real": "numbers"}


@dataclass(frozen=True)
class CText:
    """A C expression; `vector` has a value per lane, `along` changes along the row."""

    text: str
    vector: bool
    along: bool

    def __str__(self) -> str:
        return self.text

    @property
    def lanes(self) -> str:
        return self.text if self.vector else f"all({self.text})"


@dataclass(frozen=True)
class Declaration:
    """A name for a constant of a row: a number, a vector, or an address of values or bits."""

    kind: str  # real, vec, vec * or bits *
    name: str
    text: str

    def __str__(self) -> str:
        space = "" if self.kind.endswith("*") else " "
        return f"const {self.kind}{space}{self.name} = {self.text};"


@dataclass
class RowText:
    """The lines of a row's values: before its loop and inside; `terms` are their names."""

    scope: Scope
    names: Names = field(default_factory=Names)
    before: list[Declaration] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    terms: dict[Node, CText] = field(default_factory=dict)

    @classmethod
    def of(cls, row: Row, scope: Scope) -> RowText:
        text = cls(scope)
        for value in row.values:
            text.terms[value.node] = text._term(value)
        return text

    def _term(self, value: RowValue) -> CText:
        node, of, named = value.node, value.of, self._named
        match value.comes:
            case From.NUMBER:
                return CText(literal(node.number), vector=False, along=False)
            case From.OTHER:
                return self.terms[of]
            case From.PLACES:
                return CText(self._element(of), vector=False, along=True)
            case From.STEP:
                term = named(node, self._element(of), along=False, vector=False)
            case From.CHANNEL:
                term = named(node, self._unpacked(of, f"*({self.scope.row(of)})"), along=False)
            case From.MEMORY:
                term = named(node, self._loaded(node, of, "h", "w"))
            case From.PLACE:
                term = named(node, self._loaded(node, of, "h", "w", "0"))
            case From.WINDOW:
                rows, columns = window_of(node).size
                term = named(node, self._loaded(node, of, f"(h / {rows})", f"w / {columns}"))
            case From.LOOP:
                term = named(node, "row[w]")
            case From.FORMULA:
                term = self._formula(node)
        return term

    def _element(self, node: Node) -> str:
        """An element of a value of the step: that of channel c, or the only one."""
        array = self.scope.array(node)
        if not node.shape:
            return f"{array}[0]"
        if len(node.shape) == 1:
            return f"{array}[c]"
        _, height, width = places(node)
        return f"{array}[(c * {height} + h) * {width} + w]"

    def _loaded(self, node: Node, source: Node, h: str, w: str, c: str = "c") -> str:
        name = self.names.of(node, self.scope.titles[node])
        kind = "vec *" if self.scope.bits_scale(source) is None else "bits *"
        self.before.append(Declaration(kind, f"{name}_row", self.scope.row(source, h, c)))
        return self._unpacked(source, f"{name}_row[{w}]")

    def _unpacked(self, node: Node, load: str) -> str:
        """The loaded value, which may have been stored as bits."""
        scale = self.scope.bits_scale(node)
        return load if scale is None else f"where_set({load}, {scale})"

    def _formula(self, node: Node) -> CText:
        terms = [self.terms[source] for source in node.inputs]
        along = any(term.along for term in terms)
        if not any(term.vector for term in terms):
            terms[0] = replace(terms[0], text=terms[0].lanes, vector=True)
        return self._named(node, word(node).vectors.format(*terms), along=along)

    def _named(self, node: Node, text: str, along: bool = True, vector: bool = True) -> CText:
        """Give the value a name of its own: inside the loop, or before it if it stays the same."""
        name = self.names.of(node, self.scope.titles[node])
        kind = "vec" if vector else "real"
        if along:
            self.inside.append(f"const {kind} {name} = {text};")
        else:
            self.before.append(Declaration(kind, name, text))
        return CText(name, vector, along)

    def loop(self, width: int, sums: Sequence[BatchSum], stores: Sequence[str]) -> list[str]:
        """The loop over w, which adds to sums and stores values."""
        before, inside, after = self._summing(sums)
        return [
            *before,
            *map(str, self.before),
            f"for (int w = 0; w < {width}; w++) {{",
            *indent([*self.inside, *inside, *stores]),
            "}",
            *after,
        ]

    def _summing(self, sums: Sequence[BatchSum]) -> tuple[list[str], list[str], list[str]]:
        """The lines of sums before a row's loop, inside and after it.

        Each row's sum begins at 0, so that small values aren't lost in a long sum.
        """
        before: list[str] = []
        inside: list[str] = []
        after: list[str] = []
        for batch_sum in sums:
            if batch_sum.beside:
                continue
            value, total = (
                self.terms[batch_sum.x].lanes,
                f"at->{self.scope.partial(batch_sum.node)}[c]",
            )
            title = self.scope.titles[batch_sum.x]
            if batch_sum.squares:
                name = self.names.of(("moments", batch_sum.node), f"{title}_moments")
                off = self.names.of(("off", batch_sum.node), f"{title}_off")
                before.append(f"struct moments {name} = {{.pivot = {total}.pivot}};")
                inside += [
                    f"if (h + w == 0) {name}.pivot = {value};",
                    f"const vec {off} = {value} - {name}.pivot;",
                    f"{name}.sum += {off};",
                    f"{name}.squares += {off} * {off};",
                ]
                after.append(f"add_moments(&{total}, &{name});")
            else:
                name = self.names.of(("sum", batch_sum.node), f"sum_{title}")
                before.append(f"vec {name} = {{0}};")
                inside.append(f"{name} += {value};")
                after.append(f"{total} += {name};")
        return before, inside, after


# The functions of a row -----------------------------------------------------------


def reader(name: str, row: Row, scope: Scope) -> str:
    """The function that gives a heavy op one row: in place, or computed into `room`."""
    head = f"static const vec *{name}(struct place *at, int h, int c, vec *room)"
    parameters = ("at", "h", "c", "room")
    assert row.result is not None
    if not row.values:
        return function(head, [f"return {scope.row(row.result)};"], parameters)
    text = RowText.of(row, scope)
    to = f"vec *to = {scope.row(row.result) if row.stores else 'room'};"
    store = f"to[w] = {text.terms[row.result].lanes};"
    loop = text.loop(places(row.result)[2], row.sums, [store])
    return function(head, [to, *loop, "return to;"], parameters)


def finisher(name: str, row: Row, width: int, scope: Scope) -> str:
    """The function that is called with each row that a pass makes: it stores values and sums."""
    text = RowText.of(row, scope)
    targets, stores = [], []
    for node in row.stores:
        to = text.names.of(("to", node), f"{scope.titles[node]}_to")
        targets.append(f"vec *{to} = {scope.row(node)};")
        stores.append(f"{to}[w] = {text.terms[node].lanes};")
    head = f"static void {name}(struct place *at, int h, int c, const vec *row)"
    return function(head, [*targets, *text.loop(width, row.sums, stores)], ("at", "h", "c", "row"))


def line_functions(name: str, row: Row, scope: Scope) -> Piece:
    """The functions that read a row value by value: `find_`, `value_` and, for sums, `leave_`."""
    assert row.result is not None
    if row.values:
        text = RowText.of(row, scope)
        declared, inside, result = text.before, text.inside, text.terms[row.result].lanes
    else:
        text = RowText(scope)
        declared, inside, result = (
            [Declaration("vec *", "row", scope.row(row.result))],
            [],
            "row[w]",
        )
    count = dict.fromkeys(LINE_ARRAYS, 0)
    find = ["struct line line = {.at = at, .h = h, .c = c};"]
    value = ["struct place *at = line->at;", "const int h = line->h, c = line->c;"]
    for declaration in declared:
        place = f"{LINE_ARRAYS[declaration.kind]}[{count[declaration.kind]}]"
        count[declaration.kind] += 1
        find += [str(declaration), f"line.{place} = {declaration.name};"]
        value.append(str(Declaration(declaration.kind, declaration.name, f"line->{place}")))
    sums = [(f"line->sums[{k}]", batch_sum) for k, batch_sum in enumerate(row.sums)]
    find += [*(f"line.sums[{k}] = (vec){{0}};" for k in range(len(sums))), "return line;"]
    value += [
        *inside,
        *(f"{total} += {text.terms[batch_sum.x].lanes};" for total, batch_sum in sums),
    ]
    value += ["(void)at, (void)h, (void)c;", f"return {result};"]
    texts = [
        function(f"INLINE struct line find_{name}(struct place *at, int h, int c)", find),
        function(f"INLINE vec value_{name}(struct line *line, int w)", value, ("w",)),
    ]
    if sums:
        leave = [f"at->{scope.partial(batch_sum.node)}[c] += {total};" for total, batch_sum in sums]
        head = f"INLINE void leave_{name}(struct place *at, int c, const struct line *line)"
        texts.append(function(head, leave))
    return Piece("\n".join(texts), Members(line={**count, "sum": len(sums)}))


def line_members(most: Mapping[str, int]) -> list[str]:
    """The members of `struct line`, as many as the longest line holds."""
    lines = []
    for kind, name in LINE_ARRAYS.items():
        declared = f"const {kind}" if kind.endswith("*") else f"{kind} "
        lines.append(f"{declared}{name}[{max(most.get(kind, 0), 1)}];")
    return [*lines, f"vec sums[{max(most.get('sum', 0), 1)}];"]


# One pass -------------------------------------------------------------------------

FEWEST_LANES = 4


def pass_text(walk: Pass, scope: Scope) -> Piece:
    parts = scope.plan.rows[walk]
    texts = [Piece(_comment(walk, scope))]
    rows = {"reads": "", "leave": "leave_nothing", "finish": ""}
    if walk.heavy:
        readers, words = _readers(walk, walk.heavy, scope)
        texts += readers
        rows.update(words)
    if parts.finisher:
        rows["finish"] = scope.names["finish", walk.number]
        texts.append(Piece(finisher(rows["finish"], parts.finisher, walk.places[2], scope)))
    opening, closing, sums = _sums(walk, scope)
    if walk.heavy:
        lines, members = _call(walk, walk.heavy, rows, scope)
    else:
        channels, height, _ = walk.places
        lines = [
            f"for (int h = 0; h < {height}; h++)",
            f"    for (int c = 0; c < {channels}; c++) {rows['finish']}(at, h, c, NULL);",
        ]
        members = Members()
    head = f"ACROSS void {scope.names['pass', walk.number]}(struct place *at)"
    texts.append(Piece(function(head, [*opening, *lines, *closing])))
    return Piece(
        "\n".join(text.text for text in texts),
        Members.of_all([*(text.members for text in texts), sums, members]),
    )


def _comment(walk: Pass, scope: Scope) -> str:
    title, parts = scope.titles, []
    if walk.heavy:
        shapes = {x: "×".join(map(str, x.shape)) or "1" for x in walk.heavy.inputs}
        sources = ", ".join(f"{title[x]} {shapes[x]}" for x in walk.heavy.inputs)
        also = f" and {walk.beside.op.name}" if walk.beside else ""
        parts.append(f"{walk.heavy.op.name}{also} of {sources}")
    if walk.stores:
        parts.append("keeps " + ", ".join(f"{title[k]} {sizes(k)}" for k in walk.stores))
    if walk.winners:
        parts.append("notes where each stood")
    if scope.plan.rows[walk].sums:
        parts.append("sums " + ", ".join(title[each.x] for each in scope.plan.rows[walk].sums))
    return f"/* Phase {walk.phase}: {'; '.join(parts)} */"


def _readers(walk: Pass, heavy: Node, scope: Scope) -> tuple[list[Piece], dict[str, str]]:
    """The functions that read a heavy op's inputs, and their names in its loop."""
    texts, names, words = [], [], {}
    for number, row in enumerate(scope.plan.rows[walk].readers):
        name = scope.names["read", (walk.number, number)]
        if scope.kernels[heavy].by_value:
            name = name.removeprefix("read_")
            texts.append(line_functions(name, row, scope))
            names += [f"find_{name}", f"value_{name}"]
            if row.sums:
                words["leave"] = f"leave_{name}"
        else:
            texts.append(Piece(reader(name, row, scope)))
            gather = scope.kernels[heavy].gathers.get(number)
            if gather is not None:
                call, name = gather.format(read=name), f"gather_{name}"
                head = f"static const vec *{name}(struct place *at, int h, int c, vec *room)"
                texts.append(Piece(function(head, [f"return {call};"], ("at", "h", "c", "room"))))
            names.append(name)
    alone = {f"read{number}": name for number, name in enumerate(names)}
    return texts, {"reads": ", ".join(names), **alone, **words}


def _call(walk: Pass, heavy: Node, rows: dict[str, str], scope: Scope) -> tuple[list[str], Members]:
    """The call of a heavy op's loop."""
    kernel, engine, place = scope.kernels[heavy], list[str](), list[str]()
    scratch, gradients, packed, kept = kernel.scratch, "", "", ""
    if kernel.gradients:
        name = scope.partial(heavy)
        engine.append(f"real {name}[GROUPS][{kernel.gradients}];")
        gradients = f"at->e->{name}[at->tile / GROUP]"
    if kernel.kept:
        place.append(f"vec {name}[GROUP * {kernel.kept}];")
        kept = f"at->{name}"
    if kernel.packing:
        name = scope.names["packed", heavy]
        engine.append(f"real {name}[{kernel.packing.size}];")
        scratch = max(scratch, -(-kernel.packing.levelled // FEWEST_LANES))
        packed = f"at->e->{name}"
    winners = scope.whole(walk.winners) if walk.winners else "NULL"
    arrays = {"packed": packed, "kept": kept, "gradients": gradients, "winners": winners}
    call = kernel.call.format(**rows, **arrays)
    return [call], Members(tuple(engine), tuple(place), scratch)


def _sums(walk: Pass, scope: Scope) -> tuple[list[str], list[str], Members]:
    """The lines before a pass, which set its sums to 0, and after it, which add up the lanes."""
    opening, closing = [], []
    engine: list[str] = []
    place: list[str] = []
    for batch_sum in scope.plan.rows[walk].sums:
        if batch_sum.beside:
            continue
        name = scope.partial(batch_sum.node)
        channels, height, width = places(batch_sum.x)
        if batch_sum.squares:
            place.append(f"struct moments {name}[{channels}];")
            engine += [f"real {name}_{what}[TILES][{channels}];" for what in ("mean", "around")]
            closing += [
                f"for (int c = 0; c < {channels}; c++)",
                f"    merge_lanes(&at->{name}[c], {height * width}, at->lanes,",
                f"                &at->e->{name}_mean[at->tile][c],",
                f"                &at->e->{name}_around[at->tile][c]);",
            ]
        else:
            place.append(f"vec {name}[{channels}];")
            engine.append(f"real {name}[TILES][{channels}];")
            closing.append(
                f"sum_lanes(at->{name}, {channels}, at->alive, at->e->{name}[at->tile]);"
            )
        opening.append(f"memset(at->{name}, 0, sizeof at->{name});")
    return opening, closing, Members(tuple(engine), tuple(place))
