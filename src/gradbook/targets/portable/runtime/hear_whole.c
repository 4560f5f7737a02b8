static sample window[ROWS * CHANNELS]; /* the latest rows, the oldest first */
static int32_t each[CLASSES];          /* scores */
static uint16_t newest[CLASSES], smooth[CLASSES];
static int filled = 0; /* rows in the window */

SHARES
/* Take one more row. The class that is recognised; -1 between steps or if none is likely enough. */
HEAR(const sample *row)
{
    int surest = 0;
    if (filled >= 0)
        memcpy(window + filled * CHANNELS, row, CHANNELS * sizeof *row);
    if (++filled < ROWS)
        return -1;
    NAME_predict(window, SCORES);
    take_shares(each, newest);
    filled = ROWS - STEP;
    if (filled > 0)
        memmove(window, window + STEP * CHANNELS, (ROWS - STEP) * CHANNELS * sizeof *window);
    for (int k = 0; k < CLASSES; k++) {
        const int32_t off = (int32_t)newest[k] - smooth[k];
        smooth[k] = (uint16_t)(smooth[k] + ((off * SMOOTHING + 128) >> 8));
        if (smooth[k] > smooth[surest])
            surest = k;
    }
    return smooth[surest] >= SURE ? surest : -1;
}
