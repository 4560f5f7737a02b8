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

/* frame[height][inputs][width] */
INLINE void lay_frame(struct place *at, row_reader *read, vec *frame, const struct sliding s) {
    const long row = (long)s.inputs * s.width;
    const int plain = s.top == 0 && s.left == 0 && s.spread == 1 && s.in_height == s.height &&
                      s.in_width == s.width;
    if (!plain) memset(frame, 0, sizeof(vec) * s.height * row);
    for (int h = 0; h < s.in_height; h++)
        for (int c = 0; c < s.inputs; c++) {
            vec *to = frame + (s.top + h * s.spread) * row + (long)c * s.width + s.left;
            if (s.spread == 1) {
                read_into(at, read, h, c, to, s.in_width);
            } else {
                read_into(at, read, h, c, to, s.in_width); /* side by side, then apart, from the last on */
                for (int w = s.in_width - 1; w > 0; w--) {
                    to[w * s.spread] = to[w];
                    to[w] = (vec){0};
                }
            }
        }
}

/* sums[o][w] for `block` outputs and `wide` places beside each other. The weights of the block
 * are [inputs of the group][rows][columns][block]. */
INLINE void direct_block(const vec *corner, const real *weights, vec *sums, const struct sliding s,
                         const int block, const int wide) {
    vec sum[MOST];
    UNROLL for (int o = 0; o < block; o++)
        UNROLL for (int w = 0; w < wide; w++) sum[o * wide + w] = (vec){0};
    for (int c = 0; c < s.inputs / s.groups; c++)
        for (int i = 0; i < s.rows; i++) {
            const vec *line = corner + ((long)i * s.inputs + c) * s.width;
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

INLINE void direct_row(const vec *line, const real *weights, vec *sums, const struct sliding s,
                       const int block, const int wide) {
    int w = 0;
    for (; w + wide <= s.out_width; w += wide)
        direct_block(line + w * s.stride, weights, sums + w, s, block, wide);
    if (s.out_width % wide)
        direct_block(line + w * s.stride, weights, sums + w, s, block, s.out_width % wide);
}

/* Scratch: the frame, then `block` rows of sums. */
INLINE void direct_conv(struct place *at, row_reader *read, row_finisher *finish,
                        const real *weights, const struct sliding s, const int block,
                        const int wide) {
    vec *frame = at->scratch, *sums = frame + (long)s.height * s.inputs * s.width;
    const int own_outputs = s.outputs / s.groups, own_inputs = s.inputs / s.groups;
    const long window = (long)own_inputs * s.rows * s.columns;
    lay_frame(at, read, frame, s);
    for (int h = 0; h < s.out_height; h++)
        for (int g = 0; g < s.groups; g++) {
            const vec *line = frame + ((long)h * s.stride * s.inputs + g * own_inputs) * s.width;
            const real *own = weights + (long)g * own_outputs * window;
            int o = 0;
            for (; o + block <= own_outputs; o += block) {
                direct_row(line, own + o * window, sums, s, block, wide);
                for (int k = 0; k < block; k++)
                    finish(at, h, g * own_outputs + o + k, sums + (long)k * s.out_width);
            }
            if (own_outputs % block) {
                direct_row(line, own + o * window, sums, s, own_outputs % block, wide);
                for (int k = 0; k < own_outputs % block; k++)
                    finish(at, h, g * own_outputs + o + k, sums + (long)k * s.out_width);
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

/* Gradients of `block` × `deep` × `taps` weights, over all places, each lane by itself. */
INLINE void weights_block(const vec *d, const vec *x, vec *sums, const struct sliding s,
                          const int block, const int deep, const int taps) {
    vec sum[MOST];
    UNROLL for (int o = 0; o < block; o++)
        UNROLL for (int c = 0; c < deep; c++)
            UNROLL for (int j = 0; j < taps; j++) sum[(o * deep + c) * taps + j] = (vec){0};
    for (int h = 0; h < s.out_height; h++)
        for (int w = 0; w < s.out_width; w++) {
            const vec *d_at = d + (long)h * s.outputs * s.out_width + w;
            const vec *x_at = x + (long)h * s.stride * s.inputs * s.width + w * s.stride;
            vec slope[MOST];
            UNROLL for (int o = 0; o < block; o++) {
                slope[o] = d_at[(long)o * s.out_width];
                IN_REGISTER(slope[o]);
            }
            UNROLL for (int c = 0; c < deep; c++)
                UNROLL for (int j = 0; j < taps; j++) {
                    vec value = x_at[(long)c * s.width + j];
                    IN_REGISTER(value);
                    UNROLL for (int o = 0; o < block; o++)
                        sum[(o * deep + c) * taps + j] += slope[o] * value;
                }
        }
    UNROLL for (int k = 0; k < block * deep * taps; k++) sums[k] = sum[k];
}

/* The same for one group's block of outputs, all its inputs and all taps, summed over the lanes
 * into slopes[o][c][i][j]. */
INLINE void weights_of_outputs(const vec *d, const vec *x, real *slopes, mask alive,
                               const struct sliding s, const int block, const int deep,
                               const int taps) {
    const int own_inputs = s.inputs / s.groups;
    for (int first = 0; first < own_inputs; first += deep)
        for (int i = 0; i < s.rows; i++)
            for (int start = 0; start < s.columns; start += taps) {
                const int depth = first + deep <= own_inputs ? deep : own_inputs % deep;
                const int breadth = start + taps <= s.columns ? taps : s.columns % taps;
                const vec *corner = x + ((long)i * s.inputs + first) * s.width + start;
                vec sums[MOST];
                real totals[MOST];
                if (depth == deep && breadth == taps)
                    weights_block(d, corner, sums, s, block, deep, taps);
                else if (breadth == taps)
                    weights_block(d, corner, sums, s, block, own_inputs % deep, taps);
                else if (depth == deep)
                    weights_block(d, corner, sums, s, block, deep, s.columns % taps);
                else
                    weights_block(d, corner, sums, s, block, own_inputs % deep, s.columns % taps);
                sum_lanes(sums, block * depth * breadth, alive, totals);
                for (int o = 0; o < block; o++)
                    for (int c = 0; c < depth; c++)
                        for (int j = 0; j < breadth; j++)
                            slopes[(((long)o * own_inputs + first + c) * s.rows + i) * s.columns +
                                   start + j] = totals[(o * depth + c) * breadth + j];
            }
}

/* Scratch: the frame of x, then d as [out_height][outputs][out_width]. */
INLINE void direct_weights(struct place *at, row_reader *read_d, row_reader *read_x, real *slopes,
                           const struct sliding s, const int block, const int deep,
                           const int taps) {
    vec *frame = at->scratch, *d = frame + (long)s.height * s.inputs * s.width;
    const int own_outputs = s.outputs / s.groups, own_inputs = s.inputs / s.groups;
    const long window = (long)own_inputs * s.rows * s.columns;
    lay_frame(at, read_x, frame, s);
    for (int h = 0; h < s.out_height; h++)
        for (int o = 0; o < s.outputs; o++)
            read_into(at, read_d, h, o, d + ((long)h * s.outputs + o) * s.out_width, s.out_width);
    for (int g = 0; g < s.groups; g++) {
        const vec *x = frame + (long)g * own_inputs * s.width;
        int o = 0;
        for (; o + block <= own_outputs; o += block)
            weights_of_outputs(d + (long)(g * own_outputs + o) * s.out_width, x,
                               slopes + (g * own_outputs + o) * window, at->alive, s, block, deep,
                               taps);
        if (own_outputs % block)
            weights_of_outputs(d + (long)(g * own_outputs + o) * s.out_width, x,
                               slopes + (g * own_outputs + o) * window, at->alive, s,
                               own_outputs % block, deep, taps);
    }
}
