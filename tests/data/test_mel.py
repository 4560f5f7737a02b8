"""Mel bands: where tones fall, and that words made by rule have the formants that they say."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.data.made_words import MEL, RATE, WORDS, Voice, keywords, sound
from gradbook.data.mel import MelBands, hertz, mel


def test_the_scale_goes_there_and_back():
    frequencies = np.array([50.0, 1000.0, 3900.0])
    np.testing.assert_allclose(hertz(mel(frequencies)), frequencies)
    assert mel(np.array([1000.0]))[0] == pytest.approx(1000, abs=0.1)  # which it is named after


def test_bands_are_triangles_that_meet():
    """Between the first band's middle and the last one's every frequency counts once in all."""
    bands = MelBands(12, 16_000, 1024, 256, 100, 7000)
    edges = hertz(np.linspace(mel(np.array([100.0]))[0], mel(np.array([7000.0]))[0], 14))
    frequencies = np.arange(513) * 16_000 / 1024
    inside = (frequencies >= edges[1]) & (frequencies <= edges[-2])
    np.testing.assert_allclose(bands.filters().sum(axis=0)[inside], 1)
    assert (bands.filters()[:, (frequencies < 100) | (frequencies > 7000)] == 0).all()


@pytest.mark.parametrize("pitch", [300.0, 1000.0, 2500.0])
def test_a_tone_is_loudest_in_its_band(pitch):
    said = MEL.spectrogram(np.sin(2 * np.pi * pitch * np.arange(RATE) / RATE)).mean(axis=0)
    edges = hertz(np.linspace(mel(np.array([MEL.low]))[0], mel(np.array([MEL.high]))[0], 18))
    middles = edges[1:-1]
    assert abs(np.log(middles[said.argmax()] / pitch)) < 0.15


def test_louder_by_ten_is_two_more():
    tone = np.sin(np.arange(4000) * 0.8)
    louder = MEL.spectrogram(10 * tone) - MEL.spectrogram(tone)
    loud = MEL.spectrogram(tone) > 0
    np.testing.assert_allclose(louder[loud], 2, atol=1e-4)


def test_a_spectrogram_has_whole_frames_alone():
    assert MEL.spectrogram(np.zeros(256)).shape == (1, 16)
    assert MEL.spectrogram(np.zeros(256 + 159)).shape == (1, 16)
    assert MEL.spectrogram(np.zeros(256 + 160)).shape == (2, 16)


def strongest(samples, low, high):
    parts = abs(np.fft.rfft(samples * np.hanning(len(samples))))
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    inside = (frequencies > low) & (frequencies < high)
    return frequencies[inside][parts[inside].argmax()]


@pytest.mark.parametrize("speaker", range(4))
def test_a_vowel_is_strong_near_its_formant(speaker):
    """Within the distance of two harmonics, for between them there is nothing."""
    voice = Voice.of(speaker)
    (first, _, _) = WORDS["up"][0].formants
    samples = sound("up", speaker, 0)
    loud = abs(samples).reshape(-1, 400).max(axis=1).argmax() * 400
    found = strongest(samples[loud - 400 : loud + 400], 300, 1000)
    assert abs(found - first * voice.tract) < 1.2 * voice.pitch


def test_words_are_the_same_every_time_and_differ_between_takes():
    np.testing.assert_array_equal(sound("yes", 3, 1), sound("yes", 3, 1))
    assert abs(sound("yes", 3, 1) - sound("yes", 3, 0)).max() > 0.1


def test_keywords_are_of_seven_kinds_and_24_speakers():
    made = keywords()
    assert (made.rate, len(made.channels)) == (50, 16)
    assert {one.label for one in made.recordings} == set(WORDS)
    assert len({one.subject for one in made.recordings}) == 24
    assert {one.values.shape for one in made.recordings} == {(59, 16)}
