/* Convolution as it is written: one multiply-add per weight and place. */

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

/* weights in blocks, as direct_block reads them. How they lie, group by group: `row`, `column` and
 * `step` are from one output, input and place of its window to the next. */
APART void pack_direct(const real *weights, real *packed, const int outputs, const int groups,
                       const int inputs, const int area, const int block, const long row,
                       const long column, const long step) {
    const int own = outputs / groups;
    for (int g = 0; g < groups; g++, weights += (long)own * inputs * area)
        for (int first = 0; first < own; first += block)
            for (int c = 0; c < inputs; c++)
                for (int k = 0; k < area; k++)
                    for (int o = first; o < own && o < first + block; o++)
                        *packed++ = weights[o * row + c * column + k * step];
}
