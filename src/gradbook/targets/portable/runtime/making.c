/* Make the next row of a map. */
static void make_row(int number, const sample *given)
{
    const struct maker *own = &makers[number];
    struct view seen;
    const int row = made[number]++;
    value *out = slot(own, row);
    seen.from = &makers[own->reads];
    seen.others = 0;
    seen.given = given;
    seen.row = row;
    if (own->work != GIVEN) {
        const int tall = (own->pooled - 1) * own->stride + own->window_rows;
        const int first = row * own->pooled * own->stride - own->pad;
        for (int k = 0; k < tall; k++)
            seen.rows[k] = row_of(seen.from, first + k, own->pad);
    }
    if (READS_TWO(own))
        seen.others = row_of(&makers[own->also], row, 0);
    for (int k = 0; k < own->edge * own->channels; k++)
        *out++ = EDGE(own);
    if (own->work == SUMS)
        sums(own, &seen, out);
    else
        for (int k = 0; k < own->columns * own->channels; k++) {
            const int x = k / own->channels, c = k % own->channels;
            keep(own, out + k, c, worked(own, &seen, x, c));
        }
    out += own->columns * own->channels;
    for (int k = 0; k < own->edge * own->channels; k++)
        *out++ = EDGE(own);
}

static void make_all(const sample *given)
{
    for (int k = 0; k < MAKERS; k++)
        made[k] = 0;
    for (int k = 0; k < TURNS; k++)
        make_row(turns[k], given);
}
