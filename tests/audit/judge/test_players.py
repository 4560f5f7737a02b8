"""Two players with a loss each, or one that both share, are judged by themselves."""

from __future__ import annotations

from gradbook.audit.check_book import check
from gradbook.audit.copies.correct import correct
from tests.audit.material.small import saved
from tests.cases import for_each

ONE_VALUE = {  # the discriminator climbs V, the generator descends it
    "A1": "x real",
    "B1": 1.4,
    "A2": "noise",
    "B2": -0.6,
    "A3": "lr",
    "B3": 0.05,
    **{
        f"A{row}": word
        for row, word in zip(
            range(5, 13), ["u", "v", "m", "s", "G(z)", "D(x)", "D(G)", "V"], strict=True
        )
    },
    **{f"A{row}": f"dV/d{word}" for row, word in zip(range(14, 18), "uvms", strict=True)},
    "B5": 0.2,
    "B6": 0.1,
    "B7": 0.0,
    "B8": 0.5,
    "C5:N5": "=B5+$B$3*B14",
    "C6:N6": "=B6+$B$3*B15",
    "C7:N7": "=B7-$B$3*B16",
    "C8:N8": "=B8-$B$3*B17",
    "B9:N9": "=B7+B8*$B$2",
    "B10:N10": "=1/(1+EXP(-(B5*$B$1+B6)))",
    "B11:N11": "=1/(1+EXP(-(B5*B9+B6)))",
    "B12:N12": "=LN(B10)+LN(1-B11)",
    "B14:N14": "=(1-B10)*$B$1-B11*B9",
    "B15:N15": "=1-B10-B11",
    "B16:N16": "=-B11*B5",
    "B17:N17": "=-B11*B5*$B$2",
}
TWO_LOSSES = {  # the generator wants its output to be taken for real
    **ONE_VALUE,
    "A12": "L D",
    "A13": "L G",
    "C5:N5": "=B5-$B$3*B14",
    "C6:N6": "=B6-$B$3*B15",
    "B12:N12": "=-LN(B10)-LN(1-B11)",
    "B13:N13": "=-LN(B11)",
    "B14:N14": "=(B10-1)*$B$1+B11*B9",
    "B15:N15": "=B10-1+B11",
    "B16:N16": "=(B11-1)*B5",
    "B17:N17": "=B16*$B$2",
}
MISTAKES = {  # a game, and the cells that are wrong in it
    "one weight of a player the wrong way": (ONE_VALUE, "C6:N6", "=B6-$B$3*B15"),
    "one of the other player": (ONE_VALUE, "C7:N7", "=B7+$B$3*B16"),
    "no input": (ONE_VALUE, "B14:N14", "=(1-B10)-B11*B9"),
    "no noise": (ONE_VALUE, "B17:N17", "=-B11*B5"),
    "the noise for what is made of it": (TWO_LOSSES, "B14:N14", "=(B10-1)*$B$1+B11*$B$2"),
    "no real example": (TWO_LOSSES, "B15:N15", "=B11"),
    "the other player's loss": (TWO_LOSSES, "B16:N16", "=B11*B5"),
}
LIKELIHOOD = {  # two layers, and no game
    "A1": "x",
    "B1": 0.7,
    "A2": "t",
    "B2": 1.0,
    "A3": "lr",
    "B3": 0.2,
    **{
        f"A{row}": word
        for row, word in zip(
            range(5, 16), ["w", "c", "v", "d", "h", "p", "LL", "gw", "gc", "gv", "gd"], strict=True
        )
    },
    "B5": 0.3,
    "B6": 0.1,
    "B7": -0.4,
    "B8": 0.2,
    "C5:M8": "=B5+$B$3*B12",
    "B9:M9": "=TANH(B5*$B$1+B6)",
    "B10:M10": "=1/(1+EXP(-B7*B9-B8))",
    "B11:M11": "=$B$2*LN(B10)+(1-$B$2)*LN(1-B10)",
    "B12:M12": "=B13*$B$1",
    "B13:M13": "=B15*B7*(1-B9^2)",
    "B14:M14": "=B15*B9",
    "B15:M15": "=$B$2-B10",
}


@for_each("game", [ONE_VALUE, TWO_LOSSES])
def test_a_game_is_right(game, path):
    (sheet,) = check(saved(path, game)).sheets
    assert (sheet.verdict, sheet.weights) == ("right", ("u", "v", "m", "s"))


@for_each("name", MISTAKES)
def test_a_mistake_of_a_player_is_found_and_mended(name, path):
    game, cells, formula = MISTAKES[name]
    (finding,) = check(saved(path, {**game, cells: formula})).findings
    assert finding.cells == cells
    path.write_bytes(correct(path, check(path)).content)
    assert check(path).verdict == "right"


@for_each("layer", ["C5:M6", "C7:M8"])
def test_a_layer_that_descends_what_the_other_climbs_is_no_player(layer, path):
    row = layer[1]
    report = check(saved(path, {**LIKELIHOOD, layer: f"=B{row}-$B$3*B{int(row) + 7}"}))
    assert check(saved(path, LIKELIHOOD)).verdict == "right"
    assert len(report.findings) == 2
    assert {finding.kind for finding in report.findings} == {"adds the gradient"}
