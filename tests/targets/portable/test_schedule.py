"""The order of rows: each is made once, after what it reads, and nothing it reads was given up."""

import numpy as np
from hypothesis import given, settings

from gradbook.targets.portable.makers import row_makers
from gradbook.targets.portable.schedule import row_order
from tests.cases import for_each
from tests.families import networks
from tests.targets.portable.compiled import has_words_for
from tests.trained import model_of, trained_of


def followed(makers, order):
    """Follow the turns with the numbers of rows for rows, in the places that they have."""
    memory = np.full(order.arena, -1)
    made = [0] * len(makers)
    for number in order.turns:
        maker, kept = makers[number], order.buffers[number]
        row = made[number]
        first = maker.first_row(row)
        for read in maker.reads:
            other, held = makers[read], order.buffers[read]
            for needed in range(max(first, 0), min(first + maker.tall, other.shape[0])):
                start = held.start + needed % held.depth * held.length
                assert (memory[start : start + held.length] == read * 1000 + needed).all()
        start = kept.start + row % kept.depth * kept.length
        memory[start : start + kept.length] = number * 1000 + row
        made[number] += 1
    return made


@settings(max_examples=60)
@given(networks(images=True, depth=7).filter(has_words_for))
def test_every_row_finds_what_it_reads(net):
    makers = row_makers(trained_of(net))
    order = row_order(makers)
    made = followed(makers, order)
    assert made[-1] == makers[-1].shape[0]


@for_each("rows", [28, 280])
def test_memory_grows_with_the_width_of_images_not_with_their_height(rows):
    model = model_of(f"input 1x{rows}x28; conv 8 3x3 pad 1; relu; conv 8 3x3; maxpool all; softmax")
    order = row_order(row_makers(model.trained()))
    assert order.arena < 3 * 30 + 3 * 28 * 8 + rows * 26 * 8 + 100
    assert [kept.depth for kept in order.buffers[:2]] == [3, 3]
