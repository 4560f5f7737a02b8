"""What a warp means: what is drawn, and where each pixel then looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.chance import Purpose, key
from gradbook.data.dataset import Images, edge_brightness
from gradbook.data.warp import (
    READERS,
    WARP_GRAMMAR,
    Crop,
    Cutout,
    Drawn,
    Elastic,
    Flip,
    Warp,
    draw_warp,
    influence,
    look_up,
    parse_warp,
    places,
    samples,
    warp_image,
    warp_images,
    write_warp,
)
from gradbook.errors import GradbookError, ShapeError, UsageError
from tests.cases import for_each
from tests.data.made import pixels

ALL = Warp(15, 2, (0.9, 1.1), 10, Crop(22, 0.1), Elastic(8, 1.5))


def draw(warp=ALL, image=0, seed=3, epoch=2, rows=28, columns=28):
    return draw_warp(warp, key(seed, Purpose.WARP, epoch, image), rows, columns)


def of_many(warp, count=4000):
    return [draw(warp, image) for image in range(count)]


# What is drawn.


def test_known_draws():
    """What any other language must draw too."""
    numbers = draw(image=59_999)
    assert [numbers.angle, numbers.along, numbers.down] == [
        -0.11776061112543833,
        0.28333802992835366,
        0.22753846379391396,
    ]
    assert [numbers.scale, numbers.shear, numbers.cropped] == [
        1.036981743954455,
        0.15933079163552424,
        False,
    ]
    assert numbers.points.shape == (2, 7, 7)
    assert numbers.points.ravel()[[0, 1, -1]].tolist() == [
        -0.07716398905673982,
        -0.6610853361658628,
        0.6619781009941234,
    ]


def test_leaving_a_kind_out_changes_nothing_about_the_others():
    alone = draw(Warp(rotate=15))
    assert alone.angle == draw().angle
    assert (alone.along, alone.scale, alone.shear, alone.cropped) == (0, 1, 0, False)
    assert np.array_equal(draw(Warp(elastic=Elastic(8, 1.5))).points, draw().points)


def test_seed_epoch_and_image_each_draw_anew():
    angles = {draw(seed=s, epoch=e, image=i).angle for s in (0, 1) for e in (0, 1) for i in (0, 1)}
    assert len(angles) == 8


@for_each(
    ("warp", "values", "low", "high"),
    [
        (Warp(rotate=15), lambda d: np.degrees(d.angle), -15, 15),
        (Warp(shear=10), lambda d: np.degrees(d.shear), -10, 10),
        (Warp(shift=2), lambda d: d.along, -2, 2),
        (Warp(shift=2), lambda d: d.down, -2, 2),
        (Warp(scale=(0.8, 1.1)), lambda d: d.scale, 0.8, 1.1),
        (Warp(elastic=Elastic(8, 3)), lambda d: d.points[1, 3, 2], -3, 3),
    ],
)
def test_all_between_the_limits_is_equally_likely(warp, values, low, high):
    array = np.array([values(one) for one in of_many(warp)])
    assert low <= array.min() < array.max() <= high
    shares = np.sort((array - low) / (high - low))
    expected = (np.arange(len(shares)) + 0.5) / len(shares)
    assert abs(shares - expected).max() < 1.95 / len(shares) ** 0.5  # Kolmogorov–Smirnov, 0.1 %


def test_what_is_drawn_for_one_kind_says_nothing_about_another():
    warp = Warp(rotate=15, shift=2, scale=(0.9, 1.1), shear=10)
    columns = [[d.angle, d.along, d.down, d.scale, d.shear] for d in of_many(warp)]
    together = np.corrcoef(np.array(columns).T) - np.eye(5)
    assert abs(together).max() < 4 / len(columns) ** 0.5


@for_each("chance", [0, 0.1, 1])
def test_a_crop_has_its_chance(chance):
    share = np.mean([d.cropped for d in of_many(Warp(crop=Crop(22, chance)))])
    assert abs(share - chance) <= 4 * (chance * (1 - chance) / 4000) ** 0.5


# Where pixels look.


STILL = {"angle": 0.0, "along": 0.0, "down": 0.0, "scale": 1.0, "shear": 0.0, "cropped": False}


def fell(**moves):
    """Chance as we want it."""
    return Drawn(**(STILL | {"points": np.zeros((2, 0, 0))} | moves))


def shown(image, warp, **moves):
    _, rows, columns = image.shape
    return look_up(image, *places(warp, fell(**moves), rows, columns), warp.background or 0)


IMAGE = pixels(1, 2, 6, 6)[0]


def test_no_warp_leaves_the_picture_exactly_as_it_is():
    assert np.array_equal(warp_image(IMAGE, Warp(), seed=1, epoch=2, image=3), IMAGE)


def test_a_quarter_turn_is_anticlockwise():
    turned = shown(IMAGE, Warp(), angle=np.pi / 2)
    assert np.allclose(turned, np.rot90(IMAGE, axes=(1, 2)), atol=1e-9)


def test_half_a_turn_needs_no_square():
    image = pixels(1, 1, 5, 8)[0]
    assert np.allclose(shown(image, Warp(), angle=np.pi), image[:, ::-1, ::-1], atol=1e-9)


def test_a_shift_goes_right_and_down_and_background_comes_in():
    moved = shown(IMAGE, Warp(background=9), along=2, down=1)
    assert np.array_equal(moved[:, 1:, 2:], IMAGE[:, :-1, :-2])
    assert (moved[:, 0] == 9).all()
    assert (moved[:, :, :2] == 9).all()


def test_half_a_pixel_further_is_the_mean_of_two():
    moved = shown(IMAGE, Warp(background=40), along=0.5)
    framed = np.pad(IMAGE, ((0, 0), (0, 0), (1, 0)), constant_values=40).astype(float)
    assert np.array_equal(moved, (framed[:, :, 1:] + framed[:, :, :-1]) / 2)


def test_what_leans_leans_to_the_right():
    upright = np.zeros((1, 7, 7), np.uint8)
    upright[0, :, 3] = 255
    leaning = shown(upright, Warp(), shear=np.pi / 4)
    assert np.allclose(leaning[0], 255 * np.eye(7)[::-1], atol=1e-9)


def test_scaling_keeps_the_middle_and_makes_it_larger():
    larger = shown(IMAGE, Warp(), scale=3)
    assert np.allclose(larger[:, 1::3, 1::3], IMAGE[:, 2:4, 2:4])


def test_a_crop_stretches_the_middle():
    cropped = shown(IMAGE, Warp(crop=Crop(2)), cropped=True)
    assert np.allclose(cropped, shown(IMAGE, Warp(), scale=3))


def test_a_crop_larger_than_the_image_is_refused():
    with pytest.raises(ShapeError, match="crop 7 of an image with 6 rows and 6 columns: write at"):
        warp_image(IMAGE, Warp(crop=Crop(7)), seed=0, epoch=0, image=0)


def test_lengths_go_with_the_side_and_smaller_images_are_turned_less():
    assert ALL.for_side(14, 28) == Warp(7.5, 1, (0.95, 1.05), 5, Crop(11, 0.1), Elastic(4, 0.75))
    assert ALL.for_side(56, 28) == Warp(15, 4, (0.9, 1.1), 10, Crop(44, 0.1), Elastic(16, 3))
    assert ALL.for_side(28, 28) == ALL
    assert Warp(flip=Flip(), cutout=Cutout(8)).for_side(7, 28) == Warp(
        flip=Flip(), cutout=Cutout(2)
    )


def test_a_flip_is_a_mirror_and_nothing_else():
    assert np.array_equal(shown(IMAGE, Warp(), flipped=True), IMAGE[:, :, ::-1])
    once = [warp_image(IMAGE, Warp(flip=Flip()), seed=0, epoch=0, image=k) for k in range(400)]
    mirrored = [np.array_equal(image, IMAGE[:, :, ::-1]) for image in once]
    assert all(there or np.array_equal(im, IMAGE) for there, im in zip(mirrored, once, strict=True))
    assert abs(np.mean(mirrored) - 0.5) < 4 * 0.5 / 400**0.5


def test_a_cutout_is_a_square_anywhere_up_to_the_edges_in_all_channels():
    warp = Warp(cutout=Cutout(3, 0.8), background=7)
    covered, uncut = np.zeros((6, 6)), 0
    for k in range(3000):
        gone = warp_image(IMAGE, warp, seed=0, epoch=0, image=k) != IMAGE
        assert (gone[0] | (IMAGE[0] == 7) == gone[1] | (IMAGE[1] == 7)).all()
        middle = draw(warp, k, seed=0, epoch=0, rows=6, columns=6).cut
        uncut += middle is None
        if middle:
            covered[middle] += 1
            rows, columns = np.nonzero(gone[0])
            assert abs(rows - middle[0]).max() <= 1
            assert abs(columns - middle[1]).max() <= 1
            assert np.unique(rows).size * np.unique(columns).size >= len(rows)
    assert abs(uncut / 3000 - 0.2) < 0.03
    assert abs(covered / covered.sum() - 1 / 36).max() < 0.015


@for_each("side", [1, 2, 3, 8, 1_000])
def test_a_warp_for_any_side_warps(side):
    image = np.full((1, side, side), 200, np.uint8)
    own = Warp(15, 2, (0.1, 3), 10, Crop(28), Elastic(8, 8), 200).for_side(side, 28)
    found = warp_image(image, own, seed=0, epoch=0, image=0)
    assert np.allclose(found, 200)


def test_the_order_is_crop_scale_shear_rotate_shift():
    """Going back from a pixel through one after the other finds what it shows."""
    moves = {"angle": 0.3, "along": 0.7, "down": -0.4, "scale": 1.2, "shear": 0.2, "cropped": True}
    x, y = places(Warp(crop=Crop(4)), fell(**moves), 6, 6)
    column, row = 4 - 2.5 - 0.7, 1 - 2.5 + 0.4
    turned = complex(column, row) * np.exp(0.3j)  # rows go down: this is clockwise
    column, row = turned.real + turned.imag * np.tan(0.2), turned.imag
    assert np.allclose([x[1, 4], y[1, 4]], np.array([column, row]) / 1.2 * 4 / 6)


# Bending.


def bent(points, elastic, rows, columns):
    x, y = places(Warp(elastic=elastic), fell(points=points), rows, columns)
    still = places(Warp(), fell(), rows, columns)
    return x - still[0], y - still[1]


def test_points_that_move_together_move_the_picture():
    elastic = Elastic(5, 2)
    points = np.empty((2, elastic.points(17), elastic.points(9)))
    points[:] = np.array([1.5, -0.5])[:, None, None]
    along, down = bent(points, elastic, 17, 9)
    assert np.allclose(along, 1.5)
    assert np.allclose(down, -0.5)


def test_points_moved_in_proportion_move_the_picture_in_proportion():
    """Splines are exact for straight lines: the point before the first pixel counts −1."""
    elastic = Elastic(4, 2)
    places_of_points = 4 * (np.arange(elastic.points(13)) - 1.0)
    points = np.broadcast_to(places_of_points, (2, elastic.points(10), len(places_of_points)))
    along, _ = bent(points, elastic, 10, 13)
    assert np.allclose(along, np.arange(13.0))


def test_the_influence_of_a_point_is_a_box_smoothed_three_times():
    spacing, fine = 8, 64
    box = np.ones(spacing * fine) / (spacing * fine)
    two = np.convolve(box, box)
    spline = np.convolve(two, two) * spacing * fine  # number k stands at k + 2, of fine parts
    point = influence(33, Elastic(spacing, 1))[:, 3]  # two spacings after the first pixel
    assert abs(point[1:-1] - spline[np.arange(1, 32) * fine - 2]).max() < 1e-5
    assert point[[0, -1]].tolist() == [0, 0]


def test_no_pixel_goes_further_than_the_points():
    elastic = Elastic(3, 3)
    points = draw(Warp(elastic=elastic), rows=20, columns=11).points
    along, down = bent(points, elastic, 20, 11)
    assert max(abs(along).max(), abs(down).max()) <= abs(points).max() <= 3


def test_up_to_a_quarter_of_the_spacing_nothing_folds():
    """Where places keep their order, the area each pixel shows stays above zero."""
    elastic = Elastic(8, 2)
    for image in range(200):
        chance = draw(Warp(elastic=elastic), image)
        x, y = places(Warp(elastic=elastic), fell(points=chance.points), 28, 28)
        (x_down, x_along), (y_down, y_along) = np.gradient(x), np.gradient(y)
        assert (x_along * y_down - x_down * y_along).min() > 0


# Many images.


def test_images_are_warped_one_by_one_whatever_the_order():
    images = pixels(5, 1, 28, 28)
    order = [4, 1, 1, 0]
    together = warp_images(images, ALL, order, seed=7, epoch=1)
    for place, image in enumerate(order):
        alone = warp_image(images[image], ALL, seed=7, epoch=1, image=image)
        assert np.array_equal(together[place], alone)


def test_samples_are_bytes_with_their_labels():
    images = Images(pixels(5, 1, 28, 28), np.arange(5, dtype=np.int32))
    found = samples(images, ALL, np.array([3, 0]), seed=7)
    assert found.labels.tolist() == [3, 0]
    grounded = replace(ALL, background=edge_brightness(images))
    exact = warp_image(images.pixels[3], grounded, seed=7, epoch=0, image=3)
    assert abs(found.pixels[0] - exact).max() <= 0.5


WHOLE_LINE = "rotate 15; shift 2; scale 0.9 1.1; shear 10; crop 22 chance 0.1; elastic 8 1.5"

PARTS = st.floats(0, 1)
WARPS = st.builds(
    Warp,
    rotate=st.floats(0, 180),
    shift=st.floats(0, 100),
    scale=st.tuples(st.floats(0.01, 1), st.floats(1, 100)),
    shear=st.floats(0, 80),
    crop=st.none() | st.builds(Crop, st.integers(1, 100), PARTS),
    elastic=st.none() | st.builds(Elastic, st.integers(2, 50), st.floats(0, 2)),
    background=st.integers(0, 255),
)


def test_a_line_says_a_warp():
    assert parse_warp(WHOLE_LINE) == Warp(15, 2, (0.9, 1.1), 10, Crop(22, 0.1), Elastic(8, 1.5))
    assert write_warp(parse_warp(WHOLE_LINE)) == WHOLE_LINE


@given(WARPS)
def test_what_is_written_reads_back(warp):
    assert parse_warp(write_warp(warp)) == warp


def test_lines_remarks_and_any_order_will_do():
    assert parse_warp("shift 2 # a little\n\nrotate 15\n") == parse_warp("rotate 15; shift 2")
    assert parse_warp("crop 22") == Warp(crop=Crop(22, 1.0))


def test_none_is_no_warp():
    assert parse_warp("none") == Warp()
    assert write_warp(Warp()) == "none"
    assert not Warp(background=255).changes_images
    assert parse_warp("rotate 1").changes_images


def test_the_grammar_names_every_kind_and_its_example_can_be_read():
    assert all(f"\n  {word} " in WARP_GRAMMAR for word in (*READERS, "none"))
    assert parse_warp(WARP_GRAMMAR.splitlines()[-1].strip()).elastic == Elastic(7, 3)


@for_each(
    ("text", "complaint"),
    [
        ("", "the warp is empty: write for example 'rotate 15; shift 2', or 'none'"),
        ("rotat 15", "warp, line 1, column 1: unknown 'rotat': did you mean 'rotate'?"),
        ("shift 1; twist 3", "column 10: unknown 'twist': it is one of rotate, shift, scale"),
        ("rotate fifteen", "column 8: the angle is a number such as 0.15, not 'fifteen'"),
        ("rotate", "column 7: the angle is missing: write a number here"),
        ("scale 0.9", "column 10: the largest scale is missing"),
        ("shift 2 3", "column 9: unexpected '3' after '2'"),
        ("rotate 15, shift 2", "column 8: the angle is a number such as 0.15, with a point"),
        ("crop 22 0.1", "column 9: unexpected '0.1' after '22'"),
        ("crop 22.5", "column 6: crop's size is a whole number"),
        ("rotate 1; rotate 2", "column 11: 'rotate' is given twice: write it once"),
        ("none; rotate 1", "column 7: 'none' must be alone: remove it, or the others"),
        ("rotate 1; none", "column 11: 'none' must be alone"),
        ("rotate 200", "column 1: rotate's angle must be between 0 and 180, not 200"),
        ("shift -2", "column 1: shift must be between 0 and 10000, not -2"),
        ("scale 1.1 0.9", "column 1: put the smallest scale first: 0.9 1.1"),
        ("scale 0 1", "column 1: a scale must be between 0.01 and 100, not 0"),
        ("shear 90", "column 1: shear's angle must be between 0 and 80, not 90"),
        ("crop 22 chance 2", "column 1: crop's chance must be between 0 and 1, not 2"),
        ("elastic 8 9", "column 1: elastic's reach must be between 0 and 8, not 9"),
        ("elastic 1 1", "column 1: elastic's spacing is a whole number from 2 up, not 1"),
        ("background 256", "column 1: background must be between 0 and 255, not 256"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(text, complaint):
    with pytest.raises(GradbookError) as refused:
        parse_warp(text)
    assert complaint in str(refused.value)


def test_a_warp_made_in_python_is_checked_alike():
    with pytest.raises(UsageError, match="rotate's angle is a number such as 0.15, not 'wide'"):
        Warp(rotate="wide")
    with pytest.raises(UsageError, match="shift must be between 0 and 10000, not nan"):
        Warp(shift=float("nan"))
    with pytest.raises(UsageError, match="crop's size is a whole number from 1 up, not 2.5"):
        Crop(2.5)
