/* The number of rows of a map that the next one needs to make this row. */
static int rows_needed(const struct maker *own, const struct maker *map, int row)
{
    const int end = ((row + 1) * own->pooled - 1) * own->stride + own->window_rows - own->pad;
    return end < map->rows ? end : map->rows;
}

/* Each row is made as late as possible: when the next map needs it. */
static void make_all(const sample *given)
{
    struct maker copies[2];
    int number = MAKERS - 1;
    for (int k = 0; k < MAKERS; k++)
        made[k] = 0;
    while (number < MAKERS)
        if (number > 0 &&
            (int)made[number - 1] < rows_needed(MAKER(number, &copies[0]),
                                                MAKER(number - 1, &copies[1]), (int)made[number]))
            number--;
        else
            make_row(number++, given);
}
