/* Weighted sums of flat values, and the gradients of their weights. Sizes come at run time, so that
 * all layers share one copy of each loop: a network compiles sooner, and none runs longer. */

#define WIDE (REGISTERS >= 16 ? 3 : REGISTERS / 6) /* vectors of each */
#define SUMS (REGISTERS >= 15 ? 8 : 4)             /* at once */

/* As IN_REGISTER, where there are 16 registers, too: these loops need no more. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__AVX2__) && !defined(REAL_IS_DOUBLE)
#define HELD(x) __asm__("" : "+v"(x))
#else
#define HELD(x) (void)(x)
#endif

/* All values of a tile, one after the other: where they lie in memory, or read into the room. */
INLINE const vec *lay_flat(struct place *at, row_reader *read, const int count, vec *room) {
    const vec *first = read(at, 0, 0, room);
    for (int c = 1; c < count; c++) read(at, 0, c, room + c);
    return first;
}

/* How many of the rows that are left go together: SUMS, or a power of two below. */
INLINE int block_of(const int left) {
    return left >= SUMS ? SUMS : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

INLINE const real *sum_block(const vec *x, const real *weights, vec *sums, const int inputs,
                             const int block) {
    vec sum[SUMS];
    UNROLL for (int o = 0; o < block; o++) sum[o] = (vec){0};
    for (int c = 0; c < inputs; c++, weights += block) {
        vec value = x[c];
        HELD(value);
        UNROLL for (int o = 0; o < block; o++) sum[o] += weights[o] * value;
    }
    UNROLL for (int o = 0; o < block; o++) sums[o] = sum[o];
    return weights;
}

/* sums[o] = Σ weights[o][c] · x[c], of weights as `pack_flat` lays them */
APART void sum_flat(const vec *x, const real *weights, vec *sums, const int outputs,
                    const int inputs) {
    int o = 0;
    for (; o + SUMS <= outputs; o += SUMS)
        weights = sum_block(x, weights, sums + o, inputs, SUMS);
    if (SUMS > 4 && outputs - o >= 4) weights = sum_block(x, weights, sums + o, inputs, 4), o += 4;
    if (outputs - o >= 2) weights = sum_block(x, weights, sums + o, inputs, 2), o += 2;
    if (outputs > o) sum_block(x, weights, sums + o, inputs, 1);
}

/* Scratch: the inputs, then the sums. */
INLINE void weigh_flat(struct place *at, row_reader *read, row_finisher *finish,
                       const real *weights, const int outputs, const int inputs) {
    vec *sums = at->scratch + inputs;
    sum_flat(lay_flat(at, read, inputs, at->scratch), weights, sums, outputs, inputs);
    for (int o = 0; o < outputs; o++) finish(at, 0, o, sums + o);
}

/* weights in blocks of outputs; `row` and `column` are from one output and input to the next. */
APART void pack_flat(const real *weights, real *packed, const int outputs, const int inputs,
                     const long row, const long column) {
    for (int first = 0, block; first < outputs; first += block) {
        block = block_of(outputs - first);
        for (int c = 0; c < inputs; c++)
            for (int o = first; o < first + block; o++)
                *packed++ = weights[o * row + c * column];
    }
}

/* ROWS rows of gradients, `wide` vectors of each, over all lanes of so many tiles; `size` is from
 * one tile to the next. Only so many rows are kept, and of a single vector so many numbers. */
INLINE void outer_block(const vec *d, const vec *x, const long size, const int tiles, real *to,
                        const int inputs, const int rows, const int numbers, const int wide) {
    vec sum[ROWS * 3];
    UNROLL for (int k = 0; k < ROWS * wide; k++) sum[k] = (vec){0};
    for (int t = 0; t < tiles; t++, d += size, x += size)
        for (int l = 0; l < LANES; l++) {
            vec value[3];
            UNROLL for (int w = 0; w < wide; w++) {
                value[w] = x[w * LANES + l];
                HELD(value[w]);
            }
            UNROLL for (int o = 0; o < ROWS; o++)
                UNROLL for (int w = 0; w < wide; w++)
                    sum[o * wide + w] += ((const real *)(d + o))[l] * value[w];
        }
    UNROLL for (int o = 0; o < ROWS; o++, to += inputs) {
        if (o >= rows) return;
        if (wide == 1 && numbers < LANES)
            for (int k = 0; k < numbers; k++) to[k] = sum[o][k];
        else
            UNROLL for (int w = 0; w < wide; w++)
                memcpy(to + w * LANES, &sum[o * wide + w], sizeof(vec));
    }
}

/* d is filled up with zeros to whole ROWS, x to whole vectors. */
APART void outer_flat(const vec *d, const vec *x, const long size, const int tiles, real *to,
                      const int outputs, const int inputs) {
    for (int o = 0; o < outputs; o += ROWS, d += ROWS, to += (long)ROWS * inputs) {
        int k = 0;
        for (; k + WIDE * LANES <= inputs; k += WIDE * LANES)
            outer_block(d, x + k, size, tiles, to + k, inputs, outputs - o, LANES, WIDE);
        for (; k < inputs; k += LANES)
            outer_block(d, x + k, size, tiles, to + k, inputs, outputs - o, inputs - k, 1);
    }
}

INLINE int filled_up(const int count, const int unit) { return (count + unit - 1) / unit * unit; }

/* gradients[outputs][inputs] = Σ d · x over the lanes of a group's tiles, which are kept until the
 * last of them: the inputs change places with the lanes, so that a product is added in one
 * instruction. */
INLINE void outer_products(struct place *at, row_reader *read_d, row_reader *read_x, vec *kept,
                           real *gradients, const int outputs, const int inputs) {
    const int rows = filled_up(outputs, ROWS), columns = filled_up(inputs, LANES);
    const int number = at->tile % GROUP;
    vec *d = kept + number * (rows + columns), *x = d + rows;
    for (int o = 0; o < rows; o++)
        d[o] = o < outputs ? (vec)((mask)*read_d(at, 0, o, d + o) & at->alive) : (vec){0};
    for (int c = 0; c < columns; c++) x[c] = c < inputs ? *read_x(at, 0, c, x + c) : (vec){0};
    for (int c = 0; c < columns; c += LANES) turn(x + c);
    if (number + 1 == GROUP || at->tile + 1 == at->e->tiles)
        outer_flat(kept, kept + rows, rows + columns, number + 1, gradients, outputs, inputs);
}
