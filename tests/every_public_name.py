"""Each public name as a stranger would use it, for a type checker in its strictest mode.

It is read, not run: what it does is tested elsewhere.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import gradbook as gb

# Networks ------------------------------------------------------------------------

small = gb.Net(
    2,
    [gb.Dense(3), gb.Activation("tanh"), gb.Dense(1, gb.Bias.NONE), "sigmoid"],
    loss="binary cross-entropy",
    update="adam",
    rate=0.1,
    samples=[gb.Sample([0, 1], [1]), gb.Sample([1, 1], [0])],
    start={"b": [0.0, 0.1, 0.2]},
)
images = gb.Net(
    (1, 28, 28),
    [
        gb.Conv(8, (3, 3)),
        gb.BatchNorm(),
        gb.Pool("max", (2, 2)),
        gb.Flatten(),
        gb.Dropout(0.1),
        gb.Dense(10),
        gb.Activation("log softmax"),
    ],
)
texts: list[str] = [str(net) for net in (small, images, gb.Net.parse("input 2; dense 1"))]
shapes: tuple[tuple[int, ...], ...] = images.shapes
counts: int = images.count()
targets: list[tuple[float, ...]] = [sample.targets for sample in small.samples]
words: list[str] = [layer.text for layer in small.layers]
values: dict[str, NDArray[np.float64]] = small.forward([0.5, 0.5])
slope: float = float(small.gradients([[0, 1], [1, 1]], np.array([[1], [0]]))["w1"])

a, b = gb.values(a=2.0, b=-3)
product: gb.Value = ((a * b + 1) / (2 - a.exp()) - b**2).tanh().named("product")
product.backward()
gradient: float = a.grad + product.data
formulas: str = str(gb.explain(product)) + str(gb.explain("E = w^2; w = 3"))

warnings.simplefilter("error", gb.Assumption)

# What is read of them ----------------------------------------------------------------

derived = gb.explain(gb.builtin("worked"), "w5")
pages: list[str] = [str(derived), derived.html(), derived.latex(), derived.markdown()]
records: str = derived.json()
found = gb.sweep("worked", [0.1, 1.0], epochs=20)
verdicts: dict[float, str] = {rate: str(found[rate].verdict) for rate in found.rates}
reason: str = found[0.1].reason
losses: NDArray[np.float64] = found[0.1].losses
limit: float | None = found.limit.rate
book: Path = gb.write_workbook(small, "small.xlsx", epochs=20, exercise=True).path
try:
    report = gb.check("small.xlsx")
except gb.GradbookError as error:
    raise SystemExit(error.message) from error
told: list[str] = [f"{one.sheet} {one.cells}: {one.why}" for one in report.findings]
sheets: list[str] = [one.verdict for one in report.sheets]
page = gb.play("xor", height=400)
table: gb.Net = gb.read_table("and.csv", small, decimal=".")

workbook: gb.Workbook = gb.read_book("model.xlsx")
slopes: gb.Derivatives = workbook.derivatives("B14", by=["B3:B8", "Volatility"])
vega: float = slopes["Volatility"] + slopes["Model.B6"]
sentences: list[str] = [one.sentence for one in slopes.inputs]
every: dict[str, float] = dict(slopes)
frame = slopes.to_frame()
chain: str = gb.explain(workbook["B14"], "Volatility").markdown()
copy: Path = workbook.write("copy.xlsx", "B14", learn="B3:B4", epochs=20, rate=0.5)
likely: list[str] = [f"{cell.name} {cell.label} {cell.formula}" for cell in workbook.results]

# Training ----------------------------------------------------------------------------

plan = gb.recipe("quick", "epochs 5; batch 64")
epochs: int = plan.epochs
run = gb.train(plan, data="digits", seed=1, show=False, listener=print)
rows, labels = np.zeros((30, 4)), np.arange(30) % 3
on_arrays = gb.train(small, rows, labels, set="momentum 0.9", validation=0.2, epochs=3)
own_parts = gb.train(None, rows.tolist(), ["a", "b"] * 15, validation=(rows, labels), test=0)
on_columns = gb.train(None, {"x": rows[:, 0], "y": labels}, "y", class_weight={"0": 2.0})
on_a_table = gb.train("houses.csv", target="price", patience=10, listener=lambda epoch: False)
figures: list[str] = [str(run.history), str(run.test), repr(on_arrays.test.confusion)]
picked: str = str(gb.recipe_for({"x": rows[:, 0], "y": labels}, "y").net)
step = gb.steps(small, rate=0.1)
loss: float = step(rows, labels) + float(step.gradients["dense1.weight"].sum())
step.weights["dense1.bias"] = [0, 0, 0]
curve: list[float] = [epoch.train_loss for epoch in run.history]
accuracy: float | None = run.test_accuracy
written: Path = gb.write_report("runs/quick")
model: gb.Model = gb.load("runs/quick")
trained: gb.Model = run.model
answers: NDArray[np.float64] = model.predict(np.zeros((1, 28, 28)))
likeliest: NDArray[np.str_] = model.predict({"x": [0.0]}, names=True)
recalls: list[float | None] = [one.recall for one in model.evaluate(rows, labels).classes.values()]
classes: NDArray[np.int32] = model.classify(np.zeros((1, 28, 28)))
right: float = model.score(np.zeros((1, 28, 28)), np.array([0]))
files: tuple[Path, ...] = model.export("reader.onnx", opset=13).files
model.save("reader.safetensors")
names: tuple[str, ...] = model.classes


def brought_in(module: object, example: object, estimator: object) -> list[gb.Model]:
    """Models of other libraries."""
    return [
        gb.from_torch(module, example, task="numbers"),
        gb.from_keras(module, classes=["no", "yes"]),
        gb.from_sklearn(estimator),
    ]


def watched() -> list[str]:
    """What was seen of a training of one's own."""
    with gb.watch() as seen:
        brought_in(None, None, None)
    verdicts: list[str] = [seen.check().verdict, gb.check(brought_in, 1, 2, 3).verdict]
    return [*verdicts, str(seen.explain("W1"))]
