import pytest

from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.run_training import Listener
from gradbook.lab.training.train import Spread, train_seeds
from tests.lab import made

pytestmark = pytest.mark.witness("cc")
SET = made.dataset()


def test_each_seed_is_a_training_of_its_own(tmp_path):
    found = train_seeds(made.recipe(), range(3, 5), "epochs 1", folder=tmp_path, data=SET)
    assert [trained.recipe.net.seed for trained in found] == [3, 4]
    assert found[0].history[0].train_loss != found[1].history[0].train_loss
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed-3", "seed-4"]
    assert RunFolder(tmp_path / "seed-4").result()["seed"] == 4


def test_after_one_that_is_stopped_no_other_begins():
    class Stopping(Listener):
        def on_start(self, training):
            training.stop()

    (only,) = train_seeds(made.recipe(), data=SET, listener=Stopping())
    assert only.stopped


def test_a_spread_is_that_of_a_sample():
    spread = Spread((0.98, 0.99, 1.0))
    assert (spread.mean, spread.deviation) == (pytest.approx(0.99), pytest.approx(0.01))
    assert spread.lowest == 0.98
    assert Spread((0.98,)).deviation == 0
