"""What an imported network is given has its shape, and doesn't only fit it by its count."""

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import DataError, ShapeError

pytestmark = [
    pytest.mark.witness("torch"),
    pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning"),  # of torch's own LSTM
    pytest.mark.filterwarnings("ignore::gradbook.Assumption"),
]


@pytest.fixture
def recurrent(torch):
    class Recurrent(torch.nn.Module):
        def __init__(self, features, tokens=0):
            super().__init__()
            nn = torch.nn
            self.embed = nn.Embedding(tokens, features) if tokens else nn.Identity()
            self.lstm, self.last = nn.LSTM(features, 8, batch_first=True), nn.Linear(8, 4)

        def forward(self, x):
            return self.last(self.lstm(self.embed(x))[0][:, -1])

    torch.manual_seed(0)
    return Recurrent


def said_by(module, given):
    return module(given).detach().numpy()


def test_sequences_are_given_as_pytorch_takes_them_or_flat(torch, recurrent):
    module, given = recurrent(3).eval(), torch.randn(6, 64, 3)
    model = gb.from_torch(module, given)
    for same in (given.numpy(), given.numpy().reshape(6, 192)):
        np.testing.assert_allclose(model.predict(same), said_by(module, given), atol=1e-6)
    for other in ((6, 3, 64), (6, 1, 64, 3), (6, 64), (192,), ()):
        with pytest.raises(ShapeError, match=r"takes \(rows, 64, 3\), \(rows, 192\)$"):
            model.predict(np.zeros(other))


def test_flat_rows_of_features_first_are_refused_where_the_steps_come_first(torch, tmp_path):
    nn = torch.nn
    module = nn.Sequential(nn.Conv1d(3, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(480, 4)).eval()
    given = torch.randn(6, 3, 64)
    gb.from_torch(module, given).save(tmp_path / "net.safetensors")
    model = gb.load(tmp_path / "net.safetensors")
    np.testing.assert_allclose(
        model.predict(given.numpy().swapaxes(1, 2)), said_by(module, given), atol=1e-6
    )
    for other in (given.numpy(), given.numpy().reshape(6, 192)):
        with pytest.raises(
            ShapeError, match=r"64, 3\), steps first: in the file .*\(rows, 3, 64\)"
        ):
            model.predict(other)


def test_tokens_are_given_by_their_numbers(torch, recurrent):
    module, given = recurrent(5, tokens=20).eval(), torch.randint(0, 20, (6, 12))
    model = gb.from_torch(module, given)
    for same in (
        given.numpy(),
        given.tolist(),
        np.eye(20)[given],
        np.eye(20)[given].reshape(6, 240),
    ):
        np.testing.assert_allclose(model.predict(same), said_by(module, given), atol=1e-6)
    for wrong, what in ((20, "20"), (-1, "-1"), (0.5, "0.5")):
        with pytest.raises(DataError, match=f"tokens are whole numbers from 0 to 19, not {what}$"):
            model.predict(np.full((6, 12), wrong))
    with pytest.raises(
        ShapeError, match=r"\(6, 5\), but this model takes .*\(rows, 12\) with the nu"
    ):
        model.predict(np.zeros((6, 5)))
