//: weighed
/* Add this many products of weights and values to a sum. */
static total weighed(total sum, const value *w, const value *x, int count)
{
    for (; count >= 4; count -= 4, w += 4, x += 4) {
        sum += READ(value, w) * x[0];
        sum += READ(value, w + 1) * x[1];
        sum += READ(value, w + 2) * x[2];
        sum += READ(value, w + 3) * x[3];
    }
    for (; count > 0; count--)
        sum += READ(value, w++) * *x++;
    return sum;
}

//: sums
/* Add a weight times each value, at this distance from one another, to its sum. */
static void add_times(total *sum, value weight, const value *x, int apart, int count)
{
    for (; count >= 4; count -= 4, sum += 4) {
        sum[0] += weight * *x, x += apart;
        sum[1] += weight * *x, x += apart;
        sum[2] += weight * *x, x += apart;
        sum[3] += weight * *x, x += apart;
    }
    for (; count > 0; count--, x += apart)
        *sum++ += weight * *x;
}

/* The sums of a row of windows, given the windows' rows. */
static void row_of_sums(const struct maker *own, int channels, const value *const *rows, int first,
                        const value *w, total *sum)
{
    const int count = own->columns * own->pooled, apart = own->stride * channels;
    for (int k = 0; k < count; k++)
        sum[k] = 0;
    for (int row = own->window_rows; row > 0; row--) {
        const value *x = *rows++ + first;
        for (int column = own->window_columns; column > 0; column--, x += channels)
            for (int k = 0; k < own->each; k++, w++) {
                const value weight = READ(value, w);
                if (weight != 0)
                    add_times(sum, weight, x + k, apart, count);
            }
    }
}

/* A row of weighted sums, or of the largest of neighbouring sums. */
static void sums(const struct maker *own, const struct view *seen, value *out)
{
    const int channels = seen->from->channels, pooled = own->pooled, each = own->each;
    const int alike = own->channels / (channels / each); /* channels that read the same inputs */
    const value *w = weights + own->weights;
    static total sum[2][WIDEST];
    for (int c = 0; c < own->channels; c++) {
        const int first = c / alike * each;
        row_of_sums(own, channels, seen->rows, first, w, sum[0]);
        for (int below = 1; below < pooled; below++) {
            row_of_sums(own, channels, seen->rows + below * own->stride, first, w, sum[1]);
            for (int k = 0; k < own->columns * pooled; k++)
                if (sum[1][k] > sum[0][k])
                    sum[0][k] = sum[1][k];
        }
        for (int x = 0; x < own->columns; x++) {
            total largest = sum[0][x * pooled];
            for (int beside = 1; beside < pooled; beside++)
                if (sum[0][x * pooled + beside] > largest)
                    largest = sum[0][x * pooled + beside];
            keep(own, out + x * own->channels + c, c, largest);
        }
        w += own->window_rows * own->window_columns * each;
    }
}

//: single_sums
/* A row of one weighted sum per channel. */
static void sums(const struct maker *own, const struct view *seen, value *out)
{
    const int channels = seen->from->channels, each = own->each;
    const int alike = own->channels / (channels / each); /* channels that read the same inputs */
    const value *w = weights + own->weights;
    for (int c = 0; c < own->channels; c++) {
        total sum = 0;
        for (int row = 0; row < own->window_rows; row++) {
            const value *x = seen->rows[row] + c / alike * each;
            for (int column = own->window_columns; column > 0; column--, x += channels, w += each)
                sum = weighed(sum, w, x, each);
        }
        keep(own, out + c, c, sum);
    }
}

//: total_of
static total total_of(const struct maker *own, const struct view *seen, int x, int c)
{
    total sum = 0;
    for (int row = 0; row < own->window_rows; row++)
        for (int column = 0; column < own->window_columns; column++)
            sum += seen->rows[row][(x * own->stride + column) * own->channels + c];
    return sum;
}

//: largest
static total largest(const struct maker *own, const struct view *seen, int x, int c)
{
    total most = seen->rows[0][x * own->stride * own->channels + c];
    for (int row = 0; row < own->window_rows; row++)
        for (int column = 0; column < own->window_columns; column++) {
            const total here = seen->rows[row][(x * own->stride + column) * own->channels + c];
            if (here > most)
                most = here;
        }
    return most;
}

//: both
static total both(const struct maker *own, const struct view *seen, int x, int c)
{
    const int place = x * own->channels + c;
    return (total)seen->rows[0][place] + seen->others[place];
}

//: product
/* The second map may have a single place. */
static total product(const struct maker *own, const struct view *seen, int x, int c)
{
    const value first = seen->rows[0][x * own->channels + c];
    const value second = seen->others[seen->other->columns > 1 ? x * own->channels + c : c];
    return ((total)first - EDGE(seen->from)) * ((total)second - EDGE(seen->other));
}

//: repeated
/* Repeat each value of a row, and each row. */
static total repeated(const struct maker *own, const struct view *seen, int x, int c)
{
    return seen->rows[0][x / own->window_columns * own->channels + c];
}

//: same
static total same(const struct maker *own, const struct view *seen, int x, int c)
{
    return seen->rows[0][x * own->channels + c];
}

//: flat
/* Channel by channel, row by row. */
static total flat(const struct maker *own, const struct view *seen, int x, int c)
{
    const int columns = own->window_columns, area = own->window_rows * columns;
    const int place = x + c % area;
    return seen->rows[place / columns][place % columns * seen->from->channels + c / area];
}

//: beside
/* The channels of one map, then those of the other. */
static total beside(const struct maker *own, const struct view *seen, int x, int c)
{
    const int first = seen->from->channels;
    return c < first ? seen->rows[0][x * first + c]
                     : seen->others[x * (own->channels - first) + c - first];
}

//: given_at
static total given_at(const struct maker *own, const struct view *seen, int x, int c)
{
    return (total)seen->given[(c * own->rows + seen->row) * own->columns + x];
}

//: stepwise
static total stepwise(const struct maker *own, const struct view *seen, int x, int c)
{
    return (total)seen->given[(GIVEN_ROW(seen->row) * own->columns + x) * own->channels + c];
}

//: stepwise_tokens
static total stepwise(const struct maker *own, const struct view *seen, int x, int c)
{
    return (total)(seen->given[GIVEN_ROW(seen->row) * own->columns + x] == c);
}

//: latest
static total latest(const struct maker *own, const struct view *seen, int x, int c)
{
    return slot(seen->from, (int)made[own->reads] - 1)[x * seen->from->channels + c];
}
