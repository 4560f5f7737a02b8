"""One pass as a C function: sums begin at 0, a loop with its hooks runs, lanes are added up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gradbook.errors import TargetError
from gradbook.graph.node import Node
from gradbook.targets.c.arrays import Arrays
from gradbook.targets.c.fields import Scope
from gradbook.targets.c.hooks import Hooks, HookWriter
from gradbook.targets.c.kernel import Kernel
from gradbook.targets.c.placing import Pass
from gradbook.targets.c.plan import Plan
from gradbook.targets.c.slides import places
from gradbook.targets.c.storage import sizes
from gradbook.targets.c.syntax import function, task

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
