"""Programs that train by hand are judged as they deserve, and their mistakes named to the line."""

from __future__ import annotations

import ast

from bench.programs import SECONDS, all_judged, judge
from tests.audit.programs.material.catalogue import codes, mistakes, programs
from tests.cases import for_each

PROGRAMS = {program.name: program for program in programs()}
MISTAKES = {mistake.name: mistake for mistake in mistakes()}
FEW_RIGHT = [  # bench/programs.py has them all
    "script/xor",
    "class/dropout_net",
    "class/squares_printed",
    "layers/batchnorm_mlp",
    "neurons/named_weights",
    "notebook/attention_pool",
    "sample/delta_rule",
    "cnn/im2col_class",
]
FEW_WRONG = [
    "script/spiral, line 38: mask",
    "functions/xor_global_bce, line 33: factor",
    "dict/gradient_check_exercise, line 44: factor",
    "notebook/tips_normalised, cell 3, line 18: axis",
    "functions/regression_momentum, line 21: missing slope",
]


def test_a_mistake_changes_its_line_and_leaves_a_program():
    for mistake in MISTAKES.values():
        name = mistake.program.path.name
        before, after = codes(name, mistake.program.text), codes(name, mistake.text)
        for code in after:
            ast.parse(code)
        cell = (mistake.cell or 1) - 1
        assert [
            k for k, pair in enumerate(zip(before, after, strict=True)) if len(set(pair)) > 1
        ] == [cell]
        line = after[cell].splitlines()[mistake.line - 1]
        assert line not in before[cell].splitlines() or mistake.kind == "stale", mistake.name


@for_each("name", FEW_RIGHT)
def test_a_right_program_is_right(name):
    result = judge(PROGRAMS[name], SECONDS)
    assert result.is_true, str(result)


@for_each("name", FEW_WRONG)
def test_a_mistake_is_named_to_the_line_and_mended(name):
    result = judge(MISTAKES[name], SECONDS)
    assert not result.is_miss, str(result)


def test_no_right_program_is_condemned():
    results = list(all_judged([*PROGRAMS.values()], SECONDS, workers=2))
    assert [str(one) for one in results if one.verdict == "wrong"] == []
    misses = "\n".join(str(one) for one in results if one.is_miss)
    assert sum(one.is_true for one in results) >= 0.98 * len(results), misses
