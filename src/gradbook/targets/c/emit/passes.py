"""One pass as C functions: sums begin at 0, a loop with its readers runs, lanes are added up."""

from __future__ import annotations

from gradbook.graph.node import Node
from gradbook.targets.c.emit.rows import finisher, line_functions, reader
from gradbook.targets.c.emit.scope import Members, Piece, Scope, sizes
from gradbook.targets.c.emit.syntax import function
from gradbook.targets.c.kernels.slides import places
from gradbook.targets.c.plan.placing import Pass

FEWEST_LANES = 4


def pass_text(one: Pass, scope: Scope) -> Piece:
    own = scope.plan.rows[one]
    texts = [Piece(_comment(one, scope))]
    rows = {"reads": "", "leave": "leave_nothing", "finish": ""}
    if one.heavy:
        readers, words = _readers(one, one.heavy, scope)
        texts += readers
        rows.update(words)
    if own.finisher:
        rows["finish"] = scope.names["finish", one.number]
        texts.append(Piece(finisher(rows["finish"], own.finisher, one.places[2], scope)))
    opening, closing, sums = _sums(one, scope)
    if one.heavy:
        lines, members = _call(one, one.heavy, rows, scope)
    else:
        channels, height, _ = one.places
        lines = [
            f"for (int h = 0; h < {height}; h++)",
            f"    for (int c = 0; c < {channels}; c++) {rows['finish']}(at, h, c, NULL);",
        ]
        members = Members()
    head = f"ACROSS void {scope.names['pass', one.number]}(struct place *at)"
    texts.append(Piece(function(head, [*opening, *lines, *closing])))
    return Piece(
        "\n".join(text.text for text in texts),
        Members.of_all([*(text.members for text in texts), sums, members]),
    )


def _comment(one: Pass, scope: Scope) -> str:
    title, parts = scope.titles, []
    if one.heavy:
        sources = ", ".join(f"{title[x]} {_size(x)}" for x in one.heavy.inputs)
        also = f" and {one.beside.op.name}" if one.beside else ""
        parts.append(f"{one.heavy.op.name}{also} of {sources}")
    if one.stores:
        parts.append("keeps " + ", ".join(f"{title[k]} {sizes(k)}" for k in one.stores))
    if one.winners:
        parts.append("notes where each stood")
    if scope.plan.rows[one].sums:
        parts.append("sums " + ", ".join(title[each.x] for each in scope.plan.rows[one].sums))
    return f"/* Phase {one.phase}: {'; '.join(parts)} */"


def _size(node: Node) -> str:
    return "×".join(map(str, node.shape)) if node.shape else "1"


def _readers(one: Pass, heavy: Node, scope: Scope) -> tuple[list[Piece], dict[str, str]]:
    """The functions that read what a heavy op takes, and what its loop calls them by."""
    texts, names, words = [], [], {}
    for number, row in enumerate(scope.plan.rows[one].readers):
        name = scope.names["read", (one.number, number)]
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
                texts.append(Piece(gathering(f"gather_{name}", gather.format(read=name))))
                name = f"gather_{name}"
            names.append(name)
    alone = {f"read{number}": name for number, name in enumerate(names)}
    return texts, {"reads": ", ".join(names), **alone, **words}


def gathering(name: str, call: str) -> str:
    """One row of what a heavy op reads, put together from what its reader reads."""
    head = f"static const vec *{name}(struct place *at, int h, int c, vec *room)"
    return function(head, [f"return {call};"], ("at", "h", "c", "room"))


def _call(one: Pass, heavy: Node, rows: dict[str, str], scope: Scope) -> tuple[list[str], Members]:
    """The call of a heavy op's loop."""
    kernel, engine, scratch = scope.kernels[heavy], [], scope.kernels[heavy].scratch
    gradients = packed = ""
    if kernel.gradients:
        name = scope.partial(heavy)
        engine.append(f"real {name}[TILES][{kernel.gradients}];")
        gradients = f"at->e->{name}[at->tile]"
    if kernel.packing:
        name = scope.names["packed", heavy]
        engine.append(f"real {name}[{kernel.packing.size}];")
        scratch = max(scratch, -(-kernel.packing.size // FEWEST_LANES))  # to turn them in
        packed = f"at->e->{name}"
    winners = scope.whole(one.winners) if one.winners else "NULL"
    call = kernel.call.format(**rows, packed=packed, gradients=gradients, winners=winners)
    return [call], Members(tuple(engine), scratch=scratch)


def _sums(one: Pass, scope: Scope) -> tuple[list[str], list[str], Members]:
    """Before a pass its sums are 0; after it they are taken over the lanes."""
    opening, closing = [], []
    engine: list[str] = []
    place: list[str] = []
    for each in scope.plan.rows[one].sums:
        if each.beside:
            continue
        name = scope.partial(each.node)
        channels, height, width = places(each.x)
        if each.squares:
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
