"""Networks of others are asked as ours are: by their own code, with all the memory they use."""

import struct

import numpy as np
import pytest

from bench.peers import bitnetmcu, tinymaix
from bench.peers.peer import Peer, asked_on
from tests.outside.devices import avr
from tests.outside.devices.boards import BOARDS

DEEP = """
#include <stdint.h>
#include <string.h>
int net_predict(const uint8_t *image, int32_t *each)
{
    volatile uint8_t kept[SIZE];
    for (int k = 0; k < SIZE; k++)
        kept[k] = image[k % 4];
    for (int k = 0; k < 10; k++)
        each[k] = kept[k];
    return kept[SIZE - 1];
}
"""


def deep(size: int) -> Peer:
    images = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.uint8)
    return Peer("deep", DEEP.replace("SIZE", str(size)), images)


@pytest.mark.witness("cc")
def test_a_peer_is_asked_by_its_own_c():
    assert deep(1000).classify().tolist() == [4, 8]


@pytest.mark.witness("qemu-system-arm", "arm-none-eabi-gcc")
@pytest.mark.parametrize("size", [200, 1000])
def test_the_stack_that_a_call_uses_is_seen(size):
    found = asked_on(BOARDS[0], deep(size), deep(size).images, "-O2")
    assert found.classes.tolist() == [4, 8]
    assert size <= found.stack < size + 100


@pytest.mark.witness("simavr", "avr-gcc")
def test_the_stack_of_an_avr_is_seen():
    found = avr.asked(avr.UNO, deep(1000).text, deep(1000).images, 10, strict=False)
    assert 1000 <= found.stack < 1100


def test_images_are_made_small_as_bitnetmcu_has_them():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 10:18, 10:18] = 255
    (made,) = bitnetmcu.shrunk(image).view(np.int8)
    assert made.size == 256
    assert made.max() == 127
    assert made[0] == round(-0.1307 / (1 - 0.1307) * 127)


def test_a_model_of_tinymaix_says_what_it_needs():
    head = struct.pack("<IBBHHHII", 0, 0, 1, 1, 1, 2, 1464, 0).ljust(64, b"\0")
    dims = (3, 28, 28, 1, 3, 13, 13, 12)
    layer = struct.pack("<HHIII8H", 0, 0, 48, 0, 0, *dims).ljust(48, b"\0")
    dense = struct.pack("<HHIII8H", 2, 0, 48, 0, 0, 1, 1, 1, 432, 1, 1, 1, 10).ljust(48, b"\0")
    header = ", ".join(f"0x{byte:02x}" for byte in head + layer + dense)
    assert tinymaix.needs(header) == (12, 1464)
