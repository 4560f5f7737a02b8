"""What warps do to images, as PyTorch's samplers and Pillow do it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from gradbook.chance import Purpose, key
from gradbook.data.warp import Crop, Elastic, Warp, draw_warp, influence, warp_image
from tests.cases import for_each
from tests.data.made import pixels

SEED, EPOCH = 5, 2
IMAGES = pixels(4, 3, 12, 17, seed=1)


def draw(warp, image, rows=12, columns=17):
    return draw_warp(warp, key(SEED, Purpose.WARP, EPOCH, image), rows, columns)


def ours(image, warp):
    return warp_image(IMAGES[image], warp, seed=SEED, epoch=EPOCH, image=image)


def theirs(torch, image, forward, shift=(0, 0), bend=0):
    """grid_sample where affine_grid's pixels come from: places from −1 to 1 over the image."""
    rows, columns = image.shape[1:]
    half = torch.tensor([columns / 2, rows / 2])
    to_pixels, to_unit = torch.diag(half), torch.diag(1 / half)
    back = to_unit @ torch.linalg.inv(torch.tensor(forward, dtype=torch.float64)) @ to_pixels
    offset = -back @ to_unit @ torch.tensor(shift, dtype=torch.float64)
    theta = torch.cat([back, offset[:, None]], dim=1)[None]
    grid = torch.nn.functional.affine_grid(theta, (1, 1, rows, columns), align_corners=False)
    found = torch.nn.functional.grid_sample(
        torch.tensor(image[None].astype(float)),
        grid + torch.as_tensor(bend) / half,
        padding_mode="zeros",
        align_corners=False,
    )
    return found[0].numpy()


def turn(angle):
    c, s = np.cos(angle), np.sin(angle)
    return [[c, s], [-s, c]]


@for_each("image", range(4))
def test_a_rotation_is_pytorchs(torch, image):
    warp = Warp(rotate=180)
    expected = theirs(torch, IMAGES[image], turn(draw(warp, image).angle))
    assert np.allclose(ours(image, warp), expected, rtol=0, atol=1e-9)


@for_each("image", range(4))
def test_a_scaling_is_pytorchs(torch, image):
    warp = Warp(scale=(0.5, 2))
    expected = theirs(torch, IMAGES[image], np.eye(2) * draw(warp, image).scale)
    assert np.allclose(ours(image, warp), expected, rtol=0, atol=1e-9)


@for_each("image", range(4))
def test_all_together_are_pytorchs(torch, image):
    warp = Warp(25, 3, (0.8, 1.2), 20, Crop(9, 0.5), Elastic(5, 2))
    fell = draw(warp, image)
    crop = [17 / 9, 12 / 9] if fell.cropped else [1, 1]
    slant = [[1, -np.tan(fell.shear)], [0, 1]]
    forward = np.array(turn(fell.angle)) @ slant @ np.diag(np.multiply(fell.scale, crop))
    down, across = influence(12, warp.elastic), influence(17, warp.elastic)
    bend = np.einsum("rp,apq,cq->rca", down, fell.points, across)
    expected = theirs(torch, IMAGES[image], forward, (fell.along, fell.down), bend)
    assert np.allclose(ours(image, warp), expected, rtol=0, atol=1e-9)


def test_some_are_cropped_and_some_are_not():
    warp = Warp(25, 3, (0.8, 1.2), 20, Crop(9, 0.5), Elastic(5, 2))
    assert {draw(warp, image).cropped for image in range(4)} == {True, False}


def test_a_crop_is_pytorchs_crop_and_resize(torch):
    """Inside: at its edge PyTorch repeats the last pixel, we look at the next one."""
    image = pixels(1, 1, 28, 28, seed=2)[0]
    found = warp_image(image, Warp(crop=Crop(22)), seed=SEED, epoch=EPOCH, image=0)
    middle = torch.tensor(image[None, :, 3:-3, 3:-3].astype(float))
    resized = torch.nn.functional.interpolate(middle, size=(28, 28), mode="bilinear")
    assert np.allclose(found[:, 1:-1, 1:-1], resized[0, :, 1:-1, 1:-1], rtol=0, atol=1e-9)


def test_a_rotation_goes_the_way_pillows_does():
    """Pillow rounds, and takes no share of what lies outside."""
    image = pixels(1, 1, 28, 28, seed=3)
    warp = Warp(rotate=60)
    degrees = np.degrees(draw_warp(warp, key(SEED, Purpose.WARP, EPOCH, 0), 28, 28).angle)
    assert abs(degrees) > 3
    turned = Image.fromarray(image[0, 0]).rotate(degrees, Image.Resampling.BILINEAR)
    found = warp_image(image[0], warp, seed=SEED, epoch=EPOCH, image=0)
    assert abs(found[0] - np.asarray(turned))[5:-5, 5:-5].max() < 1.5
