"""TinyMaix (https://github.com/sipeed/TinyMaix): its model of digits in whole numbers of 8 bits.

It scales sums in floats, and works in buffers of the sizes that the model says. On an AVR it
crashes, simavr says.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

from bench.peers.peer import Bytes, Peer

MODEL = "mnist_valid_q"
PORT = """\
#define __TM_PORT_H /* what its own tm_port.h says, but for what goes on on a computer */
#define TM_ARCH_CPU 0
#define TM_ARCH_ARM_SIMD 1
#define TM_ARCH_ARM_NEON 2
#define TM_ARCH_ARM_MVEI 3
#define TM_ARCH_RV32P 4
#define TM_ARCH_RV64V 5
#define TM_ARCH_CSKYV2 6
#define TM_ARCH_X86_SSE2 7
#define TM_OPT0 0
#define TM_OPT1 1
#define TM_ARCH TM_ARCH_CPU
#define TM_OPT_LEVEL TM_OPT{level}
#define TM_MDL_TYPE TM_MDL_INT8
#define TM_FASTSCALE 0
#define TM_LOCAL_MATH 1
#define TM_ENABLE_STAT 0
#define TM_MAX_CSIZE {channels}
#define TM_MAX_KSIZE 9
#define TM_MAX_KCSIZE (9 * {channels})
#define WORK {work}
#define TM_INLINE __attribute__((always_inline)) static inline
#define TM_WEAK __attribute__((weak))
#define tm_malloc(x) 0
#define tm_free(x)
#define TM_PRINTF(...)
#define TM_DBGT_INIT()
#define TM_DBGT_START()
#define TM_DBGT(x)
#define TM_DBG(...)
#define TM_DBGL()
#define TM_EN_PERF 0
#define TM_GET_TICK(x)
#define TM_PERF_REG(x)
#define TM_PERF_EXTREG(x)
#define TM_PERF_INIT(x)
#define TM_PERF_START(x)
#define TM_PERF_ADD(x)
#define TM_PERF_PRINT(x)
"""
AROUND = """
int net_predict(const uint8_t *image, int32_t *each);
int net_predict(const uint8_t *image, int32_t *each)
{
    static uint8_t work[WORK] __attribute__((aligned(8)));
    tm_mdl_t model;
    tm_mat_t given = {3, 28, 28, 1, {(mtype_t *)image}}, in = {3, 28, 28, 1, {0}}, out[1];
    int best = 0;
    model.subbuf = 0;
    tm_load(&model, mdl_data, work, 0, &in);
    tm_preprocess(&model, TMPP_UINT2INT, &given, &in);
    tm_run(&model, &in, out);
    for (int k = 0; k < 10; k++) {
        each[k] = (int32_t)(out[0].dataf[k] * 65536);
        if (out[0].dataf[k] > out[0].dataf[best])
            best = k;
    }
    return best;
}
"""


FIRST, LAYER = 64, "<HHIII4H4H"  # where layers begin, and how each of them begins
CONVOLUTIONS = (0, 5)  # kinds of layers


def peers(folder: Path, images: Bytes) -> list[Peer]:
    """Its model, by both of its ways to work through layers: small, and fast."""
    folder, rows, found = folder.resolve(), images.reshape(len(images), -1), []
    weights = folder / "tools" / "tmdl" / f"{MODEL}.h"
    files = [folder / "include" / "tinymaix.h", weights]
    files += [folder / "src" / f"tm_{part}.c" for part in ("model", "layers", "layers_O1")]
    includes = "".join(f'#include "{file}"\n' for file in files)
    channels, work = needs(weights.read_text("utf-8"))
    for level in (0, 1):
        text = PORT.format(level=level, channels=channels, work=work) + includes + AROUND
        headers = (folder / "include",)
        found.append(Peer(f"TinyMaix, its O{level}", text, rows, headers, on_avrs=False))
    return found


def needs(header: str) -> tuple[int, int]:
    """The most channels of its convolutions, and the bytes that it works in."""
    model = bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2})\b", header))
    layers, work = struct.unpack_from("<HI", model, 10)
    channels, place = 0, FIRST
    for _ in range(layers):
        kind, _, size, _, _, *dims = struct.unpack_from(LAYER, model, place)
        channels = max(channels, dims[3], dims[7]) if kind in CONVOLUTIONS else channels
        place += size
    return channels, work
