"""An edit of the core as text of the program's own source, with its reason.

Knows Python's expressions, and not whether an edit is right.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradbook.audit.core.edits import Proposal
from gradbook.audit.programs.naming import SourceNames, expression_parts, is_module
from gradbook.audit.programs.program_report import SourceEdit, SourceSpan
from gradbook.language.message import Message, WrittenNumber, joined
from gradbook.recording.calls import Ref
from gradbook.recording.source_places import Position, place_of, position

ATOM = re.compile(r"[\w.]+(\[[^\[\]]*\])*(\.T)?|[\w.]+\([^()]*\)(\.T)?|\([^()]*\)|-?\d[\d.e-]*")
MOST_NOTE = 34  # letters of a note in English
ACTIVATIONS = {
    "y*(1-y)": "sigmoid",
    "1-y**2": "tanh",
    "y>0": "ReLU",
    "2*y": Message("the square"),
}
SLOPE_WORDS = {
    "y*(1-y)": "{0} * (1 - {0})",
    "1-y**2": "(1 - {0}**2)",
    "y>0": "({0} > 0)",
    "2*y": "2 * {0}",
    "1-y": "(1 - {0})",
    "y": "{0}",
    "exp(y)": "np.exp({0})",
    "cos(y)": "np.cos({0})",
    "1/(1+exp(-y))": "1 / (1 + np.exp(-{0}))",
}
OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@"}
COMPARED = {"greater": ">", "less": "<", "greater_equal": ">=", "less_equal": "<="}


@dataclass(frozen=True, slots=True)
class Spelling:
    span: SourceSpan
    replacement: str | None
    why: str
    note: str
    kind: str
    edits: tuple[SourceEdit, ...]
    called_from: tuple[SourceSpan, ...] = ()


class EditSpeller:
    def __init__(self, naming: SourceNames) -> None:
        self.naming = naming
        self.calls = naming.calls

    def has_text(self, proposal: Proposal) -> bool:
        return bool(self.spell(proposal).edits)

    def spell(self, proposal: Proposal) -> Spelling:
        """The text of an edit; only its place, where no text can be given."""
        frames = self.calls[proposal.at].frames
        level = min(proposal.level, len(frames) - 1)
        place = position(frames[level])
        node = self.naming.node(frames[level])
        write = getattr(self, "_" + proposal.kind.replace(" ", "_"), None)
        spelled = None
        if node is not None and write is not None:
            spelled = write(proposal, node, place.file)
        if spelled is not None and self.naming.span(spelled[0]).text == spelled[1]:
            spelled = None
        if spelled is None:
            why, note = REASONS.get(proposal.kind, ELSEWHERE)
            span = self.naming.span(place)
            return Spelling(span, None, why, note, proposal.kind, (), self._callers(proposal))
        where, text, why, note = spelled
        span = self.naming.span(where)
        edits: tuple[SourceEdit, ...] = (SourceEdit(span, text),)
        if proposal.kind == "stale":
            edits = self._stale_edits(proposal, span, text, place.file)
            if not edits:
                return Spelling(span, None, why, note, proposal.kind, ())
        return Spelling(span, text, why, note, proposal.kind, edits, self._callers(proposal))

    def _callers(self, proposal: Proposal) -> tuple[SourceSpan, ...]:
        frames = self.calls[proposal.at].frames
        spans = []
        for frame in frames[proposal.level + 1 : proposal.level + 2]:
            place = position(frame)
            if place.file in self.naming.sources:
                spans.append(self.naming.span(place))
        return tuple(spans)

    # Each of the following: the place, the text for it, why, and a short note.

    def _axis(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        name, axis, keep = proposal.detail
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return None
        function = self._text(node.func, file)
        dot = function.rfind(".")
        parts = []
        if is_module(node.func.value):
            if not node.args:
                return None
            parts.append(self._text(node.args[0], file))
        if axis is not None:
            parts.append(f"axis={axis}")
        if keep:
            parts.append("keepdims=True")
        text = f"{function[:dot]}.{name}({', '.join(parts)})"
        value = self._operand_value(proposal.at, 0)
        old = self.calls[proposal.at]
        why = self._why_sum(value, old, name, axis)
        if old.name != name:
            is_mean = name == "mean"
            note = Message("a mean belongs here") if is_mean else Message("a sum belongs here")
        elif np.ndim(old.value) == 0 and np.ndim(value) > 1:
            units = np.shape(value)[1 - axis] if axis in (0, 1) and np.ndim(value) == 2 else 0
            note = Message("adds up over the units, too")
            if units:
                note = Message("one sum for all {units} biases", units=units)
        else:
            note = Message("adds up along the wrong axis")
        return place_of(file, node), text, why, note

    def _why_sum(self, value: Any, old: Any, name: str, axis: Any) -> str:
        shape = np.shape(value)
        if old.name != name:
            return Message("The gradient of a mean is a mean, and that of a sum is a sum.")
        if len(shape) == 2 and axis in (0, 1):
            samples, units = shape[axis], shape[1 - axis]
            if np.size(old.value) == 1:
                return Message(
                    "It adds all {count} numbers of {samples} samples × {units} units. Each of the "
                    "{units} biases needs the sum over its own {samples}.",
                    count=int(np.size(value)),
                    samples=samples,
                    units=units,
                )
            return Message(
                "It adds up over the units; each needs the sum over the {samples} samples.",
                samples=samples,
            )
        return Message("It adds up over other places than those that share the weight.")

    def _transposed(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        parts = expression_parts(node)
        if len(parts) != 2 or parts[0] is None or parts[1] is None:
            return None
        texts = [self._text(part, file) for part in parts if part is not None]
        if proposal.detail == ("result",):
            return (
                place_of(file, node),
                f"({self._text(node, file)}).T",
                Message("The product fits the weights only because both sides are equally long."),
                Message("transposed"),
            )
        if proposal.detail == ("swap",):
            new = self._product(node, texts[::-1], file)
            return (
                place_of(file, node),
                new,
                Message("The factors of a matrix product in the other order."),
                Message("factors in the wrong order"),
            )
        for place in proposal.detail:
            texts[place] = _transpose(texts[place])
        word = self._text(parts[proposal.detail[0]], file)
        why = Message(
            "`{code}` belongs here. Without the transposition the product fits only because both "
            "sides are equally long.",
            code=texts[proposal.detail[0]],
        )
        if len(proposal.detail) == 1:
            part = parts[proposal.detail[0]]
            return (
                place_of(file, part),
                texts[proposal.detail[0]],
                why,
                Message("{name}: transposition", name=_short(word, 19)),
            )
        return place_of(file, node), self._product(node, texts, file), why, Message("transposed")

    def _product(self, node: ast.AST, texts: list[str], file: str) -> str:
        if isinstance(node, ast.BinOp):
            return f"{_atom(texts[0])} @ {_atom(texts[1])}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if is_module(node.func.value):
                return f"{self._text(node.func, file)}({texts[0]}, {texts[1]})"
            return f"{_atom(texts[0])}.{node.func.attr}({texts[1]})"
        return f"{_atom(texts[0])} @ {_atom(texts[1])}"

    def _sign(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        why, note = REASONS["sign"]
        detail = proposal.detail[0]
        parts = expression_parts(node)
        texts = [self._text(part, file) for part in parts if part is not None]
        if detail == "flip" and isinstance(node, ast.AugAssign):
            symbol = "+=" if isinstance(node.op, ast.Sub) else "-="
            text = f"{texts[0]} {symbol} {texts[1]}"
            return place_of(file, node), text, why, note
        if isinstance(node, ast.BinOp) and detail in ("flip", "swap"):
            left, right = texts
            if detail == "swap":
                text = f"{_term(right)} - {_term(left)}"
            else:
                text = f"{left} {'-' if isinstance(node.op, ast.Add) else '+'} {_term(right)}"
            return place_of(file, node), self._inside(node, file, text), why, note
        if detail == "drop" and isinstance(node, ast.UnaryOp):
            return place_of(file, node), self._inside(node, file, texts[0]), why, note
        if detail == "negate" and isinstance(node, ast.expr):
            above = self.naming.sources[file].parents.get(node)
            if isinstance(above, ast.UnaryOp) and isinstance(above.op, ast.USub):
                return place_of(file, above), self._text(node, file), why, note
            return place_of(file, node), f"-{_atom(self._text(node, file))}", why, note
        return None

    def _extra_factor(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        parts = expression_parts(node)
        keep = proposal.detail[0]
        if keep >= len(parts) or parts[keep] is None or isinstance(node, ast.AugAssign):
            return None
        dropped = self._text(parts[1 - keep], file)
        text = self._text(parts[keep], file)
        why = Message("The factor `{code}` doesn't belong here.", code=_short(dropped))
        note = Message("a factor too many")
        return place_of(file, node), self._inside(node, file, text), why, note

    def _division(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        if not isinstance(node, (ast.BinOp, ast.AugAssign)):
            return None
        symbol = "*" if proposal.detail[0] == "multiply" else "/"
        parts = [self._text(part, file) for part in expression_parts(node) if part is not None]
        equals = "=" if isinstance(node, ast.AugAssign) else ""
        text = f"{parts[0]} {symbol}{equals} {_atom(parts[1])}"
        why, note = Message("It is divided by it."), Message("divided by it")
        if symbol == "*":
            why, note = Message("It is multiplied by it."), Message("multiplied by it")
        return place_of(file, node), text, why, note

    def _mask(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        if not isinstance(node, ast.Compare):
            return None
        left, right = self._text(node.left, file), self._text(node.comparators[0], file)
        symbol = COMPARED[proposal.detail[0]]
        text = self._inside(node, file, f"{left} {symbol} {right}")
        if symbol[0] == self._text(node, file).removeprefix(left).strip()[0]:
            why = Message("It differs where both sides are equal.")
            return place_of(file, node), text, why, Message("where both are equal")
        why = Message("The slope is passed on where the unit is off, not where it is on.")
        return place_of(file, node), text, why, Message("the other half")

    def _power(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        detail = proposal.detail[0]
        parts = expression_parts(node)
        if proposal.operand is not None:
            part = parts[proposal.operand] if proposal.operand < len(parts) else None
            if part is None:
                return None
            text = f"{_atom(self._text(part, file))}**2"
            return place_of(file, part), text, *NO_SQUARE
        text = self._text(node, file)
        if detail in ("drop", "drop root") and parts and parts[0] is not None:
            why, note = Message("Without the root."), Message("the root is too much")
            if detail == "drop":
                why, note = Message("Without the square."), Message("the square is too much")
            inner = self._text(parts[0], file)
            return place_of(file, node), self._inside(node, file, inner), why, note
        if detail == "square":
            return place_of(file, node), f"{_atom(text)}**2", *NO_SQUARE
        if detail == "root":
            why, note = Message("Its root belongs here."), Message("the root is missing")
            return place_of(file, node), f"np.sqrt({text})", why, note
        return None

    def _stale(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        old = proposal.detail[0]
        change = proposal.changes[proposal.at]
        for number, (part, argument) in enumerate(
            zip(expression_parts(node), self.calls[proposal.at].arguments, strict=False)
        ):
            if part is None or not isinstance(argument, Ref) or number >= len(change.arguments):
                continue
            if change.arguments[number] != argument:
                name = self._text(part, file)
                base = _identifier(name)
                why = Message(
                    "`{code}` was updated before it is used here: the way back needs it as it was "
                    "on the way forward.",
                    code=_short(name),
                )
                return place_of(file, part), f"{base}_before", why, REASONS["stale"][1]
        del old
        return None

    def _stale_edits(
        self, proposal: Proposal, span: SourceSpan, text: str, file: str
    ) -> tuple[SourceEdit, ...]:
        """The old weights, kept under another name before their update."""
        if len(proposal.detail) != 1:
            return ()
        old = proposal.detail[0]
        scope = self.calls[proposal.at].frames[0][0]
        updates = [
            index
            for index in range(self.naming.first, self.naming.last + 1)
            if old in self.calls[index].operands and self.calls[index].name in ("subtract", "add")
        ]
        uses = [self.naming.span_of(index) for index in proposal.changes]
        if len({(use.line, use.column) for use in uses if use}) != 1:
            return ()
        for index in updates:
            frame = self.calls[index].frames[0]
            node = self.naming.node(frame)
            source = self.naming.sources[file]
            if frame[0] is not scope or node is None:
                continue
            statement = source.statement_around(node)
            if statement is None:
                continue
            start = Position(
                file, statement.lineno, statement.lineno, statement.col_offset, statement.col_offset
            )
            name = span.text.removesuffix(".T")
            copy = f"{name}.copy()" if np.ndim(self.calls[old].value) else name
            suffix = ".T" if span.text.endswith(".T") else ""
            line = f"{text.removesuffix('.T')} = {copy}\n{' ' * statement.col_offset}"
            return SourceEdit(self.naming.span(start), line), SourceEdit(span, text + suffix)
        return ()

    def _operand(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        mapping = proposal.detail[1]
        new = mapping[proposal.at]
        if proposal.level:
            part = self._argument_of_call(node, proposal.operand, file)
            name = self.naming.name_in_scope(new, proposal.at, 1)
        else:
            parts = expression_parts(node)
            number = proposal.operand or 0
            part = parts[number] if number < len(parts) else None
            name = self.naming.shared_name(mapping)
        if part is None:
            return None
        old = self._text(part, file)
        shifted = self._shifted(part, proposal, file)
        name = shifted or name
        if name is not None and proposal.detail[2:] == (True,):
            name = _transpose(name)
        if name is None or name == old:
            return None
        why = Message(
            "`{right}` belongs here, not `{wrong}`.", right=_short(name), wrong=_short(old)
        )
        note = Message("{name} belongs here", name=_short(name, 20))
        return place_of(file, part), self._inside(part, file, name), why, note

    def _argument_of_call(self, node: ast.AST, old: int | None, file: str) -> ast.AST | None:
        if not isinstance(node, ast.Call) or old is None:
            return None
        name = self.naming.name(old)
        candidates = [part for part in node.args if self._text(part, file) == name]
        if len(candidates) == 1:
            return candidates[0]
        return node.args[0] if len(node.args) == 1 else None

    def _shifted(self, part: ast.AST, proposal: Proposal, file: str) -> str | None:
        """`a[l + 1]` for `a[l]`, where both are the same expression of a loop."""
        if proposal.level or len(proposal.changes) < 2 or not isinstance(part, ast.Subscript):
            return None
        number = proposal.operand or 0
        mapping = proposal.detail[1]
        olds = []
        for index in proposal.changes:
            argument = self.calls[index].arguments[number]
            if not isinstance(argument, Ref):
                return None
            olds.append(argument.index)
        news = [mapping[index] for index in proposal.changes]
        both = sorted({*olds, *news})
        if len({self.calls[i].frames[:1] for i in both}) > 1:
            return None
        steps = {both.index(new) - both.index(old) for old, new in zip(olds, news, strict=True)}
        if len(steps) != 1:
            return None
        step = steps.pop()
        inner = self._text(part.slice, file)
        return f"{self._text(part.value, file)}[{_moved(inner, step)}]"

    def _slope(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        spelled = self._spell_slope(proposal, node, file)
        if spelled is None:
            return None
        place, text, why, note = spelled
        _, word, _, mapping = proposal.detail[:4]
        name = self.naming.name_in_scope(mapping[proposal.at], proposal.at) or ""
        written = _compact(self.naming.sources[file].segment(place))
        for other in ACTIVATIONS.keys() - {word} if word in ACTIVATIONS else ():
            if written == _compact(SLOPE_WORDS[other].format(name)):
                why, note = self._why_slope(word, mapping[proposal.at], name, other)
        return place, text, why, note

    def _spell_slope(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        where, word, _, mapping = proposal.detail[:4]
        value = mapping[proposal.at]
        name = self.naming.name_in_scope(value, proposal.at)
        if name is None:
            return None
        slope = SLOPE_WORDS[word].format(_atom(name))
        why, note = self._why_slope(word, value, name)
        if where == "times":
            text = self._text(node, file)
            if isinstance(node, ast.AugAssign):
                texts = [
                    self._text(part, file) for part in expression_parts(node) if part is not None
                ]
                return (
                    None
                    if len(texts) < 2
                    else (place_of(file, node.value), f"{_atom(texts[1])} * {slope}", why, note)
                )
            return (
                place_of(file, node),
                self._inside(node, file, f"{_factor(text, node)} * {slope}"),
                why,
                note,
            )
        parts = expression_parts(node)
        if where == "whole":
            return self._spell_whole(node, proposal.detail[4], file, slope, why, note)
        number = proposal.operand or 0
        part = parts[number] if number < len(parts) else None
        if part is None:
            return None
        old = self._text(part, file)
        if where == "operand":
            text = f"{_factor(old, part)} * {slope}"
            if isinstance(node, ast.BinOp) or isinstance(part, ast.Attribute):
                text = f"({text})"
            return place_of(file, part), text, why, note
        return place_of(file, part), self._inside(part, file, slope), why, note

    def _spell_whole(
        self, node: ast.AST, factors: int, file: str, slope: str, why: str, note: str
    ) -> Any:
        base = node
        for _ in range(factors):
            if not isinstance(base, ast.BinOp) or not isinstance(base.op, ast.Mult):
                return None
            base = base.left
        source = self.naming.sources[file]
        whole = place_of(file, node)
        end = place_of(file, base)
        rest = Position(file, end.end_line, whole.end_line, end.end_column, whole.end_column)
        text = source.segment(rest)
        match = re.match(r"\)?\s*\*\s*", text)
        if match is None or "\n" in text:
            return None
        start = end.end_column + len(match.group().encode())
        place = Position(file, end.end_line, whole.end_line, start, whole.end_column)
        return place, slope, why, note

    def _why_slope(self, word: str, value: int, name: str, other: str = "") -> tuple[str, str]:
        """Why, and a note; the `other` is the activation whose slope was written."""
        shown = _without_brackets(SLOPE_WORDS[word].format(name)).replace("**2", "²")
        activation = ACTIVATIONS.get(word)
        if activation is None or self.calls[value].function is None:
            return Message("The slope here is {slope}.", slope=shown), REASONS["slope"][1]
        slope = shown.replace(" - ", " − ")
        why = Message("Its slope is {slope}.", slope=slope)
        note = Message("{name} needs {activation}'s slope", name=name, activation=activation)
        if other:
            why = Message(
                "Its slope is {slope}; what you wrote is the slope of {activation}.",
                slope=slope,
                activation=_the(other),
            )
            parts = {"other": ACTIVATIONS[other], "activation": activation}
            note = Message("slope of {other}; {name} is {activation}", name=name, **parts)
        note = _fitting(note)
        assigned = self.naming.assigned(value)
        text = assigned[1].text.removeprefix("np.") if assigned else ""
        if assigned is None or text in ("", name):
            return why, note
        what = Message(
            "`{name}` is `{code}`, line {line}.",
            name=name,
            code=_short(text, 40),
            line=assigned[1].line,
        )
        return joined(" ", [what, why]), note

    def _missing_weights(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        word, weight = proposal.detail
        parts = expression_parts(node)
        number = proposal.operand or 0
        part = parts[number] if number < len(parts) else None
        name = self.naming.name_in_scope(weight, proposal.at)
        if part is None or name is None:
            return None
        old = self._text(part, file)
        text = {
            "x@W.T": f"{_atom(old)} @ {_transpose(name)}",
            "W.T@x": f"{_transpose(name)} @ {_atom(old)}",
            "x@W": f"{_atom(old)} @ {name}",
            "W@x": f"{name} @ {_atom(old)}",
        }[word]
        why = Message("The error goes back through `{name}`, which is missing here.", name=name)
        return (
            place_of(file, part),
            f"({text})" if isinstance(node, ast.BinOp) else text,
            why,
            Message("{name} is missing", name=_short(name, 14)),
        )

    def _factor(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        ratio = proposal.detail[0]
        text = self._text(node, file)
        is_of_square = "square" in proposal.detail
        name = None if is_of_square else self._named_number(proposal.at, ratio)
        if abs(ratio + 1) < 1e-6:
            return place_of(file, node), f"-{_atom(text)}", *REASONS["sign"]
        if name is not None:
            symbol, word = name
            new = f"{_factor(text, node)} {symbol} {word}"
        elif ratio < 1:
            without = _without_first_factor(text, node, _number(1 / ratio))
            new = without or f"{_factor(text, node)} / {_number(1 / ratio)}"
        else:
            new = f"{_number(ratio)} * {_factor(text, node)}"
        if isinstance(node, ast.AugAssign):
            return None
        times = WrittenNumber(_number(1 / ratio) if ratio < 1 else _number(ratio))
        note = Message("{times} times too small", times=times)
        if ratio < 1:
            note = Message("{times} times too large", times=times)
        why = Message(
            "It is {times_too_large}, measured by the other gradients.", times_too_large=note
        )
        if is_of_square:
            why = Message(
                "It is {times_too_large}: the slope of a square is twice its base.",
                times_too_large=note,
            )
        parent = self.naming.sources[file].parents.get(node)
        is_addend = isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.Add, ast.Sub))
        return place_of(file, node), new if is_addend else self._inside(node, file, new), why, note

    def _constant(self, proposal: Proposal, node: ast.AST, file: str) -> Any:
        number, ratio = proposal.operand or 0, proposal.detail[0]
        parts = expression_parts(node)
        part = parts[number] if number < len(parts) else None
        if not isinstance(part, ast.Constant) or not isinstance(part.value, (int, float)):
            return None
        new = _number(float(part.value) * ratio)
        old = self._text(part, file)
        note = Message("{right}, not {wrong}", right=new, wrong=old)
        if "forward" in proposal.detail:
            return (
                place_of(file, part),
                new,
                Message("The way forward has {right}.", right=new),
                note,
            )
        why = Message(
            "With {number} it is {times} times the other gradients' size.",
            number=old,
            times=WrittenNumber(_number(1 / ratio)),
        )
        return place_of(file, part), new, why, note

    def _named_number(self, at: int, ratio: float) -> tuple[str, str] | None:
        """A number of the program that the factor is."""
        frames = self.calls[at].frames
        texts = self.naming.scopes.get(frames[0][0], {})
        for index, text in texts.items():
            value = self.calls[index].value
            if np.ndim(value) == 0 and np.size(value) == 1 and float(value):
                if abs(float(value) * ratio - 1) < 1e-6:
                    return "/", text
                if abs(float(value) / ratio - 1) < 1e-6:
                    return "*", text
        for index, text in texts.items():
            for axis, size in enumerate(np.shape(self.calls[index].value)):
                if abs(size * ratio - 1) < 1e-6 and size > 1 and ast.parse(text).body:
                    return "/", f"len({text})" if axis == 0 else f"{_atom(text)}.shape[{axis}]"
        return None

    def _text(self, node: ast.AST, file: str) -> str:
        return self.naming.text(node, file)

    def _operand_value(self, index: int, number: int) -> Any:
        part = self.calls[index].arguments[number]
        return self.calls[part.index].value if isinstance(part, Ref) else part

    def _inside(self, node: ast.AST, file: str, text: str) -> str:
        """The text with brackets, if what is around it would bind more strongly."""
        source = self.naming.sources[file]
        parent = source.parents.get(node)
        if not isinstance(parent, (ast.BinOp, ast.UnaryOp, ast.Attribute, ast.Compare)):
            return text
        place = place_of(file, node)
        line, last = source.lines[place.line - 1], source.lines[place.end_line - 1]
        before, after = line[: place.column].rstrip(), last[place.end_column :].lstrip()
        if before.endswith(b"(") and after.startswith(b")"):
            return (
                text[1:-1]
                if text.startswith("(") and text.endswith(")") and text.count("(") == 1
                else text
            )
        return _atom(text)


def _the(word: str) -> str:
    return Message("the sigmoid") if ACTIVATIONS[word] == "sigmoid" else ACTIVATIONS[word]


def _fitting(note: Message) -> Message:
    """The note with so much of its name as there is room for beside a line."""
    over = len(note) - MOST_NOTE
    name = str(note.parts["name"])
    if over <= 0:
        return note
    return Message(note.template, **{**note.parts, "name": _short(name, max(len(name) - over, 2))})


def _compact(text: str) -> str:
    return _without_brackets("".join(text.split()))


def _without_brackets(text: str) -> str:
    inner = text[1:-1]
    is_whole = text.startswith("(") and text.endswith(")") and "(" not in inner
    return inner if is_whole else text


def _atom(text: str) -> str:
    return text if ATOM.fullmatch(text) else f"({text})"


def _term(text: str) -> str:
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return _atom(text)
    is_sum = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))
    return f"({text})" if is_sum else text


def _factor(text: str, node: ast.AST) -> str:
    loose = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))
    return f"({text})" if loose or isinstance(node, (ast.Compare, ast.IfExp)) else text


def _without_first_factor(text: str, node: ast.AST, factor: str) -> str | None:
    """What is left of a product that begins with this number."""
    is_product = isinstance(node, ast.BinOp) and isinstance(
        node.op, (ast.Mult, ast.Div, ast.MatMult)
    )
    match = re.match(rf"{re.escape(factor)}(?:\.0*)?\s*\*(?!\*)\s*", text)
    return text[match.end() :] if match and is_product else None


def _transpose(text: str) -> str:
    return text.removesuffix(".T") if text.endswith(".T") else f"{_atom(text)}.T"


def _short(text: str, most: int = 24) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _identifier(text: str) -> str:
    words = re.findall(r"\w+", text.removesuffix(".T"))
    return words[-1] if words and not words[-1].isdigit() else "_".join(words) or "weights"


def _moved(text: str, step: int) -> str:
    match = re.search(r"([+-])\s*(\d+)\Z", text)
    if match:
        base, total = text[: match.start()].rstrip(), int(match[1] + match[2]) + step
    elif re.fullmatch(r"-?\d+", text):
        return str(int(text) + step)
    else:
        base, total = text, step
    return base if total == 0 else f"{base} {'+' if total > 0 else '-'} {abs(total)}"


def _number(value: float) -> str:
    return str(round(value)) if abs(value - round(value)) < 1e-6 else f"{value:.6g}"


ELSEWHERE = Message("this is where it goes wrong"), Message("wrong from here on")
NO_SQUARE = Message("Its square belongs here."), Message("the square is missing")
REASONS = {
    "update": (
        Message(
            "The gradient is right, but the update does with it what no optimiser does: a square, "
            "a root or a memory is missing, or stands in another's place."
        ),
        Message("no optimiser moves it so"),
    ),
    "stale": (
        Message("These weights were updated before they are used here."),
        Message("already updated"),
    ),
    "operand": (Message("Another value belongs here."), Message("another value belongs here")),
    "slope": (Message("Another slope belongs here."), Message("another slope belongs here")),
    "axis": (
        Message("The sum is over other places than those that share the weight."),
        Message("another axis"),
    ),
    "sign": (Message("The sign is the other way round."), Message("the sign")),
    "factor": (Message("It is a multiple of what it should be."), Message("a factor")),
    "missing weights": (
        Message("The error goes back through weights that are missing here."),
        Message("weights are missing"),
    ),
}
