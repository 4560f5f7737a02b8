static sample window[ROWS * CHANNELS]; /* the latest rows, the oldest first */
static float each[CLASSES], smooth[CLASSES];
static int filled = 0; /* rows in the window */

/* Take one more row. The class that is recognised; -1 between steps or if none is likely enough. */
HEAR(const sample *row)
{
    int surest = 0;
    if (filled >= 0)
        memcpy(window + filled * CHANNELS, row, CHANNELS * sizeof *row);
    if (++filled < ROWS)
        return -1;
    NAME_predict(window, each);
    filled = ROWS - STEP;
    if (filled > 0)
        memmove(window, window + STEP * CHANNELS, (ROWS - STEP) * CHANNELS * sizeof *window);
    for (int k = 0; k < CLASSES; k++) {
        smooth[k] += SMOOTHING * (each[k] - smooth[k]);
        if (smooth[k] > smooth[surest])
            surest = k;
    }
    return smooth[surest] >= SURE ? surest : -1;
}
