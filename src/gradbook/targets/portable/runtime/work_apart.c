//: apart
/* The rows that a window reads. */
static int rows_read(const struct maker *own)
{
    return (own->window_rows - 1) / own->tall + 1;
}

//: under
/* The value at row i and column j of the window for column x of its own map. */
static const value *under(const struct maker *own, const struct view *seen, int x, int i, int j)
{
    const int column = x * own->across + j * own->wide;
    return seen->rows[i * own->tall] + column * seen->from->channels;
}

//: total_apart
/* Whether it counts in an average: it is in the map, or in padding that counts. */
static int counts(const struct maker *own, const struct view *seen, int x, int i, int j)
{
    const int row = seen->row * own->stride + i * own->tall - own->pad;
    const int column = x * own->across + j * own->wide - own->left;
    return row >= -own->above && row < seen->from->rows + own->below && column >= -own->before &&
           column < seen->from->columns + own->after;
}

/* Scaled as if all of the window counted. */
static total total_apart(const struct maker *own, const struct view *seen, int x, int c)
{
    total sum = 0, count = 0;
    for (int i = 0; i < rows_read(own); i++)
        for (int j = 0; j < own->window_columns; j++)
            if (counts(own, seen, x, i, j)) {
                sum += under(own, seen, x, i, j)[c];
                count += 1;
            }
    return sum * (total)(rows_read(own) * own->window_columns) / count;
}

//: largest_apart
/* The largest of the values in the map. */
static total largest_apart(const struct maker *own, const struct view *seen, int x, int c)
{
    total most = 0;
    int found = 0;
    for (int i = 0; i < rows_read(own); i++)
        for (int j = 0; j < own->window_columns; j++) {
            const int row = seen->row * own->stride + i * own->tall - own->pad;
            const int column = x * own->across + j * own->wide - own->left;
            if (row >= 0 && row < seen->from->rows && column >= 0 && column < seen->from->columns) {
                const total here = under(own, seen, x, i, j)[c];
                if (!found || here > most)
                    most = here;
                found = 1;
            }
        }
    return most;
}

//: scattered_apart
/* The sum of the values whose windows on this map cover the row and column. */
static total scattered_apart(const struct maker *own, const struct view *seen, int x, int c)
{
    const int channels = seen->from->channels, columns = own->window_columns, each = own->each;
    const int alike = own->channels / (channels / each); /* channels that read the same inputs */
    const int below = seen->row + own->pad, after = x + own->left;
    const int first = below / own->stride - (own->window_rows - 1) / own->stride;
    const value *w = weights + own->weights + c * rows_read(own) * columns * each;
    total sum = 0;
    for (int i = 0; i < rows_read(own); i++)
        for (int j = 0; j < columns; j++, w += each) {
            const int down = below - i * own->tall, across = after - j * own->wide;
            const int row = down / own->stride, column = across / own->across;
            if (down < 0 || across < 0 || down % own->stride || across % own->across ||
                row >= seen->from->rows || column >= seen->from->columns)
                continue;
            const value *at = seen->rows[row - first] + column * channels + c / alike * each;
            for (int k = 0; k < each; k++)
                sum += (total)READ(value, w + k) * ((total)at[k] - EDGE(seen->from));
        }
    return sum;
}

//: sums_apart
static total sums_apart(const struct maker *own, const struct view *seen, int x, int c)
{
    const int rows = rows_read(own), columns = own->window_columns, each = own->each;
    const int alike = own->channels / (seen->from->channels / each); /* read the same inputs */
    const value *w = weights + own->weights + c * rows * columns * each;
    total sum = 0;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++, w += each) {
            sum = weighed(sum, w, under(own, seen, x, i, j) + c / alike * each, each);
        }
    return sum;
}
