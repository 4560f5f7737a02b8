"""A sketch for boards that hears signals: rows as they come, a window every few, smoothed answers.

The header beside it brings the values to what the network was trained on. What the sensor is, only
the reader knows: until its lines stand there, rows come over the serial line as text.
"""

from __future__ import annotations

import json

from gradbook.data.signals import Windows
from gradbook.errors import TargetError
from gradbook.net.trained import TrainedNet

SMOOTHING = 0.5  # of what a window says, how much goes into the mean of the latest
SURE = 0.6  # so likely a class has to be by that mean to be said
MICROSECONDS = 1e6

SKETCH = """\
/* Hears {classes}: a window of {length} rows of {channels}{every}, every {step} rows. */
#include <string.h>
#include "{stem}.h"

enum {{ ROWS = {length}, CHANNELS = {many}, STEP = {step}, CLASSES = {count} }};
{period}static const float SMOOTHING = {smoothing}f; /* of the latest window; 1 smooths nothing */
static const float SURE = {sure}f; /* how likely a class has to be to be said */
static const char *const names[CLASSES] = {{{names}}};

static float window[ROWS * CHANNELS]; /* the latest rows, the oldest first */
static float each[CLASSES], smooth[CLASSES];
static int filled = 0; /* rows of the window */
static int said = -1;
{next}
/* Put your sensor here: {channels}, in the unit of the recordings, and whether there was a row.
   Until then rows come over the serial line as text: {example} */
static bool read_sensor(float *row) {{
  if (!Serial.available())
    return false;
  for (int k = 0; k < CHANNELS; k++)
    row[k] = Serial.parseFloat();
  return true;
}}

/* Take one row more. The class that is heard; -1 between steps and while none is likely enough. */
static int hear(const float *row) {{
  if (filled >= 0)
    memcpy(window + filled * CHANNELS, row, CHANNELS * sizeof *row);
  if (++filled < ROWS)
    return -1;
  {name}_predict(window, each);
  filled = ROWS - STEP;
  if (filled > 0)
    memmove(window, window + STEP * CHANNELS, filled * CHANNELS * sizeof *window);
  int surest = 0;
  for (int k = 0; k < CLASSES; k++) {{
    smooth[k] += SMOOTHING * (each[k] - smooth[k]);
    if (smooth[k] > smooth[surest])
      surest = k;
  }}
  return smooth[surest] >= SURE ? surest : -1;
}}

void setup() {{
  Serial.begin(115200);
{begin}}}

void loop() {{
{wait}  float row[CHANNELS];
  if (!read_sensor(row))
    return;
  const int heard = hear(row);
  if (heard >= 0 && heard != said)
    Serial.println(names[said = heard]);
}}
"""
WAIT = """\
  if ((long)(micros() - next) < 0)
    return;
  next += BETWEEN;
"""
NEXT = "static unsigned long next; /* when the next row is due */\n"
BEGIN = "  next = micros();\n"
PERIOD = "static const unsigned long BETWEEN = {microseconds}; /* microseconds from row to row */\n"


def signal_sketch(trained: TrainedNet, windows: Windows, stem: str, name: str) -> str:
    """The sketch whose header is called `stem`, with functions that begin with `name`."""
    if not trained.classes or len(trained.output) > 1:
        raise TargetError(
            "a sketch can be written only for networks that say one class of each window: write "
            ".h instead"
        )
    rate = windows.rate
    return SKETCH.format(
        classes=_remark(", ".join(trained.classes)),
        length=windows.length,
        channels=_remark(", ".join(windows.channels)),
        every=f", {rate:g} a second" if rate else "",
        step=windows.step,
        stem=stem,
        many=len(windows.channels),
        count=len(trained.classes),
        period=PERIOD.format(microseconds=round(MICROSECONDS / rate)) if rate else "",
        smoothing=SMOOTHING,
        sure=SURE,
        names=", ".join(json.dumps(one, ensure_ascii=True) for one in trained.classes),
        example=" ".join(["0.12"] * len(windows.channels)),
        name=name,
        wait=WAIT if rate else "",
        next=NEXT if rate else "",
        begin=BEGIN if rate else "",
    )


def _remark(text: str) -> str:
    """What stands in a comment mustn't end it, nor go on to the next line."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.replace("*/", "* /").replace("\\", "/")
