//: bytes
/* Unchanged pixels: a level is the byte minus 128. */
static void bytes(const struct maker *own, const struct view *seen, value *out)
{
    const int area = own->rows * own->columns;
    for (int c = 0; c < own->channels; c++) {
        const sample *from = seen->given + c * area + seen->row * own->columns;
        for (int x = 0; x < own->columns; x++)
            out[x * own->channels + c] = (value)(*from++ - 128);
    }
}

//: times_weight
/* A weight times a value without a multiplier: few steps for weights of few bits. */
#if (defined(__riscv) && !defined(__riscv_mul)) || (defined(__AVR__) && !defined(__AVR_HAVE_MUL__))
static inline total times_weight(int weight, total x)
{
    total sum = 0;
    if (weight < 0) {
        weight = -weight;
        x = -x;
    }
    for (; weight > 0; weight >>= 1, x += x)
        if (weight & 1)
            sum += x;
    return sum;
}
#define TIMES(weight, x) times_weight(weight, x)
#else
#define TIMES(weight, x) ((weight) * (x))
#endif

//: single
/* The weights of a channel, one per byte. */
#define WEIGHTS_OF(own, c, count, other) (weights + (own)->weights + (c) * (count))
#define WEIGHT(at) READ(value, at)

//: several
static value unpacked[2][UNPACKED];

/* The weights of a channel, several per byte. */
static const value *weights_of(const struct maker *own, int c, int count, value *to)
{
    uint32_t at = (uint32_t)c * (uint32_t)(count * own->bits);
    for (int k = 0; k < count; k++) {
        const uint8_t several = READ(uint8_t, weights + own->weights + (at >> 3));
        const int code = (several >> (at & 7)) & ((1 << own->bits) - 1);
        to[k] = (value)(code * own->step + own->lowest);
        at += own->bits;
    }
    return to;
}
#define WEIGHTS_OF(own, c, count, other) weights_of(own, c, count, unpacked[other])
#define WEIGHT(at) (*(at))

//: one_of_several
/* A weight, of which several are in a byte. */
static int weight_at(const struct maker *own, int k)
{
    const uint32_t at = (uint32_t)k * own->bits;
    const uint8_t several = READ(uint8_t, weights + own->weights + (at >> 3));
    return ((several >> (at & 7)) & ((1 << own->bits) - 1)) * own->step + own->lowest;
}
#define WEIGHT_AT(own, k) weight_at(own, k)

//: one
#define WEIGHT_AT(own, k) ((void)(own), READ(value, weights + (own)->weights + (k)))

//: sums_one
/* The largest of a place's sums, over all channels or its own. */
static total sums_one(const struct maker *own, const struct view *seen, int x, int c)
{
    const int channels = seen->from->channels, deep = own->each < channels;
    const int run = own->window_columns * own->each, apart = deep ? channels : 1;
    total most = 0;
    for (int below = 0; below < own->pooled; below++)
        for (int beside = 0; beside < own->pooled; beside++) {
            const int place = (x * own->pooled + beside) * own->stride * channels + (deep ? c : 0);
            int weight = c * own->window_rows * run;
            total sum = 0;
            for (int row = 0; row < own->window_rows; row++) {
                const value *at = seen->rows[row + below * own->stride] + place;
                for (int k = run; k > 0; k--, weight++, at += apart)
                    sum += TIMES(WEIGHT_AT(own, weight), *at);
            }
            if (below + beside == 0 || sum > most)
                most = sum;
        }
    return most;
}

//: sums_group
/* The same for groups of channels. */
static total sums_group(const struct maker *own, const struct view *seen, int x, int c)
{
    const int channels = seen->from->channels, each = own->each;
    const int group = c * (channels / each) / own->channels;
    total most = 0;
    for (int below = 0; below < own->pooled; below++)
        for (int beside = 0; beside < own->pooled; beside++) {
            const int place = (x * own->pooled + beside) * own->stride * channels + group * each;
            int weight = c * own->window_rows * own->window_columns * each;
            total sum = 0;
            for (int row = 0; row < own->window_rows; row++) {
                const value *at = seen->rows[row + below * own->stride] + place;
                for (int column = 0; column < own->window_columns; column++, at += channels)
                    for (int k = 0; k < each; k++, weight++)
                        sum += TIMES(WEIGHT_AT(own, weight), at[k]);
            }
            if (below + beside == 0 || sum > most)
                most = sum;
        }
    return most;
}

//: summing
#ifdef __AVR__
enum { ABREAST = 1 }; /* channels that are summed at once: there are few pointer registers */
#else
enum { ABREAST = 2 };
#endif
static total row_of_sums[ABREAST][WIDEST + 2];

/* Store two adjacent sums, or the larger of these and those above them. */
static inline void set_two(total *at, total a, total b, int below)
{
    at[0] = below && at[0] > a ? at[0] : a;
    at[1] = below && at[1] > b ? at[1] : b;
}

/* Replace neighbouring sums by the largest. */
static void pool(const struct maker *own, total *sum)
{
    const total *from = sum;
    for (int x = own->columns; x > 0; x--) {
        total most = *from++;
        for (int beside = own->pooled; beside > 1; beside--, from++)
            most = *from > most ? *from : most;
        *sum++ = most;
    }
}

/* Scale a row of sums. */
APART static void finish(const struct maker *own, value *out, int c, total *sum)
{
    const int channels = own->channels;
    const int32_t times = own->times;
    const struct scale scale = scale_of(own, c);
    const value *const end = out + own->columns * channels;
    if (own->pooled > 1)
        pool(own, sum);
    if (ARE_SCORES(own))
        keep(own, out, c, *sum);
    else
        for (out += c; out < end; out += channels)
            *out = level_of(&scale, *sum++ * times);
}

//: sums_flat
/* A row of weighted sums over all channels, for two of these at two places at a time. What a window
   of one row reads lies side by side. */
APART static void sums_flat(const struct maker *own, const struct view *seen, value *out)
{
    const int channels = seen->from->channels, run = own->window_columns * channels;
    const int apart = own->stride * channels, wide = own->columns * own->pooled;
    for (int c = 0; c < own->channels; c += ABREAST) {
        const int next = ABREAST > 1 && c + 1 < own->channels;
        const value *const w = WEIGHTS_OF(own, c, run, 0);
        const value *const also = next ? WEIGHTS_OF(own, c + 1, run, 1) : w;
        for (int below = 0; below < own->pooled; below++) {
            const value *x = seen->rows[below * own->stride];
            total *sum = row_of_sums[0];
            for (int left = wide; left > 0; left -= 2, x += 2 * apart, sum += 2) {
                const value *u = w, *v = also, *y = left > 1 ? x + apart : x, *const end = x + run;
                total a = 0, b = 0, d = 0, e = 0;
                for (const value *at = x; at < end; at++, y++, u++) {
                    const value one = WEIGHT(u);
                    a += TIMES(one, *at);
                    b += TIMES(one, *y);
                    if (ABREAST > 1) {
                        const value other = WEIGHT(v++);
                        d += TIMES(other, *at);
                        e += TIMES(other, *y);
                    }
                }
                set_two(sum, a, b, below);
                if (ABREAST > 1)
                    set_two(sum + WIDEST + 2, d, e, below);
            }
        }
        finish(own, out, c, row_of_sums[0]);
        if (next)
            finish(own, out, c + 1, row_of_sums[ABREAST - 1]);
    }
}

//: sums
/* A row of weighted sums over all channels, for two of these at two places at a time, since what a
   window reads of a row lies side by side; where rows are pooled, the larger sums of both. */
APART static void sums(const struct maker *own, const struct view *seen, value *out)
{
    const int channels = seen->from->channels, run = own->window_columns * channels;
    const int apart = own->stride * channels, wide = own->columns * own->pooled;
    const int size = own->window_rows * run;
    for (int c = 0; c < own->channels; c += ABREAST) {
        const int next = ABREAST > 1 && c + 1 < own->channels;
        const value *const w = WEIGHTS_OF(own, c, size, 0);
        const value *const also = next ? WEIGHTS_OF(own, c + 1, size, 1) : w;
        for (int below = 0; below < own->pooled; below++)
            for (int place = 0; place < wide; place += 2) {
                const value *const *rows = seen->rows + below * own->stride, *u = w, *v = also;
                const int step = place + 1 < wide ? apart : 0;
                total a = 0, b = 0, d = 0, e = 0;
                for (int row = 0; row < own->window_rows; row++) {
                    const value *x = rows[row] + place * apart, *y = x + step;
                    for (int k = run; k > 0; k--) {
                        const value one = WEIGHT(u);
                        u++;
                        if (ABREAST > 1) {
                            const value other = WEIGHT(v);
                            v++;
                            d += TIMES(other, *x);
                            e += TIMES(other, *y);
                        }
                        a += TIMES(one, *x++);
                        b += TIMES(one, *y++);
                    }
                }
                set_two(row_of_sums[0] + place, a, b, below);
                if (ABREAST > 1)
                    set_two(row_of_sums[ABREAST - 1] + place, d, e, below);
            }
        finish(own, out, c, row_of_sums[0]);
        if (next)
            finish(own, out, c + 1, row_of_sums[ABREAST - 1]);
    }
}

//: sums_deep
/* A row of sums of 3 by 3 values of one channel each. Three places' sums are worked on at once, as
   each column adds to all of those; so two begin before the first place. */
APART static void sums_deep(const struct maker *own, const struct view *seen, value *out)
{
    const int channels = seen->from->channels, alike = own->channels / channels;
    int first = 0, again = alike;
    for (int c = 0; c < own->channels; c++) {
        const value *const w = WEIGHTS_OF(own, c, 9, 0);
        const value w0 = WEIGHT(w), w1 = WEIGHT(w + 1), w2 = WEIGHT(w + 2);
        const value w3 = WEIGHT(w + 3), w4 = WEIGHT(w + 4), w5 = WEIGHT(w + 5);
        const value w6 = WEIGHT(w + 6), w7 = WEIGHT(w + 7), w8 = WEIGHT(w + 8);
        for (int below = 0; below < own->pooled; below++) {
            const value *const *rows = seen->rows + below;
            const value *x = rows[0] + first, *y = rows[1] + first, *z = rows[2] + first;
            total a = 0, b = 0, *sum = row_of_sums[0];
            const int end = (own->columns * own->pooled + 2) * channels;
            for (int at = 0; at < end; at += channels, sum++) {
                const total whole = a + TIMES(w2, x[at]) + TIMES(w5, y[at]) + TIMES(w8, z[at]);
                a = b + TIMES(w1, x[at]) + TIMES(w4, y[at]) + TIMES(w7, z[at]);
                b = (total)TIMES(w0, x[at]) + TIMES(w3, y[at]) + TIMES(w6, z[at]);
                *sum = below && *sum > whole ? *sum : whole;
            }
        }
        finish(own, out, c, row_of_sums[0] + 2);
        if (--again == 0)
            first++, again = alike;
    }
}

//: sums_each
/* The same for any window and group of channels, one sum at a time. */
APART static void sums_each(const struct maker *own, const struct view *seen, value *out)
{
    const int channels = seen->from->channels, each = own->each, pooled = own->pooled;
    const int alike = own->channels / (channels / each); /* channels that read the same inputs */
    const int size = own->window_rows * own->window_columns * each;
    for (int c = 0; c < own->channels; c++) {
        const value *const w = WEIGHTS_OF(own, c, size, 0);
        for (int below = 0; below < pooled; below++)
            for (int place = 0; place < own->columns * pooled; place++) {
                total sum = 0, *at = row_of_sums[0] + place;
                const value *u = w;
                for (int row = 0; row < own->window_rows; row++) {
                    const value *x = seen->rows[row + below * own->stride] +
                                     place * own->stride * channels + c / alike * each;
                    for (int column = own->window_columns; column > 0; column--, x += channels)
                        for (int k = 0; k < each; k++, u++)
                            sum += TIMES(WEIGHT(u), x[k]);
                }
                *at = below && *at > sum ? *at : sum;
            }
        finish(own, out, c, row_of_sums[0]);
    }
}
