/* Convolution and its two gradients as they are written: one multiply-add per weight and place.
 *
 * Weighted sums of flat values are the case of one place and a window of one.
 *
 * Values pass through two hooks. A reader gives one row of one channel, as it lies in memory or
 * computed into the room it is offered: `row = read(at, h, c, room)`. A finisher is given one:
 * `finish(at, h, c, row)`. All sizes are constants where these functions are inlined, so every
 * loop over a block of registers is unrolled. */

#define MOST 32 /* vectors that a block of sums keeps in registers */

typedef const vec *row_reader(struct place *at, int h, int c, vec *room);
typedef void row_finisher(struct place *at, int h, int c, const vec *row);

/* Or a row is read value by value, in registers: `line = find(at, h, c)` holds what is the same
 * along it, `value(&line, w)` computes one, and `leave(at, c, &line)` takes the line's sums. */
typedef struct line line_finder(struct place *at, int h, int c);
typedef vec line_value(struct line *line, int w);
typedef void line_leaver(struct place *at, int c, const struct line *line);

INLINE void leave_nothing(struct place *at, int c, const struct line *line) {
    (void)at, (void)c, (void)line;
}

/* A row in a place of our own */
INLINE void read_into(struct place *at, row_reader *read, int h, int c, vec *to, const int width) {
    const vec *row = read(at, h, c, to);
    if (row != to) memcpy(to, row, sizeof(vec) * width);
}

/* How a window slides over an input that lies in a frame of zeros. */
struct sliding {
    int outputs, out_height, out_width;
    int inputs, in_height, in_width;
    int rows, columns; /* of the window */
    int stride;
    int top, left;             /* where the input lies in the frame */
    int spread;                /* rows and columns of the frame from one of the input to the next */
    int height, width, groups; /* of the frame; of channels */
};

/* Row y of the frame as [inputs][width]: where it lies in memory, or laid into the room. */
INLINE const vec *lay_row(struct place *at, row_reader *read, int y, vec *room,
                          const struct sliding s) {
    const int h = (y - s.top) / s.spread, ends = s.left + (s.in_width - 1) * s.spread + 1;
    const vec *first = room;
    if (y < s.top || (y - s.top) % s.spread || h >= s.in_height)
        return memset(room, 0, sizeof(vec) * s.inputs * s.width);
    for (int c = 0; c < s.inputs; c++) {
        vec *line = room + c * s.width;
        if (s.in_width == s.width) {
            const vec *row = read(at, h, c, line);
            if (c == 0) first = row; /* all of them lie side by side, there or here */
            continue;
        }
        for (int w = 0; w < s.left; w++) line[w] = (vec){0};
        for (int w = ends; w < s.width; w++) line[w] = (vec){0};
        read_into(at, read, h, c, line + s.left, s.in_width);
        for (int w = s.in_width - 1; w > 0 && s.spread > 1; w--) { /* apart, from the last on */
            line[s.left + w * s.spread] = line[s.left + w];
            for (int k = 1; k < s.spread; k++) line[s.left + w * s.spread - k] = (vec){0};
        }
    }
    return first;
}

/* sums[o][w] for `block` outputs and `wide` places beside each other, from column w of the rows
 * that a window covers. The weights of the block are [inputs of the group][rows][columns][block]. */
INLINE void direct_block(const vec *const *lines, const long corner, const real *weights,
                         vec *sums, const struct sliding s, const int block, const int wide) {
    vec sum[MOST];
    UNROLL for (int o = 0; o < block; o++)
        UNROLL for (int w = 0; w < wide; w++) sum[o * wide + w] = (vec){0};
    for (int c = 0; c < s.inputs / s.groups; c++)
        for (int i = 0; i < s.rows; i++) {
            const vec *line = lines[i] + corner + c * s.width;
            for (int j = 0; j < s.columns; j++, weights += block) {
                vec x[MOST];
                UNROLL for (int w = 0; w < wide; w++) {
                    x[w] = line[w * s.stride + j];
                    IN_REGISTER(x[w]);
                }
                UNROLL for (int o = 0; o < block; o++)
                    UNROLL for (int w = 0; w < wide; w++) sum[o * wide + w] += weights[o] * x[w];
            }
        }
    UNROLL for (int o = 0; o < block; o++)
        UNROLL for (int w = 0; w < wide; w++) sums[(long)o * s.out_width + w] = sum[o * wide + w];
}

INLINE void direct_row(const vec *const *lines, const long corner, const real *weights, vec *sums,
                       const struct sliding s, const int block, const int wide) {
    int w = 0;
    for (; w + wide <= s.out_width; w += wide)
        direct_block(lines, corner + w * s.stride, weights, sums + w, s, block, wide);
    if (s.out_width % wide)
        direct_block(lines, corner + w * s.stride, weights, sums + w, s, block,
                     s.out_width % wide);
}

/* Row by row. Scratch: as many rows of the frame as a window has, then `block` rows of sums. */
INLINE void direct_conv(struct place *at, row_reader *read, row_finisher *finish,
                        const real *weights, const struct sliding s, const int block,
                        const int wide) {
    const long size = (long)s.inputs * s.width;
    vec *ring = at->scratch, *sums = ring + s.rows * size;
    const int own_outputs = s.outputs / s.groups, own_inputs = s.inputs / s.groups;
    const long window = (long)own_inputs * s.rows * s.columns;
    const vec *laid[s.rows], *lines[s.rows];
    int next = 0;
    for (int h = 0; h < s.out_height; h++) {
        if (next < h * s.stride) next = h * s.stride;
        for (; next < h * s.stride + s.rows; next++)
            laid[next % s.rows] = lay_row(at, read, next, ring + next % s.rows * size, s);
        for (int i = 0; i < s.rows; i++) lines[i] = laid[(h * s.stride + i) % s.rows];
        for (int g = 0; g < s.groups; g++) {
            const long corner = (long)g * own_inputs * s.width;
            const real *own = weights + (long)g * own_outputs * window;
            int o = 0;
            for (; o + block <= own_outputs; o += block) {
                direct_row(lines, corner, own + o * window, sums, s, block, wide);
                for (int k = 0; k < block; k++)
                    finish(at, h, g * own_outputs + o + k, sums + (long)k * s.out_width);
            }
            if (own_outputs % block) {
                direct_row(lines, corner, own + o * window, sums, s, own_outputs % block, wide);
                for (int k = 0; k < own_outputs % block; k++)
                    finish(at, h, g * own_outputs + o + k, sums + (long)k * s.out_width);
            }
        }
    }
}

/* weights[outputs][inputs of a group][rows][columns] in blocks, as direct_block reads them. */
APART void pack_direct(const real *weights, real *packed, const int outputs, const int groups,
                        const int window, const int block) {
    const int own = outputs / groups;
    for (int g = 0; g < groups; g++)
        for (int first = 0; first < own; first += block) {
            const int size = first + block <= own ? block : own - first;
            for (int k = 0; k < window; k++)
                for (int o = 0; o < size; o++)
                    *packed++ = weights[(long)(g * own + first + o) * window + k];
        }
}

/* The weights of the gradient to the input: inputs and outputs change places, windows turn round.
 * turned[inputs][outputs of a group][rows][columns] */
APART void turn_weights(const real *weights, real *turned, const int outputs, const int inputs,
                         const int groups, const int rows, const int columns) {
    const int own_outputs = outputs / groups, own_inputs = inputs / groups;
    const int area = rows * columns;
    for (int g = 0; g < groups; g++)
        for (int c = 0; c < own_inputs; c++)
            for (int o = 0; o < own_outputs; o++)
                for (int k = 0; k < area; k++)
                    *turned++ = weights[((long)(g * own_outputs + o) * own_inputs + c) * area +
                                        area - 1 - k];
}

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
    const int own_inputs = s.inputs / s.groups, channel = o / (s.outputs / s.groups) * own_inputs + c;
    vec sum[MOST];
    UNROLL for (int k = 0; k < block * deep * tall * taps; k++) sum[k] = (vec){0};
    for (int h = 0; h < rows->count; h++) {
        const vec *d = rows->d[h] + (long)o * s.out_width, *x[MOST];
        UNROLL for (int a = 0; a < tall; a++)
            x[a] = rows->x[((rows->first + h) * s.stride + i + a) % rows->kept] +
                   (long)channel * s.width + j;
        for (int w = 0; w < s.out_width; w++) {
            vec slope[MOST];
            UNROLL for (int p = 0; p < block; p++) {
                slope[p] = d[(long)p * s.out_width + w];
                IN_REGISTER(slope[p]);
            }
            UNROLL for (int q = 0; q < deep; q++)
                UNROLL for (int a = 0; a < tall; a++)
                    UNROLL for (int b = 0; b < taps; b++) {
                        vec value = x[a][(long)q * s.width + w * s.stride + b];
                        IN_REGISTER(value);
                        UNROLL for (int p = 0; p < block; p++)
                            sum[((p * deep + q) * tall + a) * taps + b] += slope[p] * value;
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
INLINE void direct_weights(struct place *at, row_reader *read_d, row_reader *read_x, real *slopes,
                           const struct sliding s, const int group, const int block,
                           const int deep, const int tall, const int taps) {
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
    sum_few(sums, s.outputs * (s.inputs / s.groups) * s.rows * s.columns, slopes);
}

/* slopes[outputs][inputs] = Σ over the lanes of d · x, for flat values: the inputs change places
 * with the lanes, so that a product is added in one instruction. Scratch: all of d and of x. */
INLINE void outer_products(struct place *at, row_reader *read_d, row_reader *read_x, real *slopes,
                           const int outputs, const int inputs) {
    vec *d = at->scratch, *x = d + outputs;
    for (int o = 0; o < outputs; o++) {
        read_into(at, read_d, 0, o, d + o, 1);
        d[o] = (vec)((mask)d[o] & at->alive);
    }
    for (int c = 0; c < inputs; c++) read_into(at, read_x, 0, c, x + c, 1);
    for (int first = 0; first < inputs; first += LANES) {
        const int count = first + LANES <= inputs ? LANES : inputs - first;
        real turned[LANES][LANES] = {{0}};
        for (int c = 0; c < count; c++)
            for (int l = 0; l < LANES; l++) turned[l][c] = x[first + c][l];
        for (int o = 0; o < outputs; o++) {
            vec sum = {0};
            for (int l = 0; l < LANES; l++) sum += ((const real *)(d + o))[l] * loaded(turned[l]);
            memcpy(slopes + (long)o * inputs + first, &sum, sizeof(real) * count);
        }
    }
}
