"""A sketch for boards that hears signals: rows as they come, a window every few, smoothed answers.

The header beside it brings the values to what the network was trained on. What the sensor is, only
the reader knows: until its lines stand there, rows come over the serial line as text. In whole
numbers the header takes the sensor's own, and shares and their mean are whole numbers, too.
"""

from __future__ import annotations

import json
import re

from gradbook.data.signals import Windows
from gradbook.errors import TargetError
from gradbook.net.trained import TrainedNet, with_answers
from gradbook.targets.portable.learning import RATE, WHOLE_RATE
from gradbook.targets.portable.program import runtime
from gradbook.targets.portable.whole_answers import SMOOTHING_UNIT, WHOLE_SHARE, shares_in_c
from gradbook.targets.portable.whole_makers import WholeNumbers

SMOOTHING = 0.5  # of what a window says, how much goes into the mean of the latest
SURE = 0.6  # so likely a class has to be by that mean to be said
MICROSECONDS = 1e6

SKETCH = """\
/* Hears {classes}: a window of {length} rows of {channels}{every}, every {step} rows. */
{beginning}

static int said = -1;
{next}
{sensor}{told}

void setup() {{
  Serial.begin(115200);
{begin}}}

void loop() {{
{wait}  sample row[CHANNELS];
{shown}  if (!read_sensor(row))
    return;
  const int heard = {hear}(row);
  if (heard >= 0 && heard != said)
    Serial.println({names}[said = heard]);
}}
"""
ALONE = """\
#include <string.h>
#include "{stem}.h"

{settings}
static const char *const names[CLASSES] = {{{names}}};
{period}
{hearing}"""
OF_LIBRARY = """\
#include <{name}.h>

enum {{ CHANNELS = {many}, CLASSES = {count} }};
typedef {sample} sample;
{period}"""
SHOWN = "shown"  # the variable of a sketch
SHOWN_IS = """\
/* The class that is being shown, from which the last layer learns; -1: none. */
"""
LEARNING = """

/* Put buttons here: the number of the class that is being shown, from which the last layer learns,
   or -1. Until then a small letter between the rows on the serial line says so: {letters}; any
   other is none. */
static int told(int latest) {{
  for (int c; (c = Serial.peek()) == ' ' || c == '\\r' || c == '\\n' || (c >= 'a' && c <= 'z');) {{
    if (c >= 'a')
      latest = c - 'a' < CLASSES ? c - 'a' : -1;
    Serial.read();
  }}
  return latest;
}}"""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SIZES = "enum {{ ROWS = {length}, CHANNELS = {many}, STEP = {step}, CLASSES = {count} }};\n"
FLOAT_SETTINGS = f"""\
static const float SMOOTHING = {SMOOTHING}f; /* of the latest window; 1 smooths nothing */
static const float SURE = {SURE}f; /* how likely a class has to be to be said */"""
WHOLE_SETTINGS = f"""\
static const int SMOOTHING = {round(SMOOTHING * SMOOTHING_UNIT)}; \
/* {SMOOTHING_UNIT}ths of the latest window; {SMOOTHING_UNIT} smooths nothing */
static const uint16_t SURE = {round(SURE * WHOLE_SHARE)}; \
/* {WHOLE_SHARE}ths: how likely a class has to be to be said */"""
SENSOR = """\
/* Put your sensor here: {channels}, in the unit of the recordings, and whether there was a row.
   Until then rows come over the serial line as text: {example} */
static bool read_sensor(sample *row) {{
  if (!Serial.available())
    return false;
  for (int k = 0; k < CHANNELS; k++)
    row[k] = Serial.parseFloat();
  return true;
}}"""
WHOLE_SENSOR = """\
/* Put your sensor here: {told}, as whole numbers, and whether there was a row.
   Until then rows come over the serial line as text, in the unit of the recordings: {example} */
static bool read_sensor(sample *row) {{
  static const float TIMES[CHANNELS] = {{{times}}};
  if (!Serial.available())
    return false;
  for (int k = 0; k < CHANNELS; k++) {{
    const float value = Serial.parseFloat() * TIMES[k];
    const float rounded = value < 0 ? value - 0.5f : value + 0.5f;
    row[k] = (sample)(rounded > {most} ? {most} : rounded < -{most} ? -{most} : rounded);
  }}
  return true;
}}"""
WAIT = """\
  if ((long)(micros() - next) < 0)
    return;
  next += BETWEEN;
"""
NEXT = "static unsigned long next; /* when the next row is due */\n"
BEGIN = "  next = micros();\n"
PERIOD = "static const unsigned long BETWEEN = {microseconds}; /* microseconds from row to row */\n"


def signal_sketch(
    trained: TrainedNet,
    windows: Windows,
    stem: str,
    name: str,
    whole: WholeNumbers | None = None,
    learns: bool = False,
) -> str:
    """The sketch whose header is called `stem`, with functions that begin with `name`; what may be
    told which class is being shown, if the last layer `learns`."""
    shown = SHOWN if learns else ""
    names = ", ".join(json.dumps(one, ensure_ascii=True) for one in trained.classes)
    beginning = ALONE.format(
        stem=stem,
        settings=settings(windows, len(trained.classes), whole),
        names=names,
        period=_period(windows),
        hearing=shown_in_c(shown, "static ")
        + _narrow(hearing(trained, name, "static int hear", whole, shown)),
    )
    return _sketch(trained, windows, beginning, "hear", "names", whole, shown)


def library_sketch(
    trained: TrainedNet,
    windows: Windows,
    name: str,
    sample: str,
    whole: WholeNumbers | None,
    shown: str = "",
) -> str:
    """The sketch that lets a library of this name hear; `shown` is as in `hearing`."""
    count = len(trained.classes)
    told = {"name": name, "many": len(windows.channels), "sample": sample, "count": count}
    beginning = OF_LIBRARY.format(**told, period=_period(windows)).rstrip()
    heard, names = f"{name}_hear", f"{name}_classes"
    return _sketch(trained, windows, beginning, heard, names, whole, shown)


def shown_in_c(shown: str, kind: str = "") -> str:
    """The variable of this name, if it has one."""
    return f"{SHOWN_IS}{kind}int {shown} = -1;\n\n" if shown else ""


def settings(windows: Windows, classes: int, whole: WholeNumbers | None) -> str:
    """The sizes of what is heard, and how it is smoothed."""
    many = len(windows.channels)
    sizes = SIZES.format(length=windows.length, many=many, step=windows.step, count=classes)
    return sizes + (WHOLE_SETTINGS if whole else FLOAT_SETTINGS)


def _period(windows: Windows) -> str:
    rate = windows.rate
    return PERIOD.format(microseconds=round(MICROSECONDS / rate)) if rate else ""


def _sketch(
    trained: TrainedNet,
    windows: Windows,
    beginning: str,
    hear: str,
    names: str,
    whole: WholeNumbers | None,
    shown: str,
) -> str:
    rate = windows.rate
    letters = zip(LETTERS, trained.classes, strict=False)
    named = ", ".join(f"{letter} {one}" for letter, one in letters)
    return SKETCH.format(
        classes=_remark(", ".join(trained.classes)),
        length=windows.length,
        channels=_remark(", ".join(windows.channels)),
        every=f", {rate:g} a second" if rate else "",
        step=windows.step,
        beginning=beginning,
        hear=hear,
        names=names,
        sensor=_sensor(windows, whole),
        told=LEARNING.format(letters=_remark(named)) if shown else "",
        shown=f"  {shown} = told({shown});\n" if shown else "",
        wait=WAIT if rate else "",
        next=NEXT if rate else "",
        begin=BEGIN if rate else "",
    )


def hearing(
    trained: TrainedNet, name: str, head: str, whole: WholeNumbers | None, shown: str = ""
) -> str:
    """The C that takes a row more and says what is heard, as a function that begins so; if its last
    layer learns, `shown` is the variable that says which class is being shown."""
    if not trained.classes or len(trained.output) > 1:
        raise TargetError(
            "a sketch can be written only for networks that say one class of each window: write "
            ".h instead"
        )
    text = runtime("hear_whole" if whole else "hear_floats")
    if whole:
        _require_shares(trained, whole)
        text = text.replace("//: shares", shares_in_c(whole.score_bits))
        text = text.replace("SCORES", "each + 1" if trained.net.outputs == 1 else "each")
    rate = round(RATE * WHOLE_RATE) if whole else f"{RATE}f"
    learn = f"{name}_learn(window, {shown}, {rate}); /* -1 teaches nothing */"
    text = re.sub(r"LEARN\(window, SHOWN\);.*", learn, text) if shown else _unlearnt(text)
    return text.replace("HEAR", head).replace("PREDICT", f"{name}_predict").strip()


def _unlearnt(text: str) -> str:
    return re.sub(r"^.*//: learns\n", "", text, flags=re.MULTILINE)


def _require_shares(trained: TrainedNet, whole: WholeNumbers) -> None:
    """Refuse a network whose scores don't say how likely a class is."""
    if trained.net.outputs == 1:
        is_share = whole.threshold == 0  # as a sigmoid has it
    else:
        is_share = with_answers(trained).layers[-1].layer.is_softmax
    if not is_share:
        raise TargetError(
            "a sketch with --int8 needs a network that ends in a softmax, or in one sigmoid: leave "
            "--int8 out, or write .h"
        )


def _sensor(windows: Windows, whole: WholeNumbers | None) -> str:
    example = " ".join(["0.12"] * len(windows.channels))
    if whole is None or whole.sensor is None:
        return SENSOR.format(channels=_remark(", ".join(windows.channels)), example=example)
    sensor = whole.sensor
    return WHOLE_SENSOR.format(
        told=_remark(sensor.said(windows.channels)),
        example=example,
        times=", ".join(f"{by:g}f" if "." in f"{by:g}" else f"{by:.0f}" for by in sensor.times),
        most=f"{sensor.most}",
    )


def _narrow(text: str) -> str:
    """Indented by two, as sketches are."""
    lines = text.split("\n")
    widths = [len(line) - len(line.lstrip(" ")) for line in lines]
    return "\n".join(
        " " * (width - 2 * (width // 4) if width % 4 == 0 else width) + line.lstrip(" ")
        for width, line in zip(widths, lines, strict=True)
    )


def _remark(text: str) -> str:
    """What stands in a comment mustn't end it, nor go on to the next line."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.replace("*/", "* /").replace("\\", "/")
