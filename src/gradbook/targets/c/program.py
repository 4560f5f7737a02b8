"""One program of an engine, such as its training step: hooks, passes and phases as C."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import prod

from gradbook.errors import TargetError
from gradbook.graph.node import Node
from gradbook.targets.c.kernels import Kernel, kernel
from gradbook.targets.c.machine import Machine
from gradbook.targets.c.memory import Lifetime, slots
from gradbook.targets.c.names import Names
from gradbook.targets.c.plan import WEIGHTS, Pass, Plan, size
from gradbook.targets.c.rows import Row
from gradbook.targets.c.simplify import reduced
from gradbook.targets.c.slides import places
from gradbook.targets.c.totals import Elements


@dataclass(frozen=True)
class Dropped:
    """A dropout mask: the scale of what is kept, and how it is drawn."""

    scale: float
    layer: int
    below: int  # of 2¹⁶: a piece below it is dropped


@dataclass
class Fields:
    """What a program adds to `struct engine` and to each thread's `struct place`."""

    engine: list[str] = field(default_factory=list)
    place: list[str] = field(default_factory=list)
    scratch: int = 1


@dataclass
class _Summing:
    before: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


@dataclass
class Program:
    """Everything is said in C here; `write.py` puts it in order."""

    name: str
    plan: Plan
    machine: Machine
    names: Names
    labels: Mapping[Node, str]
    states: Mapping[Node, str]  # leaves that every program shares → C name of the array
    inputs: Mapping[Node, str]  # leaves per sample: 'image' or 'target'
    masks: Mapping[Node, Dropped]
    fields: Fields

    def __post_init__(self) -> None:
        self.arrays: dict[Node, str] = {}  # of the step as a whole
        self.sections: defaultdict[int, list[Node]] = defaultdict(list)
        self.late: list[Node] = []
        self.is_late = False
        self.packings: list[tuple[str, str]] = []  # name of the function, its text
        self.kernels = cache(lambda node: kernel(node, self.machine, self.plan.beside.get(node)))
        self.loads: set[tuple[Node, Pass]] = set()
        self.behind: list[tuple[Pass, Node, list[Node], list[Node]]] = []
        self.slot_of: dict[Node, str] = {}
        self.over: dict[Node, Node] = {}  # value → the one whose place it takes
        self.hooks = {made: self._hooks(made) for made in self.plan.passes}
        self.memory = self._memory()
        self.between = self._between()

    # Names.

    def title(self, node: Node) -> str:
        """What a person calls the value."""
        if node in self.labels:
            return self.labels[node]
        x = reduced(node)
        if x is not None:
            return f"sum_{self.title(x)}"
        return f"{node.op.name}{node.index}"

    def local(self, node: Node) -> str:
        """The name of a value within a hook."""
        return self.names.of((self.name, node), self.title(node))

    def _in_place(self, stored: Mapping[Node, bool]) -> dict[Node, Node]:
        """Values written over one they are made from, where nobody reads that any more.

        Only what the gradient of weights reads first: it reads each row once, and what is made
        of it stays behind.
        """
        found: dict[Node, Node] = {}
        taken = set(self.plan.outputs)
        for made, node, sources, others in self.behind:
            for source in sources:
                last = max(r.number for other, r in self.loads if other is source)
                if (
                    node in stored
                    and last == made.number
                    and stored[source]
                    and source.op.name != "leaf"
                    and source not in {*others, *taken}
                    and _fits(node, source)
                ):
                    found[node] = found.get(source, source)
                    taken.add(source)
                    break
        return found

    def buffer(self, node: Node) -> str:
        return self.names.of((self.name, "buffer", node), f"{self._prefix}{self.title(node)}")

    @property
    def _prefix(self) -> str:
        return "" if self.name == "train" else f"{self.name}_"

    # Values per sample in memory.

    def _memory(self) -> dict[Node, bool]:
        """Which values are stored → whether longer than a pass of the same phase reads them."""
        stored: dict[Node, bool] = dict.fromkeys(self.plan.outputs, True)
        for node, reader in sorted(self.loads, key=lambda load: (load[0].index, load[1].number)):
            made = self.plan.made_in.get(node)
            longer = made is None or made.phase != reader.phase
            stored[node] = stored.get(node, False) or longer
        self.over = self._in_place(stored)
        for longer in (True, False):
            self._lay_out([node for node in stored if stored[node] is longer], longer)
        return stored

    def _lay_out(self, nodes: Sequence[Node], longer: bool) -> None:
        """Their places, in the engine for each tile or in a thread's own room."""
        fields, tiles = (self.fields.engine, "[TILES]") if longer else (self.fields.place, "")
        for node in nodes:
            if node in self.masks:
                shape = f"/* {self._shape(node)} */"
                name = self.buffer(node)
                fields.append(f"bits {name}{tiles}[{prod(places(node))}]; {shape}")
        own = [node for node in nodes if node not in self.masks and node not in self.over]
        for slot in slots(map(self._lifetime, own)):
            name = self.buffer(slot.nodes[0])
            self.slot_of.update(dict.fromkeys(slot.nodes, name))
            turns = [x for node in slot.nodes for x in [node, *self._later_in(node)]]
            held = ", then ".join(f"{self.title(n)} {self._shape(n)}" for n in turns)
            fields.append(f"vec {name}{tiles}[{slot.size}]; /* {held} */")

    def _later_in(self, node: Node) -> list[Node]:
        """What is written over a value."""
        return [value for value, place in self.over.items() if place is node]

    def _lifetime(self, node: Node) -> Lifetime:
        held = [node, *self._later_in(node)]
        made = self.plan.made_in.get(node)
        readers = [reader.number for value, reader in self.loads if value in held]
        last = len(self.plan.passes) if node in self.plan.outputs else max(readers)
        return Lifetime(node, prod(places(node)), made.number if made else -1, last)

    def where(self, node: Node) -> str:
        """A value's place in memory."""
        return self.placed(self._whole(node))

    def _shape(self, node: Node) -> str:
        return "×".join(map(str, places(node)))

    def _row_of(self, node: Node, h: str = "h", c: str = "c") -> str:
        channels, height, width = places(node)
        start = self._whole(node)
        if (channels, height, width) == (1, 1, 1):
            return start
        if height == 1 and width == 1:
            return f"{start} + {c}"
        return f"{start} + ({h} * {channels} + {c}) * {width}"

    def _whole(self, node: Node) -> str:
        return f"{{{self.buffer(node)}}}"  # filled in once it is known where it lies

    def placed(self, text: str) -> str:
        """The text with every buffer's place in memory."""
        for node in self.memory:
            place = self.over.get(node, node)
            name = self.slot_of.get(place) or self.buffer(place)
            where = f"at->e->{name}[at->tile]" if self.memory[place] else f"at->{name}"
            text = text.replace(f"{{{self.buffer(node)}}}", where)
        return text

    # Values of the step as a whole.

    def once(self, node: Node) -> str:
        """An element of it in a hook: for channel c, or the only one."""
        array = self.required(node)
        if not node.shape:
            return f"{array}[0]"
        if len(node.shape) == 1:
            return f"{array}[c]"
        _, height, width = places(node)
        return f"{array}[(c * {height} + h) * {width} + w]"

    def required(self, node: Node) -> str:
        """Its array; it is computed as soon as it can be."""
        array = self.array(node)
        if array is None:
            array = self._new_array(node)
        return array

    def array(self, node: Node) -> str | None:
        """Where it lies, if it lies anywhere; sums always do."""
        if node in self.states:
            return f"at->e->{self.states[node]}"
        if node in self.arrays:
            return f"at->e->{self.arrays[node]}"
        if reduced(node) is not None or node.op.name == "sum":
            return self._new_array(node)
        return None

    def _new_array(self, node: Node) -> str:
        name = self.names.of((self.name, "array", node), f"{self._prefix}{self.title(node)}")
        self.arrays[node] = name
        self.fields.engine.append(f"real {name}[{prod(node.shape)}];")
        if self.is_late:
            self.late.append(node)
        else:
            self.sections[self.plan.ready[node]].append(node)
        return f"at->e->{name}"

    def partial(self, reduction: Node) -> str:
        """What the tiles give towards a sum."""
        return self.names.of(
            (self.name, "partial", reduction), f"{self._prefix}{self.title(reduction)}_of"
        )

    # Hooks.

    def _row(self, made: Pass, given: Mapping[Node, str]) -> Row:
        def kept(node: Node) -> str | None:
            made_in = self.plan.made_in.get(node)
            if made_in is None and node.op.name != "leaf":
                return None
            if made_in is not None and made_in.number > made.number:
                return None
            self.loads.add((node, made))
            return self._row_of(node)

        def mask(node: Node) -> str | None:
            return f"(real){self.masks[node].scale!r}" if node in self.masks else None

        return Row(self.once, kept, mask, self.local, given)

    def _hooks(self, made: Pass) -> tuple[list[str], str, str]:
        """The readers' names, the finisher's name, and the text of all of them."""
        texts = []
        readers = []
        if made.heavy:
            loaded: dict[Node, list[Node]] = {}
            for number, source in enumerate(self.kernels(made.heavy).readers):
                name = self._hook_name("read", made, number)
                readers.append(name)
                text, loaded[source] = self._reader(name, made, source)
                texts.append(text)
        finisher = ""
        finished: list[Node] = []
        if made.heavy is None or made.makes:
            finisher = self._hook_name("finish", made)
            text, finished = self._finisher(finisher, made)
            texts.append(text)
        if made.heavy and made.heavy.op.name in WEIGHTS:
            d, x = made.heavy.inputs
            for node in [*made.shared, *made.kept]:
                self.behind.append((made, node, loaded[d], [*loaded[x], *finished]))
        return readers, finisher, "\n".join(texts)

    def _hook_name(self, verb: str, made: Pass, number: int = 0) -> str:
        wish = f"{verb}_{self._prefix}{self._pass_title(made)}"
        return self.names.of((self.name, verb, made.number, number), wish)

    def _pass_title(self, made: Pass) -> str:
        named = made.kept[-1:] or made.sums[:1]
        if made.heavy is not None and made.heavy.op.name in WEIGHTS:
            beside = "".join(f"_and_{self.title(node)}" for node in named if made.beside)
            return f"slopes_{self.title(made.heavy)}{beside}"
        return self.title(named[0]) if named else f"pass{made.number}"

    def _reader(self, name: str, made: Pass, source: Node) -> tuple[str, list[Node]]:
        """One row of what a heavy op reads: where it lies, or computed into the room offered."""
        head = f"static const vec *{name}(struct place *at, int h, int c, vec *room)"
        parameters = ("at", "h", "c", "room")
        summed = made.read_sums if made.heavy and source is made.heavy.inputs[0] else []
        if source in self.plan.made_in and source not in made.shared:
            assert not summed, "what is kept is summed where it is made"
            self.loads.add((source, made))
            return _function(head, [f"return {self._row_of(source)};"], parameters), [source]
        row = self._row(made, {})
        value = row.term(source, make=True)
        to = f"{self._row_of(source)}" if source in made.shared else "room"
        if source in made.shared:
            self.loads.add((source, made))
        sums = self._summing(summed, row)
        body = [*sums.before, *row.before, f"vec *to = {to};"]
        body.append(f"for (int w = 0; w < {places(source)[2]}; w++) {{")
        body += [f"    {line}" for line in [*row.inside, *sums.inside]]
        body += [f"    to[w] = {value.lanes};", "}", *sums.after, "return to;"]
        return _function(head, body, parameters), row.loaded

    def _finisher(self, name: str, made: Pass) -> tuple[str, list[Node]]:
        """What is done with one row of what a pass makes, and what it reads besides."""
        given = {made.makes: "row[w]"} if made.makes else {}
        row = self._row(made, given)
        inside: list[str] = []
        before: list[str] = []
        for node in sorted(made.kept, key=lambda node: node.index):
            value = row.term(node, make=True)
            buffer = self.buffer(node)
            target = self._row_of(node)
            inside.append(f"{{if {buffer}}}{buffer}_to[w] = {value.lanes};")
            before.append(f"{{if {buffer}}}vec *{buffer}_to = {target};")
        sums = self._summing(made.sums, row)
        before += sums.before
        inside += sums.inside
        body = [*before, *row.before, f"for (int w = 0; w < {made.places[2]}; w++) {{"]
        body += [f"    {line}" for line in [*row.inside, *inside]]
        body += ["}", *sums.after]
        head = f"static void {name}(struct place *at, int h, int c, const vec *row)"
        return _function(head, body, ("at", "h", "c", "row")), row.loaded

    def _summing(self, sums: Sequence[Node], row: Row) -> _Summing:
        """What takes the sums over one row."""
        lines = _Summing()
        squares = {self.plan.moments[s] for s in sums if s in self.plan.moments}
        for node in sums:
            x = self.plan.moments.get(node) or self.plan.argument(node)
            field_name = self.partial(node)
            if node in self.plan.moments:
                value = row.term(x)
                own, off = f"m{node.index}", f"off{node.index}"
                lines.before.append(f"struct moments {own} = at->{field_name}[c];")
                lines.inside += [
                    f"if (h + w == 0) {own}.pivot = {value.lanes};",
                    f"const vec {off} = {value.lanes} - {own}.pivot;",
                    f"{own}.sum += {off};",
                    f"{own}.squares += {off} * {off};",
                ]
                lines.after.append(f"at->{field_name}[c] = {own};")
            elif x not in squares:
                value = row.term(x)
                lines.before.append(f"vec s{node.index} = at->{field_name}[c];")
                lines.inside.append(f"s{node.index} += {value.lanes};")
                lines.after.append(f"at->{field_name}[c] = s{node.index};")
        return lines

    # Passes.

    def pass_name(self, made: Pass) -> str:
        return self._hook_name("pass", made)

    def pass_text(self, made: Pass) -> str:
        readers, finisher, hooks = self.hooks[made]
        opening, closing = self._sums(made)
        if made.heavy:
            call = [self._call(made.heavy, readers, finisher)]
        else:
            channels, height, _ = made.places
            call = [
                f"for (int h = 0; h < {height}; h++)",
                f"    for (int c = 0; c < {channels}; c++) {finisher}(at, h, c, NULL);",
            ]
        body = _function(
            f"static void {self.pass_name(made)}(struct place *at)",
            [*opening, *call, *closing],
            ("at",),
        )
        return self.placed(self._only_stored(f"{self._comment(made)}\n{hooks}\n{body}"))

    def _only_stored(self, text: str) -> str:
        """Without the lines that store what nobody reads from memory."""
        lines = []
        stored = {self.buffer(node) for node in self.memory}
        for line in text.split("\n"):
            if "{if " in line:
                name = line.split("{if ", 1)[1].split("}", 1)[0]
                if name not in stored:
                    continue
                lines.append(line.replace(f"{{if {name}}}", ""))
            else:
                lines.append(line)
        return "\n".join(lines)

    def _comment(self, made: Pass) -> str:
        parts = []
        if made.heavy:
            sources = ", ".join(
                f"{self.title(source)} {_size(source)}" for source in made.heavy.inputs
            )
            also = f" and {made.beside.op.name}" if made.beside else ""
            parts.append(f"{made.heavy.op.name}{also} of {sources}")
        if made.kept:
            parts.append(
                "keeps " + ", ".join(f"{self.title(k)} {self._shape(k)}" for k in made.kept)
            )
        if sums := [*made.read_sums, *made.sums]:
            parts.append("sums " + ", ".join(self.title(self._summed(s)) for s in sums))
        return f"/* Phase {made.phase}: {'; '.join(parts)} */"

    def _summed(self, reduction: Node) -> Node:
        return self.plan.moments.get(reduction) or self.plan.argument(reduction)

    def _call(self, node: Node, readers: Sequence[str], finisher: str) -> str:
        made = self.kernels(node)
        self.fields.scratch = max(self.fields.scratch, made.scratch)
        slopes = ""
        if made.slopes:
            name = self.partial(node)
            self.fields.engine.append(f"real {name}[TILES][{made.slopes}];")
            slopes = f"at->e->{name}[at->tile]"
        packed = f"at->e->{self._packed(node, made)}" if made.packing else ""
        return made.call.format(
            reads=", ".join(readers), finish=finisher, packed=packed, slopes=slopes
        )

    def _packed(self, node: Node, made: Kernel) -> str:
        packing = made.packing
        assert packing is not None
        name = self.names.of(
            (self.name, "packed", node), f"{self._prefix}packed_{self.title(node)}"
        )
        self.fields.engine.append(f"real {name}[{packing.size}];")
        weights = self.array(packing.weights)
        if weights is None or packing.weights not in self.states:
            raise TargetError("the engine convolves with weights that are leaves")
        function = self.names.of((self.name, "pack", node), f"pack_{name}")
        lines = [
            f"const real *weights = {weights};",
            f"real *packed = at->e->{name};",
            *packing.lines,
        ]
        self.packings.append(
            (function, _function(f"static void {function}(struct place *at)", lines, ("at",)))
        )
        return name

    def _sums(self, made: Pass) -> tuple[list[str], list[str]]:
        """Before a pass its sums are 0; after it they are taken over the lanes."""
        opening, closing = [], []
        sums = [*made.read_sums, *made.sums]
        squares = {self.plan.moments[s] for s in sums if s in self.plan.moments}
        for node in sums:
            name = self.partial(node)
            channels, height, width = places(self._summed(node))
            if node in self.plan.moments:
                self.fields.place.append(f"struct moments {name}[{channels}];")
                self.fields.engine.append(f"real {name}_mean[TILES][{channels}];")
                self.fields.engine.append(f"real {name}_around[TILES][{channels}];")
                opening.append(f"memset(at->{name}, 0, sizeof at->{name});")
                closing += [
                    f"for (int c = 0; c < {channels}; c++)",
                    f"    merge_lanes(&at->{name}[c], {height * width}, at->lanes,",
                    f"                &at->e->{name}_mean[at->tile][c],",
                    f"                &at->e->{name}_around[at->tile][c]);",
                ]
            elif self.plan.argument(node) not in squares:
                self.fields.place.append(f"vec {name}[{channels}];")
                self.fields.engine.append(f"real {name}[TILES][{channels}];")
                opening.append(f"memset(at->{name}, 0, sizeof at->{name});")
                closing.append(
                    f"sum_lanes(at->{name}, {channels}, at->alive, at->e->{name}[at->tile]);"
                )
        return opening, closing

    # Between the phases.

    def _between(self) -> dict[int, list[str]]:
        """What is computed before each phase, by one thread. One value may ask for others."""
        texts: dict[Node, list[str]] = {}
        while waiting := [n for nodes in self.sections.values() for n in nodes if n not in texts]:
            for node in waiting:
                texts[node] = self.computed(node)
        return {
            phase: [line for node in sorted(nodes, key=lambda n: n.index) for line in texts[node]]
            for phase, nodes in self.sections.items()
        }

    def section(self, phase: int) -> list[str]:
        return self.between.get(phase, [])

    def computed(self, node: Node) -> list[str]:
        """The lines that fill a value's array."""
        target = f"at->e->{self.arrays[node]}"
        x = reduced(node)
        if x is not None and x.each:
            return self._merged(node, x, target)
        if node.op.name == "sum":
            inner = prod(node.inputs[0].shape) // prod(node.shape)
            elements = Elements(self.array)
            value = elements.value(node.inputs[0], f"k * {inner} + j")
            return _block(
                [
                    f"for (int k = 0; k < {prod(node.shape)}; k++) {{",
                    "    double sum = 0;",
                    f"    for (int j = 0; j < {inner}; j++) {{",
                    *(f"        {line}" for line in elements.lines),
                    f"        sum += {value};",
                    "    }",
                    f"    {target}[k] = (real)sum;",
                    "}",
                ]
            )
        elements = Elements(self.array)
        value = elements.value(node, make=True)
        return _loop(prod(node.shape), [*elements.lines, f"{target}[k] = {value};"])

    def _merged(self, node: Node, x: Node, target: str) -> list[str]:
        """The sum over the tiles, in their order."""
        size = prod(node.shape)
        if x.op.name in WEIGHTS:
            made = self.kernels(x)
            part = self.partial(x)
            if not made.unpack:
                return _tiles_summed(size, f"at->e->{part}", target)
            points = f"{part}_points"
            self.fields.engine.append(f"real {points}[{made.slopes}];")
            return [
                *_tiles_summed(made.slopes, f"at->e->{part}", f"at->e->{points}"),
                made.unpack.format(points=f"at->e->{points}", weights=target),
            ]
        area = prod(places(x)[1:])
        around = {arg: s for s, arg in self.plan.moments.items()}
        if node in self.plan.moments:
            part = self.partial(node)
            mean = self.required(self._sum_beside(node))
            return _loop(
                size,
                [
                    f"const double mean = (double){mean}[k] / ({area} * (double)at->e->count);",
                    "double sum = 0;",
                    "for (int t = 0; t < at->e->tiles; t++) {",
                    f"    const double off = at->e->{part}_mean[t][k] - mean;",
                    f"    const double values = {area} * lanes_of(at->e, t);",
                    f"    sum += at->e->{part}_around[t][k] + values * off * off;",
                    "}",
                    f"{target}[k] = (real)sum;",
                ],
            )
        if x in around:
            part = self.partial(around[x])
            return _loop(
                size,
                [
                    "double sum = 0;",
                    "for (int t = 0; t < at->e->tiles; t++)",
                    f"    sum += (double)at->e->{part}_mean[t][k] * {area} * lanes_of(at->e, t);",
                    f"{target}[k] = (real)sum;",
                ],
            )
        return _tiles_summed(size, f"at->e->{self.partial(node)}", target)

    def _sum_beside(self, squares: Node) -> Node:
        """Σ x for a Σ(x − mean)²."""
        x = self.plan.moments[squares]
        for made in self.plan.passes:
            for node in made.sums:
                if node not in self.plan.moments and self.plan.argument(node) is x:
                    return node
        raise AssertionError("a mean is made from its sum")

    # The end of a step.

    def ended(
        self,
        following: Mapping[Node, Node],
        wanted: Mapping[str, Node],
    ) -> tuple[list[tuple[str, str]], list[str]]:
        """Update functions that may run side by side, and what is done after them by one thread.

        `following` says what carried values become, `wanted` which arrays are read from outside.
        """
        self.is_late = True
        changing = {leaf: node for leaf, node in following.items() if leaf is not node}
        wide = {leaf: node for leaf, node in changing.items() if leaf.shape}
        tasks = [self._task(group, wide, wanted) for group in self._groups(wide, wanted)]
        closing: list[str] = []
        single = [(leaf, node) for leaf, node in changing.items() if not leaf.shape]
        elements = Elements(self.array)
        values = [(self.states[leaf], elements.value(node)) for leaf, node in single]
        extra = [(name, elements.value(node)) for name, node in wanted.items() if not node.shape]
        closing += self._late_arrays()
        closing += elements.lines
        closing += [f"at->e->{name}[0] = {value};" for name, value in extra]
        closing += [f"at->e->{name}[0] = {value};" for name, value in values]
        return tasks, _block(closing)

    def _late_arrays(self) -> list[str]:
        lines: list[tuple[int, list[str]]] = []
        done: set[Node] = set()
        while waiting := [node for node in self.late if node not in done]:
            for node in waiting:
                done.add(node)
                lines.append((node.index, self.computed(node)))
        self.late.clear()
        return [line for _, own in sorted(lines, key=lambda t: t[0]) for line in own]

    def _groups(
        self, changing: Mapping[Node, Node], wanted: Mapping[str, Node]
    ) -> list[list[Node]]:
        """Carried values that read each other, or the same late sums, change together."""
        owner: dict[Node, int] = {}
        groups: dict[int, list[Node]] = {}
        roots = [*changing.items(), *((node, node) for node in wanted.values() if node.shape)]
        for number, (leaf, node) in enumerate(roots):
            touched = {leaf} | {
                other
                for other in self._read_late(node)
                if other in changing or reduced(other) is not None
            }
            joined = sorted({owner[other] for other in touched if other in owner})
            groups[number] = [leaf]
            for old in joined:
                groups[number] += groups.pop(old)
            for other, own in list(owner.items()):
                if own in joined:
                    owner[other] = number
            owner.update(dict.fromkeys(touched, number))
        return [sorted(set(group), key=lambda n: n.index) for group in groups.values()]

    def _read_late(self, node: Node) -> list[Node]:
        """The leaves and the late sums that its formula reads."""
        found: dict[Node, None] = {}
        waiting = [node]
        while waiting:
            current = waiting.pop()
            if current in found or current in self.arrays:
                continue
            found[current] = None
            if reduced(current) is None:
                waiting.extend(current.inputs)
        return list(found)

    def _task(
        self, group: list[Node], changing: Mapping[Node, Node], wanted: Mapping[str, Node]
    ) -> tuple[str, str]:
        names = {node: name for name, node in wanted.items()}
        title = next((self.states[leaf] for leaf in group if leaf in self.states), "gradients")
        function = self.names.of((self.name, "update", group[0]), f"update_{title}")
        loops: list[str] = []
        for shape in dict.fromkeys(leaf.shape for leaf in group):
            elements = Elements(self.array)
            own = [leaf for leaf in group if leaf.shape == shape]
            values = []
            for leaf in own:
                if leaf in names:
                    values.append((names[leaf], elements.value(leaf)))
                if leaf in changing:
                    values.append((self.states[leaf], elements.value(changing[leaf])))
            stores = [f"at->e->{name}[k] = {value};" for name, value in values]
            loops += _loop(prod(shape), [*elements.lines, *stores])
        lines = [*self._late_arrays(), *loops]
        return function, _function(f"static void {function}(struct place *at)", lines, ("at",))


def _fits(node: Node, place: Node) -> bool:
    """Whether no row of it reaches beyond the same row of the other."""
    channels, _, width = places(node)
    other_channels, _, other_width = places(place)
    return channels * width <= other_channels * other_width and size(node) <= size(place)


def _size(node: Node) -> str:
    return "×".join(map(str, node.shape)) if node.shape else "1"


def _tiles_summed(size: int, parts: str, target: str) -> list[str]:
    return [f"sum_tiles({parts}[0], at->e->tiles, {size}, {target});"]


def _loop(size: int, body: Sequence[str]) -> list[str]:
    if size == 1:
        return _block(["const int k = 0;", "(void)k;", *body])
    return [f"for (int k = 0; k < {size}; k++) {{", *(f"    {line}" for line in body), "}"]


def _block(body: Sequence[str]) -> list[str]:
    return ["{", *(f"    {line}" for line in body), "}"] if body else []


def _function(head: str, body: Sequence[str], parameters: Sequence[str]) -> str:
    text = "\n".join(f"    {line}" for line in body)
    unused = [name for name in parameters if not _mentions(text, name)]
    voids = "".join(f"    (void){name};\n" for name in unused)
    return f"{head} {{\n{voids}{text}\n}}\n"


def _mentions(text: str, name: str) -> bool:
    placed = name == "at" and re.search(r"\{[A-Za-z_]\w*\}", text)
    return bool(placed or re.search(rf"\b{name}\b", text))
