import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradbook.lab.study.search import Search, importance
from gradbook.lab.study.study_plan import read_plan
from tests.cases import for_each

STUDY = "vary quick\nbatch {32..512 log}\nschedule one cycle {0.05..1 log}\nconv {4..12} 3x3 pad 1"


def score(drawn):
    return 1 - abs(drawn["cycle"] - 0.4) - drawn["conv 1"] / 100


def asked(plan, folder, count=14, ahead=3):
    """What is asked for, if each is told once `ahead` are under way, in their order."""
    folder.mkdir()
    search = Search(plan, folder / "journal.log")
    waiting, found = [], []
    for _ in range(count):
        waiting.append(search.ask())
        found.append(waiting[-1][1:])
        if len(waiting) == ahead:
            number, drawn, _ = waiting.pop(0)
            search.tell(number, [score(drawn)], [score(drawn) / 2, score(drawn)])
    return search, found


@for_each("sampler", ["tpe", "nsga", "cma", "random"])
def test_the_same_answers_lead_to_the_same_questions(sampler, tmp_path):
    plan = read_plan(f"{STUDY}\nsampler {sampler}")
    _, first = asked(plan, tmp_path / "a")
    _, second = asked(plan, tmp_path / "b")
    assert first == second
    assert len({str(one) for one in first}) > 5
    assert first != asked(read_plan(f"{STUDY}\nsampler {sampler}\ndraw 1"), tmp_path / "c")[1]


def test_what_is_drawn_is_what_the_recipe_says(tmp_path):
    plan = read_plan(STUDY)
    _, found = asked(plan, tmp_path / "a")
    for drawn, text in found:
        recipe = plan.recipe(text)
        assert recipe.batch == drawn["batch"]
        assert recipe.schedule.rate == drawn["cycle"]
        assert recipe.net.layers[0].channels == drawn["conv 1"]


def test_two_aims_are_told(tmp_path):
    search = Search(read_plan(f"{STUDY}\naim accuracy, parameters\nsampler nsga"), tmp_path / "j")
    for _ in range(3):
        number, drawn, _ = search.ask()
        search.tell(number, [score(drawn), 1000.0], [score(drawn)])
    assert [trial.values[1] for trial in search.study.trials] == [1000.0] * 3


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_bar_is_where_optunas_own_pruner_turns(seed, tmp_path_factory):
    from optuna.pruners import MedianPruner
    from optuna.trial import TrialState, create_trial

    draw = random.Random(seed)
    plan = read_plan(f"{STUDY}\nprune median")
    search = Search(plan, tmp_path_factory.mktemp("bars") / "j")
    for _ in range(9):
        number, _, _ = search.ask()
        curve = sorted(draw.random() for _ in range(3))
        search.tell(number, [curve[-1]], curve)
    number, _, _ = search.ask()
    pruner, bars = MedianPruner(n_startup_trials=5, n_min_trials=5), search.bars(3)
    assert len(bars) == 2
    for epoch, bar in enumerate(bars, 1):
        for value in (bar * 0.99, bar * 1.01):
            trial = create_trial(
                state=TrialState.PRUNED,
                intermediate_values=dict.fromkeys(range(1, epoch + 1), value),
            )
            trial.number = number
            assert pruner.prune(search.study, trial) == (value < bar)


def test_no_bar_stands_before_some_trials_were_seen(tmp_path):
    search = Search(read_plan(f"{STUDY}\nprune median"), tmp_path / "j")
    assert search.bars(4) == (0.0, 0.0, 0.0)
    assert Search(read_plan(STUDY), tmp_path / "k").bars(4) == ()


def test_a_damaged_journal_of_before_is_no_matter(tmp_path):
    plan = read_plan(STUDY)
    _, found = asked(plan, tmp_path / "a")
    journal = tmp_path / "a" / "journal.log"
    journal.write_bytes(journal.read_bytes()[:-40])
    assert Search(plan, journal).ask()[1:] == found[0]


def test_what_decides_is_important(tmp_path):
    search, _ = asked(read_plan(STUDY), tmp_path / "a", count=40)
    found = importance(tmp_path / "a" / "journal.log")
    assert max(found, key=found.get) == "cycle"
    assert sum(found.values()) == pytest.approx(1)
    assert search.study.best_value > 0.5
