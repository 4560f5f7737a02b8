/* Pooling and what else goes over places without weights. */

/* Windows of rows × columns, each `stride` after the last. */
struct pooling {
    int channels, height, width, out_height, out_width, rows, columns, stride;
};

typedef vec pooler(const vec *const *rows, const int w, const struct pooling s);

INLINE vec largest_of(const vec *const *rows, const int w, const struct pooling s) {
    vec most = rows[0][w];
    UNROLL for (int i = 0; i < s.rows; i++)
        UNROLL for (int j = 0; j < s.columns; j++) most = largest(rows[i][w + j], most);
    return most;
}

INLINE vec mean_of(const vec *const *rows, const int w, const struct pooling s) {
    vec sum = {0};
    UNROLL for (int i = 0; i < s.rows; i++)
        UNROLL for (int j = 0; j < s.columns; j++) sum += rows[i][w + j];
    return sum / (real)(s.rows * s.columns);
}

/* In which lanes a window's first largest value stands at each of its places; `winners` is the
 * first of these, in rows of all channels. */
INLINE void note_winners(const vec *const *rows, const int w, vec most, bits *winners,
                         const struct pooling s) {
    bits open = (bits)~0;
    UNROLL for (int i = 0; i < s.rows; i++)
        UNROLL for (int j = 0; j < s.columns; j++) {
            const bits won = equal_lanes(rows[i][w + j], most) & open;
            winners[i * s.channels * s.width + w + j] = won;
            open &= (bits)~won;
        }
}

/* With `winners`, where each maximum stood: [row][channel][column]; windows then lie side by side.
 * Scratch: `rows` rows of x, then one of the result. */
INLINE void pool(struct place *at, row_reader *read, row_finisher *finish, pooler *pooled,
                 bits *winners, const struct pooling s) {
    vec *x = at->scratch, *y = x + s.rows * s.width;
    const vec *rows[s.rows];
    for (int h = 0; h < s.out_height; h++)
        for (int c = 0; c < s.channels; c++) {
            for (int i = 0; i < s.rows; i++)
                rows[i] = read(at, h * s.stride + i, c, x + i * s.width);
            for (int w = 0; w < s.out_width; w++) {
                y[w] = pooled(rows, w * s.stride, s);
                if (winners)
                    note_winners(rows, w * s.stride, y[w],
                                 winners + (h * s.rows * s.channels + c) * s.width, s);
            }
            finish(at, h, c, y);
        }
}

/* ---- Their gradients ---- */

/* What a window at rows[0][w] was given, d, goes to the first of its largest values; or, where
 * nothing is read, to all of them the same. Added to what is there, or in its place. */
INLINE void give(vec d, const vec *const *rows, const int w, const int largest_only, vec *to,
                 const int add, const struct pooling s) {
    const vec most = largest_only ? largest_of(rows, w, s) : (vec){0};
    if (!largest_only) d /= (real)(s.rows * s.columns);
    UNROLL for (int i = 0; i < s.rows; i++)
        UNROLL for (int j = 0; j < s.columns; j++) {
            vec *here = to + i * s.width + w + j, share = d;
            if (largest_only) {
                share = if_equal(rows[i][w + j], most, d, (vec){0});
                d = if_equal(rows[i][w + j], most, (vec){0}, d);
            }
            *here = add ? *here + share : share;
        }
}

/* Where windows don't overlap: band by band. */
INLINE void pool_back_apart(struct place *at, row_reader *read_d, row_reader *read_x,
                            row_finisher *finish, const struct pooling s) {
    vec *x = at->scratch, *to = x + (long)s.rows * s.width, *room = to + (long)s.stride * s.width;
    const vec *rows[s.rows];
    memset(to, 0, sizeof(vec) * s.stride * s.width); /* what no window covers stays 0 */
    for (int top = 0; top < s.height; top += s.stride) {
        const int h = top / s.stride, inside = h < s.out_height;
        if (!inside) memset(to, 0, sizeof(vec) * s.stride * s.width);
        for (int c = 0; c < s.channels; c++) {
            const vec *given = inside ? read_d(at, h, c, room) : NULL;
            for (int i = 0; i < s.rows; i++)
                rows[i] = inside && read_x ? read_x(at, top + i, c, x + i * s.width) : NULL;
            for (int w = 0; w < s.out_width && inside; w++)
                give(given[w], rows, w * s.stride, read_x != NULL, to, 0, s);
            for (int i = 0; i < s.stride && top + i < s.height; i++)
                finish(at, top + i, c, to + i * s.width);
        }
    }
}

/* Where they do: a channel at a time. */
INLINE void pool_back_over(struct place *at, row_reader *read_d, row_reader *read_x,
                           row_finisher *finish, const struct pooling s) {
    const long whole = (long)s.height * s.width;
    vec *x = at->scratch, *to = x + whole, *room = to + whole;
    const vec *rows[s.height];
    for (int c = 0; c < s.channels; c++) {
        memset(to, 0, sizeof(vec) * whole);
        for (int h = 0; h < s.height; h++)
            rows[h] = read_x ? read_x(at, h, c, x + h * s.width) : NULL;
        for (int h = 0; h < s.out_height; h++) {
            const vec *given = read_d(at, h, c, room);
            for (int w = 0; w < s.out_width; w++)
                give(given[w], rows + h * s.stride, w * s.stride, read_x != NULL,
                     to + h * s.stride * s.width, 1, s);
        }
        for (int h = 0; h < s.height; h++) finish(at, h, c, to + h * s.width);
    }
}

/* Of the maximum, or without `read_x` of the mean. Scratch: as many rows of x as go together, of
 * the result, and one row of d. */
INLINE void pool_back(struct place *at, row_reader *read_d, row_reader *read_x,
                      row_finisher *finish, const struct pooling s) {
    if (s.stride >= s.rows && s.stride >= s.columns)
        pool_back_apart(at, read_d, read_x, finish, s);
    else
        pool_back_over(at, read_d, read_x, finish, s);
}

/* The same values under another shape, in the order channel, row, column. Scratch: all of them. */
INLINE void reshape(struct place *at, row_reader *read, row_finisher *finish, const int channels,
                    const int height, const int width, const int out_channels,
                    const int out_height, const int out_width) {
    vec *x = at->scratch;
    for (int h = 0; h < height; h++)
        for (int c = 0; c < channels; c++)
            read_into(at, read, h, c, x + ((long)c * height + h) * width, width);
    for (int h = 0; h < out_height; h++)
        for (int c = 0; c < out_channels; c++)
            finish(at, h, c, x + ((long)c * out_height + h) * out_width);
}

/* The sum of each channel, or with `over_channels` of everything. Scratch: a row. */
INLINE void sum_places(struct place *at, row_reader *read, row_finisher *finish,
                       const int channels, const int height, const int width,
                       const int over_channels) {
    vec *x = at->scratch;
    vec sum = {0};
    for (int c = 0; c < channels; c++) {
        if (!over_channels) sum = (vec){0};
        for (int h = 0; h < height; h++) {
            const vec *row = read(at, h, c, x);
            for (int w = 0; w < width; w++) sum += row[w];
        }
        if (!over_channels) finish(at, 0, c, &sum);
    }
    if (over_channels) finish(at, 0, 0, &sum);
}

/* ln Σ e^o, measured from the largest so that nothing overflows. */
INLINE vec log_sum_exp(const vec *o, const int classes) {
    vec most = o[0], sum = {0};
    for (int k = 1; k < classes; k++) most = largest(o[k], most);
    for (int k = 0; k < classes; k++) sum += exponential(o[k] - most);
    return most + logarithm(sum);
}

/* One value for each class: of a sample, or of step `c` of a sequence that has `steps`. */
INLINE void read_classes(struct place *at, row_reader *read, const int steps, const int c, vec *to,
                         const int classes) {
    for (int k = 0; k < classes; k++) read_into(at, read, steps ? k : 0, steps ? c : k, to + k, 1);
}

/* Of a sample, or of each step. Scratch: the classes. */
INLINE void log_sum_exp_all(struct place *at, row_reader *read, row_finisher *finish,
                            const int steps, const int classes) {
    vec *o = at->scratch;
    for (int c = 0; c < (steps ? steps : 1); c++) {
        read_classes(at, read, steps, c, o, classes);
        const vec total = log_sum_exp(o, classes);
        finish(at, 0, c, &total);
    }
}

/* −Σ t·ln softmax(o). Scratch: the classes twice. */
INLINE void cross_entropy(struct place *at, row_reader *read_t, row_reader *read_o,
                          row_finisher *finish, const int steps, const int classes) {
    vec *t = at->scratch, *o = t + classes;
    for (int c = 0; c < (steps ? steps : 1); c++) {
        read_classes(at, read_t, steps, c, t, classes);
        read_classes(at, read_o, steps, c, o, classes);
        vec error = log_sum_exp(o, classes);
        for (int k = 0; k < classes; k++) error -= t[k] * o[k];
        finish(at, 0, c, &error);
    }
}
