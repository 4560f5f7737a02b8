"""Warps in C are those of the reference, bit for bit the same however they are shared out."""

from __future__ import annotations

import ctypes
import platform
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from gradbook.data.warp import WARP_GRAMMAR, Elastic, parse_warp, warp_images
from gradbook.engine.native import AT_ONCE, FLAGS, Warping, warp_source
from gradbook.engine.native import NativeEngine as Engine
from gradbook.errors import ShapeError
from gradbook.net import parse as parse_net
from tests.cases import for_each
from tests.data.made import pixels
from tests.engine.levels import COMPILERS, compiler_called, levels

pytestmark = pytest.mark.witness("cc")

ALL = WARP_GRAMMAR.splitlines()[-1].strip() + "; crop 22 chance 0.5"
WARPS = [
    "rotate 15; crop 22 chance 0.1",
    "shift 2.5",
    "scale 0.5 2",
    "shear 20",
    "elastic 5 5",
    "rotate 180; shift 40; background 77",
    "flip",
    "flip chance 0.3; rotate 20; shift 2; elastic 5 2",
    "cutout 9 chance 0.7; background 77; flip",
    ALL + "; flip; cutout 12",
]
SHAPES = [(1, 28, 28), (3, 32, 32), (2, 23, 40), (1, 90, 70)]
KEY = {"seed": 2**63 + 11, "epoch": 3}


def warped(warping: Warping, images: np.ndarray, order, scale=1, shift=0) -> np.ndarray:
    """scale · byte + shift of the images of these numbers, warped; channel by channel."""
    numbers = np.ascontiguousarray(order, np.int64)
    factors, terms = (
        np.ascontiguousarray(np.broadcast_to(value, images.shape[1]), np.float32)
        for value in (scale, shift)
    )
    made = np.empty((len(numbers), *images.shape[1:]), np.float32)
    room = np.empty(warping.library.room_to_warp(*images.shape[2:]), np.uint8)
    given = [x.ctypes.data for x in (images, factors, terms, made, room)]
    warping.library.warp_images(
        warping.how, *KEY.values(), numbers.ctypes.data, len(numbers), *given
    )
    return made


# The same images.


@for_each("level", levels())
@for_each("text", WARPS)
def test_the_images_are_the_references(text, level):
    images = pixels(40, 1, 28, 28)
    warp, order = parse_warp(text), np.arange(40)[::-1]
    image = warped(Warping(warp, (1, 28, 28), level=level), images, order)
    expected = warp_images(images, warp, order.tolist(), **KEY)
    assert abs(image - expected).max() / 255 < 1e-5


@for_each("shape", SHAPES, ids=str)
def test_images_of_any_shape_are_the_references(shape):
    images, warp = pixels(6, *shape), parse_warp(ALL)
    image = warped(Warping(warp, shape), images, range(6))
    # a float tells places apart as finely as the image is wide
    assert abs(image - warp_images(images, warp, range(6), **KEY)).max() / 255 < max(shape) * 3e-7


@for_each("name", COMPILERS)
def test_every_compiler_says_the_same(name):
    images, warp = pixels(6, 1, 28, 28), parse_warp(ALL)
    image = warped(Warping(warp, (1, 28, 28), compiler_called(name)), images, range(6))
    assert abs(image - warp_images(images, warp, range(6), **KEY)).max() / 255 < 1e-5


@for_each("shape", [(1, 1, 1), (1, 1, 9), (2, 7, 2), *SHAPES], ids=str)
def test_no_warp_leaves_the_picture_exactly_as_it_is(shape):
    images = pixels(3, *shape)
    assert np.array_equal(
        warped(Warping(parse_warp("none"), shape), images, [2, 0, 1]), images[[2, 0, 1]]
    )


def test_images_are_normalised_channel_by_channel():
    images, shape = pixels(2, 3, 8, 8), (3, 8, 8)
    image = warped(
        Warping(parse_warp("none"), shape), images, [1], scale=[1, 2, 0.5], shift=[0, -7, 1]
    )
    factors, terms = np.array([1, 2, 0.5])[:, None, None], np.array([0, -7, 1])[:, None, None]
    assert np.array_equal(image[0], images[1] * factors + terms)


# The same bits.


def test_any_number_of_threads_and_any_batches_give_the_same_bits():
    images = pixels(97, 1, 28, 28)
    order = np.random.RandomState(0).permutation(97)
    warping = Warping(parse_warp(ALL), (1, 28, 28))
    whole = warped(warping, images, order)
    for parts in ([0, 97], [0, 48, 97], [0, 1, 2, 50, 97], [*range(0, 97, 16), 97]):
        with ThreadPoolExecutor(4) as crew:
            pieces = crew.map(
                lambda ends: warped(warping, images, order[slice(*ends)]), pairwise(parts)
            )
            assert np.concatenate(list(pieces)).tobytes() == whole.tobytes()
    again = warped(warping, images, np.arange(97))
    assert np.array_equal(again[order], whole)


NET = (
    "input 1x12x12; conv 3 5x5; batchnorm; relu; avgpool all; flatten; softmax; loss cross-entropy"
)


def trained(threads, numbers=None):
    """Losses and weights after an epoch of 45 warped images, in batches of 20."""
    engine = Engine(parse_net(NET), 20, threads)
    engine.normalise(0.1307, 0.3081, 255)
    images, labels = pixels(45, 1, 12, 12), np.arange(45) % 3
    order = np.random.RandomState(1).permutation(45)
    how = {"warp": parse_warp("rotate 20; elastic 4 2")} if numbers is None else {}
    given = images if numbers is None else numbers(images)
    losses = engine.epoch(given, labels, 0.1, order=order, **how, **KEY).losses
    return losses.tobytes() + b"".join(array.tobytes() for array in engine.state().values())


def test_training_gives_the_same_bits_on_any_number_of_threads():
    assert trained(1) == trained(2) == trained(4)


def test_what_is_trained_on_are_these_images():
    warping = Warping(parse_warp("rotate 20; elastic 4 2"), (1, 12, 12))
    assert trained(1) == trained(1, lambda images: warped(warping, images, range(45)))
    assert trained(1) != trained(1, lambda images: images)


# What can't be.


def test_only_bytes_of_the_right_shape_are_warped():
    with pytest.raises(ShapeError, match="crop 9 of an image with 8 rows"):
        Warping(parse_warp("crop 9"), (1, 8, 8))
    engine = Engine(parse_net(NET), 20)
    with pytest.raises(ShapeError, match="only bytes can be warped, not float64 numbers"):
        engine.epoch(np.zeros((20, 1, 12, 12)), np.zeros(20, int), warp=parse_warp("rotate 15"))
    flat = Engine(parse_net("input 4; dense 2; softmax; loss cross-entropy"), 20)
    with pytest.raises(ShapeError, match=r"only images can be warped: this network takes \(4,\)"):
        flat.epoch(pixels(20, 4), np.zeros(20, int), warp=parse_warp("rotate 15"))


# The C itself.


def test_both_sides_pad_alike():
    assert f"#define AT_ONCE {AT_ONCE} " in warp_source()


@for_each("level", ["avx512", "avx2", "plain"])
@for_each("name", COMPILERS)
def test_nothing_is_warned_about(name, level, tmp_path):
    compiler = compiler_called(name)
    if level != "plain" and platform.machine() != "x86_64":
        pytest.skip("AVX exists on x86-64 processors only, and this machine has another kind")
    file = tmp_path / "warp.c"
    file.write_text(warp_source())
    wanted = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wno-sign-conversion"]
    process = subprocess.run(
        [*compiler.words(level), *FLAGS, *wanted, "-c", file, "-o", tmp_path / "warp.o"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stderr == ""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="for another processor")
def test_gcc_looks_up_many_pixels_at_once(tmp_path):
    gcc, file = compiler_called("gcc"), tmp_path / "warp.c"
    file.write_text(warp_source())
    (pixel,) = [
        k for k, line in enumerate(warp_source().splitlines()) if "float x = map.x0" in line
    ]
    process = subprocess.run(
        [*gcc.words("avx2"), *FLAGS, "-fopt-info-vec", "-c", file, "-o", tmp_path / "warp.o"],
        capture_output=True,
        text=True,
        check=True,
    )
    loop = [line for line in process.stderr.splitlines() if f"warp.c:{pixel}:" in line]
    assert any("loop vectorized" in line for line in loop), process.stderr


MAIN = """
#include <pthread.h>
#include <stdio.h>

static const int64_t order[] = {4, 0, 3, 3, 1, 2, 0, 4};
static uint8_t *bytes;
static float *made;
static float factors[] = {1, 1, 1}, terms[] = {0, 0, 0};

static void *work(void *from) {
    const int first = *(const int *)from;
    const int size = asked.channels * asked.height * asked.width;
    void *room = malloc(room_to_warp(asked.height, asked.width));
    warp_images(&asked, 1, 2, order + first, 4, bytes, factors, terms, made + first * size, room);
    free(room);
    return NULL;
}

int main(void) {
    const int size = asked.channels * asked.height * asked.width;
    int firsts[] = {0, 4};
    pthread_t thread;
    bytes = malloc((size_t)(5 * size));
    made = malloc(sizeof(float) * (size_t)(8 * size));
    for (int k = 0; k < 5 * size; k++) bytes[k] = (uint8_t)(k * 2654435761u >> 13);
    if (pthread_create(&thread, NULL, work, &firsts[1])) return 2;
    work(&firsts[0]);
    pthread_join(thread, NULL);
    for (int k = 0; k < 8 * size; k++) if (!(made[k] >= 0 && made[k] <= 255)) return 3;
    free(bytes);
    free(made);
    return 0;
}
"""


def written(asked, tables):
    """`struct warp` as C initialises it."""
    arrays = [
        f"static const float {name}[] = {{{', '.join(map(repr, table.ravel().tolist()))}}};"
        for name, table in tables.items()
    ]
    numbers = [
        f".{name} = {getattr(asked, name)!r}"
        for name, kind in asked._fields_
        if kind is not ctypes.c_void_p
    ]
    fields = ", ".join([*numbers, *(f".{name} = {name}" for name in tables)])
    return "\n".join([*arrays, f"static const struct warp asked = {{{fields}}};"])


@for_each("checks", ["address,undefined", "thread"])
@for_each(
    ("text", "shape"),
    [
        ("none", (1, 1, 1)),
        ("rotate 180; shift 500; scale 0.01 100; shear 80; elastic 2 2", (3, 5, 4)),
        (ALL, (1, 28, 28)),
        (ALL, (3, 60, 47)),
    ],
    ids=["one pixel", "wild", "digits", "large"],
)
def test_sanitizers_find_nothing(text, shape, checks, tmp_path):
    made = Warping(parse_warp(text), shape)
    file, program = tmp_path / "main.c", tmp_path / "main"
    file.write_text(f"{warp_source()}\n{written(made.asked, made.tables)}\n{MAIN}")
    flags = ["-O1", "-g", "-std=gnu11", "-pthread", "-fno-sanitize-recover=all"]
    compiler = shutil.which("gcc") or shutil.which("cc")
    subprocess.run(
        [compiler, *flags, f"-fsanitize={checks}", file, "-o", program, "-lm"], check=True
    )
    process = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")


ROOMS = """
#include <stdio.h>

static char memory[ROOM_TO_WARP(400, 400)];

/* Points lie at least two pixels apart: see Elastic. */
int main(void) {
    struct workspace room;
    for (int height = 1; height <= 400; height += 1 + height / 9)
        for (int width = 1; width <= 400; width += 1 + width / 9) {
            const struct warp most = {.height = height, .width = width, .bend = 2, .spacing = 2,
                                      .points_down = (height - 1) / 2 + 4,
                                      .points_across = (width - 1) / 2 + 4};
            for (int start = 0; start < 64; start++)
                if (furnish(&most, memory + start, &room) > room_to_warp(height, width))
                    return printf("%d rows, %d columns", height, width);
        }
    return 0;
}
"""


def test_the_room_to_warp_is_enough_for_any_image(tmp_path):
    file, program = tmp_path / "main.c", tmp_path / "main"
    file.write_text(f"{warp_source()}\n{ROOMS}")
    compiler = shutil.which("gcc") or shutil.which("cc")
    subprocess.run([compiler, "-std=gnu11", file, "-o", program, "-lm"], check=True)
    process = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout) == (0, "")
    assert Elastic(2, 1).points(400) == (400 - 1) // 2 + 4
