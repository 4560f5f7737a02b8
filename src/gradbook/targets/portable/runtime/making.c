#define ENLARGES(maker) (ENLARGING) //: enlarging
#define LEFT(maker) LEFT_OF

/* Make the next row of a map. */
static void make_row(int number, const sample *given)
{
    struct maker copies[3]; //: two
    struct maker copies[2]; //: no two
    const struct maker *own = MAKER(number, &copies[0]);
    struct view seen;
    const int row = (int)made[number]++;
    value *out = slot(own, row);
    seen.rows[0] = 0;
    seen.other = 0; //: two
    seen.others = 0; //: two
    if (READS_TWO(own)) { //: two
        seen.other = MAKER(own->also, &copies[2]); //: two
        seen.others = row_of(seen.other, own->rows > seen.other->rows ? 0 : row, 0); //: two
    } //: two
    seen.from = MAKER(own->reads, &copies[1]); //: no chain
    seen.from = own; //: chain
    seen.given = given;
    seen.row = row;
    if (own->work != GIVEN && own->work != STEPWISE) { //: no chain, no hears
    if (own->work != GIVEN && own->work != STEPWISE && own->work != HEARD) { //: no chain, hears
    if (number > 0) { //: chain
        const int tall = (own->pooled - 1) * own->stride + own->window_rows; //: no enlarging
        const int first = row * own->pooled * own->stride - own->pad; //: no enlarging
        const int enlarges = ENLARGES(own), reach = (own->window_rows - 1) / own->stride; //: enlarging
        const int tall = enlarges ? reach + 1 : (own->pooled - 1) * own->stride + own->window_rows; //: enlarging
        const int first = enlarges ? (row + own->pad) / own->stride - reach //: enlarging
                                   : row * own->pooled * own->stride - own->pad; //: enlarging
        seen.from = MAKER(number - 1, &copies[1]); //: chain
        for (int k = 0; k < tall; k++)
            seen.rows[k] = row_of(seen.from, first + k, LEFT(own));
    }
    for (int k = 0; k < own->edge * own->channels; k++)
        *out++ = EDGE(own);
ROW_BY_WORK
    out += own->columns * own->channels;
    for (int k = 0; k < own->edge * own->channels; k++)
        *out++ = EDGE(own);
}
