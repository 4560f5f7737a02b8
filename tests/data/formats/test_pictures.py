from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from gradbook.data.formats import pictures as picture
from gradbook.data.sources import load
from gradbook.errors import DataError, FileError
from tests.cases import for_each
from tests.data.made import picture_folder, pixels


@pytest.fixture
def refusal(tmp_path):
    """`refusal()` is the one line that is said of the folder `tmp_path`."""

    def refuse(size=None):
        with pytest.raises(DataError) as caught:
            load(tmp_path, size)
        line = str(caught.value)
        assert line.isprintable()
        return line.replace(f"{tmp_path}/", "").replace(str(tmp_path), "FOLDER")

    return refuse


def test_a_folder_for_each_class_is_a_data_set(tmp_path):
    loaded = load(picture_folder(tmp_path / "pets", {"cat": 6, "ant": 6}))
    assert loaded.name == "pets"
    assert loaded.classes == ("ant", "cat")
    assert loaded.shape == (1, 4, 6)
    sizes = [len(x) for x in (loaded.training, loaded.validation, loaded.test_for_reporting)]
    assert sizes == [9, 1, 2]


def test_pictures_are_read_to_the_bit(tmp_path):
    picture_folder(tmp_path / "train", {"a": 5})
    picture_folder(tmp_path / "test", {"a": 2})
    loaded = load(tmp_path)
    assert loaded.training_and_validation.pixels.tobytes() == pixels(5, 4, 6).tobytes()
    assert loaded.test_for_reporting.pixels.tobytes() == pixels(2, 4, 6).tobytes()


def test_classes_that_are_numbers_keep_their_order(tmp_path):
    assert load(picture_folder(tmp_path, {"10": 3, "9": 3})).classes == ("9", "10")


def test_parts_may_lie_above_the_classes(tmp_path):
    for part, count in (("Train", 5), ("valid", 3), ("test", 2)):
        picture_folder(tmp_path / part, {"a": count, "b": count})
    loaded = load(tmp_path)
    sizes = [len(x) for x in (loaded.training, loaded.validation, loaded.test_for_reporting)]
    assert sizes == [10, 6, 4]


def test_a_class_may_be_called_test_among_others(tmp_path):
    assert load(picture_folder(tmp_path, {"test": 3, "toast": 3})).classes == ("test", "toast")


def test_pictures_are_brought_to_the_size_of_the_first_or_the_one_said(tmp_path):
    picture_folder(tmp_path, {"a": 1}, size=(30, 20))
    picture_folder(tmp_path, {"b": 1}, size=(9, 9))
    assert load(tmp_path).shape == (1, 20, 30)
    assert load(tmp_path, (7, 5)).shape == (1, 7, 5)


def test_an_even_grey_stays_what_it_is_at_any_size(tmp_path):
    (tmp_path / "a").mkdir()
    Image.new("L", (31, 17), 93).save(tmp_path / "a" / "1.png")
    assert np.unique(load(tmp_path, (5, 40)).training_and_validation.pixels).tolist() == [93]


def test_one_picture_in_colour_makes_all_of_them_colour(tmp_path):
    picture_folder(tmp_path, {"a": 3}, mode="RGB")
    assert load(tmp_path).shape == (1, 4, 6)
    Image.new("RGB", (6, 4), (1, 2, 3)).save(tmp_path / "a" / "z.png")
    found = load(tmp_path).training_and_validation
    assert found.shape == (3, 4, 6)
    assert found.pixels[-1, :, 0, 0].tolist() == [1, 2, 3]


def test_other_files_do_not_matter(tmp_path):
    picture_folder(tmp_path, {"a": 3})
    (tmp_path / "notes.md").write_text("hello")
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"1")
    (tmp_path / ".git").mkdir()
    assert len(load(tmp_path).training_and_validation) == 3


# One picture -----------------------------------------------------------------


@for_each("ending", ["png", "bmp", "gif", "webp", "ppm"])
def test_formats_that_lose_nothing_are_read_to_the_bit(tmp_path, ending):
    greys = pixels(1, 5, 7)[0]
    file = tmp_path / f"a.{ending}"
    Image.fromarray(greys).save(file, lossless=True)
    assert np.asarray(picture.read(file))[..., 0].tolist() == greys.tolist()


def test_a_jpeg_is_read(tmp_path):
    Image.new("L", (8, 8), 200).save(tmp_path / "a.jpg")
    assert picture.read(tmp_path / "a.jpg").getpixel((3, 3)) == (200, 200, 200)


@for_each(
    ("image", "colour"),
    [
        (Image.new("1", (2, 2), 1), (255, 255, 255)),
        (Image.new("RGBA", (2, 2), (0, 0, 0, 0)), (255, 255, 255)),
        (Image.new("RGBA", (2, 2), (10, 20, 30, 255)), (10, 20, 30)),
        (Image.new("LA", (2, 2), (0, 0)), (255, 255, 255)),
        (Image.fromarray(np.full((2, 2), 0x8080, np.uint16)), (0x80, 0x80, 0x80)),
        (Image.new("CMYK", (2, 2), (0, 0, 0, 255)), (0, 0, 0)),
    ],
)
def test_every_kind_of_colour_is_understood(tmp_path, image, colour):
    file = tmp_path / f"a.{'jpg' if image.mode == 'CMYK' else 'png'}"
    image.save(file)
    assert picture.read(file).getpixel((0, 0)) == colour


def test_a_picture_that_was_held_sideways_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (8, 4)).save(tmp_path / "a.png", exif=exif)
    assert picture.read(tmp_path / "a.png").size == (4, 8)


# Damage ----------------------------------------------------------------------


def chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def png(columns: int, rows: int, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


SCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n"


@for_each(
    ("content", "said"),
    [
        (b"", "a/9.png: not a picture that can be read (BMP, GIF, JPEG, PNG, PPM, WEBP)"),
        (b"hello", "a/9.png: not a picture that can be read (BMP, GIF, JPEG"),
        (SCRIPT, "a/9.png: not a picture that can be read (BMP, GIF, JPEG"),
        (
            png(60_000, 60_000),
            "a/9.png: the picture is too large (at most 67,108,864 pixels): make it smaller",
        ),
        (png(9_000, 9_000), "a/9.png: a picture of 9,000 x 9,000 is too large: at most 67,108,864"),
        (png(0, 5), "a/9.png: not a picture that can be read (BMP, GIF, JPEG"),
        (png(8, 8, chunk(b"IDAT", b"no zlib")), "a/9.png: a damaged picture ("),
        (png(8, 8, chunk(b"IDAT", zlib.compress(b"\0" * 20))), "a/9.png: a damaged picture ("),
        (png(8, 8)[:40], "a/9.png: not a picture that can be read (BMP"),
    ],
)
def test_what_is_no_good_picture_is_named(tmp_path, refusal, content, said):
    picture_folder(tmp_path, {"a": 2})
    (tmp_path / "a" / "9.png").write_bytes(content)
    assert refusal().startswith(said)


def test_a_text_in_a_picture_is_not_unpacked_to_any_size(tmp_path, refusal):
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**26)))
    picture_folder(tmp_path, {"a": 2})
    (tmp_path / "a" / "9.png").write_bytes(png(8, 8, bomb))
    assert refusal().startswith("a/9.png: a damaged picture (Decompressed")


@for_each("ending", ["png", "bmp", "gif", "webp", "ppm", "jpg"])
def test_a_picture_that_is_cut_short_is_named(tmp_path, refusal, ending):
    (tmp_path / "a").mkdir()
    file = tmp_path / "a" / f"1.{ending}"
    Image.fromarray(pixels(1, 40, 40)[0]).save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert refusal().startswith(f"a/1.{ending}: ")


def test_greys_that_have_no_meaning_as_bytes_are_refused(tmp_path, refusal):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.ppm").write_bytes(b"Pf\n3 3\n-1.0\n" + np.full(9, 0.5, "<f4").tobytes())
    assert refusal() == (
        "a/1.ppm: a damaged picture (its greys have more than 16 bits): use another copy"
    )


@for_each("folders", [[], ["a", "b"], ["train"], ["train/a", "test/a"]])
def test_a_folder_of_nothing_is_told_what_belongs_there(tmp_path, refusal, folders):
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    assert "it contains no idx files, tables or folders of pictures" in refusal()


def test_a_class_without_pictures_is_named(tmp_path, refusal):
    picture_folder(tmp_path, {"a": 2})
    (tmp_path / "b").mkdir()
    assert refusal() == "b: it is empty: remove it or add pictures"


def broken(folder, names):
    for name in names:
        (folder / name).write_bytes(b"no picture")


def test_a_few_broken_pictures_are_named_and_passed_over(tmp_path):
    picture_folder(tmp_path / "pets", {"cat": 20, "dog": 20})
    whole = load(tmp_path / "pets")
    broken(tmp_path / "pets", ["cat/0x.png", "dog/7x.png"])
    (tmp_path / "pets" / "emu").mkdir()
    loaded = load(tmp_path / "pets")
    assert loaded.classes == ("cat", "dog")
    np.testing.assert_array_equal(
        loaded.training_and_validation.pixels, whole.training_and_validation.pixels
    )
    pictures, folders = loaded.remarks
    assert pictures.startswith(
        "2 pictures can't be read and are passed over: cat/0x.png (not a pic"
    )
    assert pictures.endswith("), dog/7x.png")
    assert folders == "1 folder has no pictures and is passed over: emu"
    assert not whole.remarks


def test_the_first_picture_may_be_the_broken_one(tmp_path):
    picture_folder(tmp_path, {"a": 6, "b": 6})
    broken(tmp_path, ["a/!.png"])
    assert load(tmp_path).shape == (1, 4, 6)


def test_more_than_a_few_are_refused_with_their_count(tmp_path, refusal):
    picture_folder(tmp_path, {"a": 20, "b": 20})
    names = [f"a/x{k}.png" for k in range(9)]
    broken(tmp_path, names)
    line = refusal()
    assert line.startswith(
        "FOLDER: 9 of 49 pictures can't be read: a/x0.png (not a picture that can be read"
    )
    assert f"), {', '.join(names[1:6])}, …; remove them or save them again" in line


def test_one_in_a_hundred_is_a_few(tmp_path):
    picture_folder(tmp_path, {"a": 250, "b": 250})
    broken(tmp_path, [f"a/x{k}.png" for k in range(5)])
    assert load(tmp_path).remarks[0].startswith("5 pictures can't be read")


def test_more_than_a_few_empty_folders_are_refused(tmp_path, refusal):
    picture_folder(tmp_path, {"a": 6, "b": 6})
    for name in "cdef":
        (tmp_path / name).mkdir()
    assert refusal() == (
        "FOLDER: 4 of 6 folders have no pictures: c, d, e, f; remove them or add some"
    )


def test_a_class_that_training_lacks_is_named_with_its_picture(tmp_path, refusal):
    picture_folder(tmp_path / "train", {"a": 2, "b": 2})
    picture_folder(tmp_path / "test", {"a": 1, "dog": 1})
    assert refusal() == (
        "FOLDER: test/dog/0.png: label 'dog' isn't one of the 2 classes of the training images "
        "(a to b)"
    )


def test_a_size_that_would_take_gigabytes_is_refused(tmp_path, refusal):
    picture_folder(tmp_path, {"a": 2})
    assert refusal((20_000, 20_000)).startswith("FOLDER: 2 x 3 x 20,000 x 20,000 bytes of pixels")


def test_a_picture_that_is_a_folder_is_said(tmp_path):
    picture_folder(tmp_path, {"a": 2})
    (tmp_path / "a" / "9.png").mkdir()
    with pytest.raises(FileError, match=r"9\.png: it is a folder"):
        load(tmp_path)
