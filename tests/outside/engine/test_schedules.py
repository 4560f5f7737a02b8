"""Rates as PyTorch's own schedulers give them, step by step."""

import pytest

from gradbook.lab.recipes.recipe import RISE, Schedule

STEPS, EPOCHS = 7, 5
ALL = STEPS * EPOCHS


@pytest.fixture
def optimizer(torch):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)


@pytest.fixture
def theirs(torch):
    return torch.optim.lr_scheduler


def stepped(scheduler, count: int = ALL) -> list[float]:
    """The rate at each step, the scheduler going on after each."""
    seen = []
    for _ in range(count):
        seen.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.optimizer.step()
        scheduler.step()
    return seen


def ours(schedule: Schedule, losses=()) -> list[float]:
    return [
        rate
        for epoch in range(EPOCHS)
        for rate in schedule.rates(epoch, STEPS, EPOCHS, losses[:epoch])
    ]


def each_step(rates: list[float]) -> list[float]:
    return [rate for rate in rates for _ in range(STEPS)]


def test_step_is_steplr(theirs, optimizer):
    wanted = stepped(theirs.StepLR(optimizer, 2, gamma=0.4), EPOCHS)
    assert ours(Schedule("step", 0.3, factor=0.4, every=2)) == pytest.approx(each_step(wanted))


@pytest.mark.parametrize("patience", [0, 1, 2])
def test_plateau_is_reducelronplateau(patience, theirs, optimizer):
    losses = [3.0, 2.0, 2.0, 1.99999, 2.5]
    scheduler = theirs.ReduceLROnPlateau(optimizer, factor=0.2, patience=patience)
    wanted = []
    for loss in losses:
        wanted.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.step(loss)
    schedule = Schedule("plateau", 0.3, factor=0.2, patience=patience)
    assert ours(schedule, losses) == pytest.approx(each_step(wanted))


def test_cosine_is_cosineannealinglr(theirs, optimizer):
    wanted = stepped(theirs.CosineAnnealingLR(optimizer, ALL, eta_min=0.01))
    assert ours(Schedule("cosine", 0.3, end=0.01)) == pytest.approx(wanted)


def test_one_cycle_is_onecyclelr_that_reaches_its_end_one_step_later(theirs, optimizer):
    scheduler = theirs.OneCycleLR(
        optimizer,
        max_lr=0.3,
        total_steps=ALL + 1,
        pct_start=(0.2 * ALL + 1) / (ALL + 1),
        anneal_strategy="linear",
        div_factor=RISE,
        final_div_factor=1e30,
        cycle_momentum=False,
    )
    assert ours(Schedule("one cycle", 0.3, warm=0.2)) == pytest.approx(stepped(scheduler))


def test_a_warm_up_is_linearlr(theirs, optimizer):
    wanted = stepped(theirs.LinearLR(optimizer, start_factor=1 / RISE, total_iters=14))
    assert ours(Schedule("constant", 0.3, warm=14 / ALL)) == pytest.approx(wanted)
