/* Make the next row of a map. */
static void make_row(int number, const sample *given)
{
    struct maker copies[3];
    const struct maker *own = MAKER(number, &copies[0]);
    struct view seen;
    const int row = (int)made[number]++;
    value *out = slot(own, row);
    seen.others = seen.rows[0] = 0;
    if (READS_TWO(own)) {
        seen.other = MAKER(own->also, &copies[2]);
        seen.others = row_of(seen.other, own->rows > seen.other->rows ? 0 : row, 0);
    }
    seen.from = MAKER(own->reads, &copies[1]);
    seen.given = given;
    seen.row = row;
    if (own->work != GIVEN && own->work != STEPWISE) {
        const int tall = (own->pooled - 1) * own->stride + own->window_rows;
        const int first = row * own->pooled * own->stride - own->pad;
        for (int k = 0; k < tall; k++)
            seen.rows[k] = row_of(seen.from, first + k, LEFT(own));
    }
    for (int k = 0; k < own->edge * own->channels; k++)
        *out++ = EDGE(own);
    //: works
    out += own->columns * own->channels;
    for (int k = 0; k < own->edge * own->channels; k++)
        *out++ = EDGE(own);
}
