/* The gradient of weights as it is written: one multiply-add per weight and place. */

/* What a gradient of weights goes through together: `count` rows of d and the rows of x under
 * their windows, of which the ring keeps `kept`. */
struct group {
    const vec *const *d, *const *x;
    int first, count, kept;
};

/* sums (+)= the gradients of `block` × `deep` × `tall` × `taps` weights over the group's places,
 * from output o, input c, row i and column j of the window on. */
INLINE void weights_block(const struct group *rows, few *sums, mask alive, const struct sliding s,
                          const int o, const int c, const int i, const int j, const int block,
                          const int deep, const int tall, const int taps) {
    const int own_inputs = s.inputs / s.groups;
    const int channel = o / (s.outputs / s.groups) * own_inputs + c;
    vec sum[MOST];
    UNROLL for (int k = 0; k < block * deep * tall * taps; k++) sum[k] = (vec){0};
    for (int h = 0; h < rows->count; h++) {
        const vec *d = rows->d[h] + (long)o * s.out_width, *x[MOST];
        UNROLL for (int a = 0; a < tall; a++)
            x[a] = rows->x[((rows->first + h) * s.stride + i + a) % rows->kept] +
                   (long)channel * s.width + j;
        for (int w = 0; w < s.out_width; w++) {
            vec gradient[MOST];
            UNROLL for (int p = 0; p < block; p++) {
                gradient[p] = d[(long)p * s.out_width + w];
                IN_REGISTER(gradient[p]);
            }
            UNROLL for (int q = 0; q < deep; q++)
                UNROLL for (int a = 0; a < tall; a++)
                    UNROLL for (int b = 0; b < taps; b++) {
                        vec value = x[a][(long)q * s.width + w * s.stride + b];
                        IN_REGISTER(value);
                        UNROLL for (int p = 0; p < block; p++)
                            sum[((p * deep + q) * tall + a) * taps + b] += gradient[p] * value;
                    }
        }
    }
    UNROLL for (int p = 0; p < block; p++)
        UNROLL for (int q = 0; q < deep; q++)
            UNROLL for (int a = 0; a < tall; a++)
                UNROLL for (int b = 0; b < taps; b++) {
                    const int place = (((o + p) * own_inputs + c + q) * s.rows + i + a) * s.columns;
                    const vec own = sum[((p * deep + q) * tall + a) * taps + b];
                    const few folds = folded((vec)((mask)own & alive));
                    few *to = sums + place + j + b;
                    *to = rows->first ? *to + folds : folds;
                }
}

/* The same for `block` outputs from o on, all inputs of their group and all of the window. */
INLINE void weights_of_outputs(const struct group *rows, few *sums, mask alive,
                               const struct sliding s, const int o, const int block,
                               const int deep, const int tall, const int taps) {
    const int own = s.inputs / s.groups;
    for (int i = 0; i < s.rows; i += tall)
        for (int j = 0; j < s.columns; j += taps) {
            const int whole = j + taps <= s.columns;
            int c = 0;
            for (; c + deep <= own; c += deep)
                if (whole)
                    weights_block(rows, sums, alive, s, o, c, i, j, block, deep, tall, taps);
                else
                    weights_block(rows, sums, alive, s, o, c, i, j, block, deep, tall,
                                  s.columns % taps);
            if (own % deep && whole)
                weights_block(rows, sums, alive, s, o, c, i, j, block, own % deep, tall, taps);
            else if (own % deep)
                weights_block(rows, sums, alive, s, o, c, i, j, block, own % deep, tall,
                              s.columns % taps);
        }
}

/* `group` rows of d go together, so that they and what lies under them stay in the cache.
 * Scratch: the rows of the frame under them, the rows of d, FEW numbers for each weight. */
INLINE void direct_weights(struct place *at, row_reader *read_d, row_reader *read_x,
                           real *gradients, const struct sliding s, const int group,
                           const int block, const int deep, const int tall, const int taps) {
    const int kept = (group - 1) * s.stride + s.rows, own_outputs = s.outputs / s.groups;
    const long size = (long)s.inputs * s.width, d_size = (long)s.outputs * s.out_width;
    vec *ring = at->scratch, *room = ring + kept * size;
    few *sums = (few *)(room + group * d_size);
    const vec *d[group], *x[kept];
    int next = 0;
    for (int first = 0; first < s.out_height; first += group) {
        const int count = first + group <= s.out_height ? group : s.out_height - first;
        const struct group rows = {d, x, first, count, kept};
        if (next < first * s.stride) next = first * s.stride;
        for (; next < (first + count - 1) * s.stride + s.rows; next++)
            x[next % kept] = lay_row(at, read_x, next, ring + next % kept * size, s);
        for (int h = 0; h < count; h++)
            for (int o = 0; o < s.outputs; o++) {
                const vec *row = read_d(at, first + h, o, room + h * d_size + o * s.out_width);
                if (o == 0) d[h] = row;
            }
        for (int g = 0; g < s.groups; g++) {
            int o = g * own_outputs;
            for (; o + block <= (g + 1) * own_outputs; o += block)
                weights_of_outputs(&rows, sums, at->alive, s, o, block, deep, tall, taps);
            if (own_outputs % block)
                weights_of_outputs(&rows, sums, at->alive, s, o, own_outputs % block, deep, tall,
                                   taps);
        }
    }
    sum_few(sums, s.outputs * (s.inputs / s.groups) * s.rows * s.columns, gradients);
}
