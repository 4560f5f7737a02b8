"""The hooks of a pass: what a hand-written loop reads row by row, and what becomes of its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gradbook.errors import TargetError
from gradbook.graph.node import Node
from gradbook.targets.c.emit.arrays import Arrays
from gradbook.targets.c.emit.names import Masks, Names, Scope
from gradbook.targets.c.emit.rows import Declared, Row, line_functions
from gradbook.targets.c.emit.storage import Storage, sizes
from gradbook.targets.c.emit.syntax import function, indented, task
from gradbook.targets.c.kernels.loops import Kernel
from gradbook.targets.c.kernels.slides import places
from gradbook.targets.c.plan.placing import Pass
from gradbook.targets.c.plan.plan import Plan
from gradbook.targets.c.plan.timing import WEIGHTS


@dataclass(frozen=True)
class Hooks:
    """The names of the functions, and the text of all of them."""

    readers: list[str]
    leaver: str
    finisher: str  # or none
    text: str


@dataclass
class _Around:
    """Lines before a row's loop, inside and after it."""

    before: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class HookWriter:
    scope: Scope
    plan: Plan
    arrays: Arrays
    storage: Storage
    masks: Masks
    kernels: Callable[[Node], Kernel]

    def hooks(self, made: Pass) -> Hooks:
        readers, texts = [], []
        leaver = "leave_nothing"
        if made.heavy:
            loaded: dict[Node, list[Node]] = {}
            sources = self.kernels(made.heavy).readers
            for number, source in enumerate(sources):
                several = f"{self.scope.titles.of(source)}_for_" if len(sources) > 1 else ""
                name = self._name("read", made, several, number)
                if self.kernels(made.heavy).by_value:
                    name = name.removeprefix("read_")
                    text, loaded[source] = self._line(name, made, source)
                    readers += [f"find_{name}", f"value_{name}"]
                    leaver = f"leave_{name}" if _read_sums(made, source) else leaver
                else:
                    text, loaded[source] = self._reader(name, made, source)
                    readers.append(name)
                texts.append(text)
        finisher = ""
        finished: list[Node] = []
        if made.heavy is None or made.makes:
            finisher = self._name("finish", made)
            text, finished = self._finisher(finisher, made)
            texts.append(text)
        if made.heavy and made.heavy.op.name in WEIGHTS:
            d, x = made.heavy.inputs
            for node in [*made.shared, *made.kept]:
                self.storage.made_from[made, node] = (loaded[d], [*loaded[x], *finished])
        return Hooks(readers, leaver, finisher, "\n".join(texts))

    def title(self, made: Pass) -> str:
        """What a pass is for."""
        if made.heavy is not None and made.heavy.op.name in WEIGHTS:
            also = f"_and_{self.scope.titles.of(made.kept[-1])}" if made.beside else ""
            return f"slopes_{self.scope.titles.of(made.heavy)}{also}"
        named = made.kept[-1:] or made.sums[:1]
        return self.scope.titles.of(named[0]) if named else f"pass{made.number}"

    def _name(self, verb: str, made: Pass, what: str = "", number: int = 0) -> str:
        return self.scope.function(verb, f"{what}{self.title(made)}", (made.number, number))

    def _row(self, made: Pass, names: Names, given: Mapping[Node, str]) -> Row:
        def kept(node: Node, h: str = "h") -> str | None:
            made_in = self.plan.made_in.get(node)
            if made_in is None and node.op.name != "leaf":
                return None
            if made_in is not None and made_in.number > made.number:
                return None
            self.storage.loads.add((node, made))
            return self.storage.row(node, h)

        def mask(node: Node) -> str | None:
            if node.op.name == "winners":
                return "1"
            return f"(real){self.masks[node].scale!r}" if node in self.masks else None

        def name(node: Node) -> str:
            return names.of(node, self.scope.titles.of(node))

        return Row(self.arrays.element, kept, mask, name, given)

    def _reader(self, name: str, made: Pass, source: Node) -> tuple[str, list[Node]]:
        """One row of what a heavy op reads: where it lies, or computed into the room offered."""
        head = f"static const vec *{name}(struct place *at, int h, int c, vec *room)"
        parameters = ("at", "h", "c", "room")
        shared = source in made.shared
        if shared or source in self.plan.made_in:
            self.storage.loads.add((source, made))
        if source in self.plan.made_in and not shared:
            return function(head, [f"return {self.storage.row(source)};"], parameters), [source]
        names = Names()
        row = self._row(made, names, {})
        value = row.term(source, make=True)
        sums = self._summing(_read_sums(made, source), row, names)
        body = [
            *sums.before,
            *map(str, row.before),
            f"vec *to = {self.storage.row(source) if shared else 'room'};",
            f"for (int w = 0; w < {places(source)[2]}; w++) {{",
            *indented([*row.inside, *sums.inside, f"to[w] = {value.lanes};"]),
            "}",
            *sums.after,
            "return to;",
        ]
        return function(head, body, parameters), row.loaded

    def _line(self, name: str, made: Pass, source: Node) -> tuple[str, list[Node]]:
        """The same, value by value."""
        fields = self.scope.fields.line
        if source in self.plan.made_in:
            self.storage.loads.add((source, made))
            start = Declared("vec *", "row", self.storage.row(source))
            return line_functions(name, [start], [], "row[w]", [], fields), [source]
        row = self._row(made, Names(), {})
        result = row.term(source, make=True).lanes
        totals = [
            (f"at->{self.scope.partial(node)}[c]", row.term(self.plan.argument(node)).lanes)
            for node in _read_sums(made, source)
        ]
        text = line_functions(name, row.before, row.inside, result, totals, fields)
        return text, row.loaded

    def _finisher(self, name: str, made: Pass) -> tuple[str, list[Node]]:
        """What is done with one row of what a pass makes, and what is read besides."""
        names = Names()
        row = self._row(made, names, {made.makes: "row[w]"} if made.makes else {})
        targets, stores = [], []
        for node in sorted(made.kept, key=lambda node: node.index):
            value = row.term(node, make=True)
            if node in self.storage.longer:
                to = names.of(("to", node), f"{self.scope.titles.of(node)}_to")
                targets.append(f"vec *{to} = {self.storage.row(node)};")
                stores.append(f"{to}[w] = {value.lanes};")
        sums = self._summing(made.sums, row, names)
        body = [
            *targets,
            *sums.before,
            *map(str, row.before),
            f"for (int w = 0; w < {made.places[2]}; w++) {{",
            *indented([*row.inside, *stores, *sums.inside]),
            "}",
            *sums.after,
        ]
        head = f"static void {name}(struct place *at, int h, int c, const vec *row)"
        return function(head, body, ("at", "h", "c", "row")), row.loaded

    def _summing(self, sums: Sequence[Node], row: Row, names: Names) -> _Around:
        """What takes these sums over one row, from 0: what is small isn't lost in a long sum."""
        lines = _Around()
        squares = {self.plan.moments[s] for s in sums if s in self.plan.moments}
        for node in sums:
            x = self.plan.moments.get(node) or self.plan.argument(node)
            if node not in self.plan.moments and x in squares:
                continue  # its sum comes with its squares
            value, total = row.term(x), f"at->{self.scope.partial(node)}[c]"
            title = self.scope.titles.of(x)
            if node in self.plan.moments:
                own = names.of(("moments", node), f"{title}_moments")
                off = names.of(("off", node), f"{title}_off")
                lines.before.append(f"struct moments {own} = {{.pivot = {total}.pivot}};")
                lines.inside += [
                    f"if (h + w == 0) {own}.pivot = {value.lanes};",
                    f"const vec {off} = {value.lanes} - {own}.pivot;",
                    f"{own}.sum += {off};",
                    f"{own}.squares += {off} * {off};",
                ]
                lines.after.append(f"add_moments(&{total}, &{own});")
            else:
                own = names.of(("sum", node), f"sum_{title}")
                lines.before.append(f"vec {own} = {{0}};")
                lines.inside.append(f"{own} += {value.lanes};")
                lines.after.append(f"{total} += {own};")
        return lines


def _read_sums(made: Pass, source: Node) -> list[Node]:
    """The sums that are taken while this source is read."""
    return made.read_sums if made.heavy and source is made.heavy.inputs[0] else []


FEWEST_LANES = 4


@dataclass
class PassWriter:
    scope: Scope
    plan: Plan
    arrays: Arrays
    writer: HookWriter
    kernels: Callable[[Node], Kernel]
    packings: dict[str, str] = field(default_factory=dict)  # function → its text

    def name(self, made: Pass) -> str:
        return self.scope.function("pass", self.writer.title(made), made.number)

    def text(self, made: Pass) -> str:
        hooks = self.writer.hooks(made)
        opening, closing = self._sums(made)
        if made.heavy:
            call = [self._call(made.heavy, made.winners, hooks)]
        else:
            channels, height, _ = made.places
            call = [
                f"for (int h = 0; h < {height}; h++)",
                f"    for (int c = 0; c < {channels}; c++) {hooks.finisher}(at, h, c, NULL);",
            ]
        head = f"ACROSS void {self.name(made)}(struct place *at)"
        body = function(head, [*opening, *call, *closing])
        return f"{self._comment(made)}\n{hooks.text}\n{body}"

    def _comment(self, made: Pass) -> str:
        title, parts = self.scope.titles.of, []
        if made.heavy:
            sources = ", ".join(f"{title(x)} {_size(x)}" for x in made.heavy.inputs)
            also = f" and {made.beside.op.name}" if made.beside else ""
            parts.append(f"{made.heavy.op.name}{also} of {sources}")
        if made.kept:
            parts.append("keeps " + ", ".join(f"{title(k)} {sizes(k)}" for k in made.kept))
        if made.winners:
            parts.append("notes where each stood")
        if sums := [*made.read_sums, *made.sums]:
            parts.append("sums " + ", ".join(title(self._summed(s)) for s in sums))
        return f"/* Phase {made.phase}: {'; '.join(parts)} */"

    def _summed(self, reduction: Node) -> Node:
        return self.plan.moments.get(reduction) or self.plan.argument(reduction)

    def _call(self, node: Node, winners: Node | None, hooks: Hooks) -> str:
        made, fields = self.kernels(node), self.scope.fields
        fields.scratch = max(fields.scratch, made.scratch)
        slopes = ""
        if made.slopes:
            name = self.scope.partial(node)
            fields.engine.append(f"real {name}[TILES][{made.slopes}];")
            slopes = f"at->e->{name}[at->tile]"
        packed = f"at->e->{self._packed(node, made)}" if made.packing else ""
        return made.call.format(
            reads=", ".join(hooks.readers),
            leave=hooks.leaver,
            finish=hooks.finisher,
            packed=packed,
            slopes=slopes,
            winners=self.writer.storage.whole(winners) if winners else "NULL",
        )

    def _packed(self, node: Node, made: Kernel) -> str:
        """The array of weights laid out for this op, and the function that fills it."""
        packing = made.packing
        assert packing is not None
        if packing.weights not in self.arrays.states:
            raise TargetError("the engine convolves with weights that are leaves")
        weights = self.arrays.states[packing.weights]
        name = self.scope.member("packed", node, "_packed")
        fields = self.scope.fields
        fields.engine.append(f"real {name}[{packing.size}];")
        fields.scratch = max(fields.scratch, -(-packing.size // FEWEST_LANES))  # to turn them in
        pack = self.scope.function("pack", weights, node)
        lines = [
            f"const real *weights = at->e->{weights};",
            f"real *packed = at->e->{name};",
            *packing.lines,
        ]
        self.packings[pack] = task(pack, lines)
        return name

    def _sums(self, made: Pass) -> tuple[list[str], list[str]]:
        """Before a pass its sums are 0; after it they are taken over the lanes."""
        opening: list[str] = []
        closing: list[str] = []
        engine, place = self.scope.fields.engine, self.scope.fields.place
        sums = [*made.read_sums, *made.sums]
        squares = {self.plan.moments[s] for s in sums if s in self.plan.moments}
        for node in sums:
            name = self.scope.partial(node)
            channels, height, width = places(self._summed(node))
            if node in self.plan.moments:
                place.append(f"struct moments {name}[{channels}];")
                engine += [f"real {name}_{what}[TILES][{channels}];" for what in ("mean", "around")]
                closing += [
                    f"for (int c = 0; c < {channels}; c++)",
                    f"    merge_lanes(&at->{name}[c], {height * width}, at->lanes,",
                    f"                &at->e->{name}_mean[at->tile][c],",
                    f"                &at->e->{name}_around[at->tile][c]);",
                ]
            elif self.plan.argument(node) not in squares:
                place.append(f"vec {name}[{channels}];")
                engine.append(f"real {name}[TILES][{channels}];")
                closing.append(
                    f"sum_lanes(at->{name}, {channels}, at->alive, at->e->{name}[at->tile]);"
                )
            else:
                continue  # its sum comes with its squares
            opening.append(f"memset(at->{name}, 0, sizeof at->{name});")
        return opening, closing


def _size(node: Node) -> str:
    return "×".join(map(str, node.shape)) if node.shape else "1"
