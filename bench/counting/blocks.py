"""Assembly in which each straight run of instructions counts how often it is gone through.

A run begins at a label and behind each jump. What is put there changes neither flags nor registers
nor what lies on the stack, so the program does what it did, on one thread.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

COUNTED, SAVED = "gradbook_counted", "gradbook_saved"
LABEL = re.compile(r"^([\w.$]+):")
INSTRUCTION = re.compile(r"^\s+([a-z][\w.]*)(?:\s+(.*))?$")
FUNCTION = re.compile(r"^\s*\.type\s+([\w.$]+),\s*[@%]function", re.MULTILINE)
SHORT = re.compile(r"^\s+tb(n?)z\s+(\w+,\s*#\d+),\s*(\S+)")  # which jumps 32 KB at most
KINDS = ("multiply-adds", "other arithmetic", "moves to the stack and back", "other moves", "other")
FUSED, ARITHMETIC, STACK, MOVES, OTHER = KINDS


@dataclass(frozen=True)
class Language:
    """How a processor's assembly counts, and what the words for whole vectors are."""

    jump: re.Pattern[str]
    fused: re.Pattern[str]
    arithmetic: re.Pattern[str]
    move: re.Pattern[str]
    vector: re.Pattern[str]  # among the operands of a move
    stack: re.Pattern[str]
    counting: str

    def kind(self, word: str, operands: str) -> str:
        if self.fused.fullmatch(word) and self.vector.search(operands):
            return FUSED
        if self.arithmetic.fullmatch(word) and self.vector.search(operands):
            return ARITHMETIC
        if self.move.fullmatch(word) and self.vector.search(operands):
            return STACK if self.stack.search(operands) else MOVES
        return OTHER


X86 = Language(
    re.compile(r"j\w+|ret|ud2"),
    re.compile(r"vfn?m(add|sub)\d+p[sd]"),
    re.compile(r"v?(mul|add|sub|div|max|min|sqrt|and|andn|or|xor|blendv?|blendm|cmp\w*)p[sd]"),
    re.compile(r"v?(mov[au]p[sd]|movdq[au]\d*|broadcasts[sd]|shufps|movss)"),
    re.compile(r"%[xyz]mm"),
    re.compile(r"\(%r[sb]p\b"),
    f"""\
	movq	%rax, {SAVED}(%rip)
	movq	{COUNTED}+{{place}}(%rip), %rax
	leaq	1(%rax), %rax
	movq	%rax, {COUNTED}+{{place}}(%rip)
	movq	{SAVED}(%rip), %rax""",
)
ARM = Language(
    re.compile(r"b|b\..*|br|ret|cbn?z|tbn?z|brk"),
    re.compile(r"fml[as]"),
    re.compile(r"f(mul|add|sub|div|max\w*|min\w*|sqrt|neg|cm\w+)|bsl|bit|bif|and|bic|orr"),
    re.compile(r"ldr|str|ldp|stp|ldur|stur|ld1r?|st1|dup|movi"),
    re.compile(r"\b[qv]\d"),
    re.compile(r"\[(sp|x29)\b"),
    f"""\
	stp	x16, x17, [sp, #-16]!
	adrp	x16, {COUNTED}+{{place}}
	ldr	x17, [x16, :lo12:{COUNTED}+{{place}}]
	add	x17, x17, #1
	str	x17, [x16, :lo12:{COUNTED}+{{place}}]
	ldp	x16, x17, [sp], #16""",
)


@dataclass
class Run:
    """Instructions of which each is executed as often as the first."""

    function: str
    lines: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def size(self) -> int:
        return len(self.lines)


def counting(text: str, language: Language) -> tuple[str, Sequence[Run]]:
    """The same assembly, that counts, and its runs in the order of their counters."""
    functions = set(FUNCTION.findall(text))
    lines: list[str] = []
    runs: list[Run] = []
    inside, function = False, ""
    for line in text.splitlines():
        if label := LABEL.match(line):
            inside = False
            function = label[1] if label[1] in functions else function
        elif found := INSTRUCTION.match(line):
            if not inside:
                lines.append(language.counting.format(place=8 * len(runs)))
                runs.append(Run(function))
            word, operands = found[1], found[2] or ""
            runs[-1].lines.append(line.strip())
            runs[-1].kinds[language.kind(word, operands)] += 1
            inside = not language.jump.fullmatch(word)
        lines.append(_longer(line, len(lines)))
    lines += [f"\t.comm\t{COUNTED}, {8 * len(runs)}, 64", f"\t.comm\t{SAVED}, 8, 8", ""]
    return "\n".join(lines), runs


def _longer(line: str, number: int) -> str:
    """The text is longer now: what could jump too short goes round a jump that can't."""
    if not (short := SHORT.match(line)):
        return line
    other, tested, target = "" if short[1] else "n", short[2], short[3]
    past = f".Lgradbook_past{number}"
    return f"\ttb{other}z\t{tested}, {past}\n\tb\t{target}\n{past}:"
