/* Pooling and what else goes over places without weights. Hooks as in direct.c. */

/* Windows of rows × columns, each `stride` after the last. */
struct pooling {
    int channels, height, width, out_height, out_width, rows, columns, stride;
};

/* Scratch: `rows` rows of x, then one of the result. */
INLINE void max_pool(struct place *at, row_reader *read, row_finisher *finish,
                     const struct pooling s) {
    vec *x = at->scratch, *y = x + s.rows * s.width;
    for (int h = 0; h < s.out_height; h++)
        for (int c = 0; c < s.channels; c++) {
            for (int i = 0; i < s.rows; i++)
                read_into(at, read, h * s.stride + i, c, x + i * s.width, s.width);
            for (int w = 0; w < s.out_width; w++) {
                vec most = x[w * s.stride];
                for (int i = 0; i < s.rows; i++)
                    for (int j = 0; j < s.columns; j++)
                        most = largest(x[i * s.width + w * s.stride + j], most);
                y[w] = most;
            }
            finish(at, h, c, y);
        }
}

INLINE void average_pool(struct place *at, row_reader *read, row_finisher *finish,
                         const struct pooling s) {
    vec *x = at->scratch, *y = x + s.rows * s.width;
    for (int h = 0; h < s.out_height; h++)
        for (int c = 0; c < s.channels; c++) {
            for (int i = 0; i < s.rows; i++)
                read_into(at, read, h * s.stride + i, c, x + i * s.width, s.width);
            for (int w = 0; w < s.out_width; w++) {
                vec sum = {0};
                for (int i = 0; i < s.rows; i++)
                    for (int j = 0; j < s.columns; j++) sum += x[i * s.width + w * s.stride + j];
                y[w] = sum / (real)(s.rows * s.columns);
            }
            finish(at, h, c, y);
        }
}

/* What a window at `x` was given, d, goes to the first of its largest values. */
INLINE void give_to_largest(vec d, const vec *x, vec *to, const struct pooling s) {
    vec most = x[0];
    for (int i = 0; i < s.rows; i++)
        for (int j = 0; j < s.columns; j++) most = largest(x[i * s.width + j], most);
    for (int i = 0; i < s.rows; i++)
        for (int j = 0; j < s.columns; j++) {
            const mask here = x[i * s.width + j] == most;
            to[i * s.width + j] += (vec)(here & (mask)d);
            d = (vec)(~here & (mask)d);
        }
}

INLINE void give_to_all(vec d, const vec *x, vec *to, const struct pooling s) {
    (void)x;
    const vec share = d / (real)(s.rows * s.columns);
    for (int i = 0; i < s.rows; i++)
        for (int j = 0; j < s.columns; j++) to[i * s.width + j] += share;
}

typedef void giver(vec d, const vec *x, vec *to, const struct pooling s);

/* Band by band where windows don't overlap, else a channel at a time.
 * Scratch: as many rows of x, of the result, and one row of d. */
INLINE void pool_back(struct place *at, row_reader *read_d, row_reader *read_x,
                      row_finisher *finish, giver *give, const struct pooling s) {
    const int apart = s.stride >= s.rows;
    const int band = apart ? s.stride : s.height;
    const long most = band > s.height ? band : s.height;
    vec *x = at->scratch, *to = x + most * s.width, *d = to + most * s.width;
    const int bands = apart ? (s.height + band - 1) / band : 1;
    for (int b = 0; b < bands; b++)
        for (int c = 0; c < s.channels; c++) {
            const int top = b * band;
            const int rows = top + band <= s.height ? band : s.height - top;
            memset(to, 0, sizeof(vec) * rows * s.width);
            if (read_x)
                for (int h = 0; h < rows; h++)
                    read_into(at, read_x, top + h, c, x + h * s.width, s.width);
            for (int h = apart ? b : 0; h < (apart ? b + 1 : s.out_height); h++) {
                if (h >= s.out_height) continue;
                const int inside = (h * s.stride - top) * s.width;
                const vec *given = read_d(at, h, c, d);
                for (int w = 0; w < s.out_width; w++)
                    give(given[w], x + inside + w * s.stride, to + inside + w * s.stride, s);
            }
            for (int h = 0; h < rows; h++) finish(at, top + h, c, to + h * s.width);
        }
}

INLINE void max_pool_back(struct place *at, row_reader *read_d, row_reader *read_x,
                          row_finisher *finish, const struct pooling s) {
    pool_back(at, read_d, read_x, finish, give_to_largest, s);
}

INLINE void average_pool_back(struct place *at, row_reader *read_d, row_finisher *finish,
                              const struct pooling s) {
    pool_back(at, read_d, NULL, finish, give_to_all, s);
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

/* Scratch: the classes. */
INLINE void log_sum_exp_all(struct place *at, row_reader *read, row_finisher *finish,
                            const int classes) {
    vec *o = at->scratch;
    for (int k = 0; k < classes; k++) read_into(at, read, 0, k, o + k, 1);
    const vec total = log_sum_exp(o, classes);
    finish(at, 0, 0, &total);
}

/* −Σ t·ln softmax(o). Scratch: the classes twice. */
INLINE void cross_entropy(struct place *at, row_reader *read_t, row_reader *read_o,
                          row_finisher *finish, const int classes) {
    vec *t = at->scratch, *o = t + classes;
    for (int k = 0; k < classes; k++) {
        read_into(at, read_t, 0, k, t + k, 1);
        read_into(at, read_o, 0, k, o + k, 1);
    }
    vec error = log_sum_exp(o, classes);
    for (int k = 0; k < classes; k++) error -= t[k] * o[k];
    finish(at, 0, 0, &error);
}
