from gradbook.report import study
from gradbook.report.words import plain
from tests.report.study.records import trials

TRIALS = trials()


def test_a_trial_is_a_line_that_fits_its_heading():
    (head,) = study.study_heading()
    for trial in TRIALS:
        line = plain([study.trial_line(trial)])
        assert line.startswith(f"{trial['number']:>5}")
        said = "conv" if trial["state"] == "done" else f"{trial['state']}: after epoch 2"
        assert line.index(said) == len(plain([head]).rstrip("\n")) + 2


def test_what_was_chosen_is_cut_where_it_is_long():
    many = {**TRIALS[0], "parameters": {f"width {k}": k for k in range(40)}}
    assert len(study.drawn_words(many)) <= study.MOST_DRAWN
    assert study.drawn_words(many).endswith("…")


def test_the_summary_counts_what_was_trained_to_the_end():
    done = [trial for trial in TRIALS if trial["state"] == "done"]
    said = "".join(span.text for span in study.study_summary(TRIALS, done[0], [{}, {}]))
    assert f"{len(done)} recipes trained to the end, {len(TRIALS) - len(done)} cut short" in said
    assert "scored 2 times" in said
    assert "none has a score" in study.study_summary(TRIALS, None, [])[0].text
