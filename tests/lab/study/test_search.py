import pytest

from gradbook.errors import DataError
from gradbook.lab.study.search import Search
from gradbook.lab.study.study_plan import read_plan
from tests.cases import for_each

STUDY = "vary quick\nbatch {32..512 log}\nschedule one cycle {0.05..1 log}\nconv {4..12} 3x3 pad 1"


def score(drawn):
    return 1 - abs(drawn["cycle"] - 0.4) - drawn["conv 1"] / 100


def asked(plan, folder, count=14, ahead=3, stop=()):
    """What is asked for, if each is told once `ahead` are under way, in their order. After these
    numbers the search is closed, and opened again."""
    folder.mkdir()
    journal = folder / "journal.log"
    search, waiting, found = Search(plan, journal), [], []
    for number in range(count):
        waiting.append(search.ask())
        found.append(waiting[-1][1:])
        if len(waiting) == ahead:
            told, drawn, _ = waiting.pop(0)
            search.tell(told, score(drawn))
        if number in stop:
            search = Search(plan, journal)
            assert [trial[:3] for trial in search.tried[-len(waiting) :]] == waiting
    return search, found


@for_each("sampler", ["tpe", "random"])
def test_the_same_answers_lead_to_the_same_questions(sampler, tmp_path):
    plan = read_plan(f"{STUDY}\nsampler {sampler}")
    _, first = asked(plan, tmp_path / "a")
    _, second = asked(plan, tmp_path / "b")
    assert first == second
    assert len({str(one) for one in first}) > 5
    assert first != asked(read_plan(f"{STUDY}\nsampler {sampler}\ndraw 1"), tmp_path / "c")[1]


def test_a_search_that_is_opened_again_goes_on_as_if_it_had_not_been_closed(tmp_path):
    plan = read_plan(STUDY)
    _, whole = asked(plan, tmp_path / "a", count=20)
    _, broken = asked(plan, tmp_path / "b", count=20, stop=(2, 11, 12, 17))
    assert broken == whole


def test_what_is_drawn_is_what_the_recipe_says(tmp_path):
    plan = read_plan(STUDY)
    _, found = asked(plan, tmp_path / "a")
    for drawn, text in found:
        recipe = plan.recipe(text)
        assert recipe.batch == drawn["batch"]
        assert recipe.schedule.rate == drawn["cycle"]
        assert recipe.net.layers[0].channels == drawn["conv 1"]


def test_a_line_that_was_not_completed_is_no_matter(tmp_path):
    plan = read_plan(STUDY)
    _, found = asked(plan, tmp_path / "a", count=4)
    journal = tmp_path / "a" / "journal.log"
    with journal.open("ab") as file:
        file.write(b'{"op_code": 6, "wor')
    search = Search(plan, journal)
    assert [trial[1:3] for trial in search.tried] == found
    assert search.ask()
    assert len(Search(plan, journal).tried) == 5


def test_of_what_belongs_together_all_counts_or_nothing(tmp_path):
    plan = read_plan(STUDY)
    _, found = asked(plan, tmp_path / "a", count=6, ahead=9)
    journal = tmp_path / "a" / "journal.log"
    lines = journal.read_bytes().splitlines(keepends=True)
    for count in range(len(lines)):
        journal.write_bytes(b"".join(lines[:count]))
        search = Search(plan, journal)
        assert [trial[1:3] for trial in search.tried] == found[: len(search.tried)]
        assert search.ask()[1:] == found[len(search.tried)]


def test_a_journal_of_another_study_is_refused(tmp_path):
    asked(read_plan(STUDY), tmp_path / "a")
    other = read_plan("vary quick\nepochs {1..3}")
    with pytest.raises(DataError, match="not the journal of this study"):
        Search(other, tmp_path / "a" / "journal.log")


def test_what_decides_is_important(tmp_path):
    search, _ = asked(read_plan(STUDY), tmp_path / "a", count=40)
    found = search.importance()
    assert max(found, key=found.get) == "cycle"
    assert sum(found.values()) == pytest.approx(1)
    assert search.study.best_value > 0.5
