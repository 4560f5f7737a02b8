static int32_t *scores; /* the last maker's results, in full precision */

/* Kernels need all registers. */
#if defined(__GNUC__) && !defined(__OPTIMIZE_SIZE__)
#define APART __attribute__((noinline))
#else
#define APART
#endif

/* A shift to the right must keep the sign, as it does with every common compiler. */
typedef char shifts_keep_signs[(-1 >> 1) == -1 ? 1 : -1];

/* What scales the sums of a channel: a factor, then what is added to the product. Where long
   products are slow, one of 16 bits is made of the upper and of the lower half of a sum. */
#if defined(__AVR__) || defined(__ARM_ARCH_6M__) || (defined(__riscv) && !defined(__riscv_mul))
struct scale {
    int16_t factor;
    int32_t start;
    uint8_t down;
    int32_t low; //: low
    int32_t high; //: high
    bend bent; //: bent
};
#define FACTOR(own, stored) (stored)
#define START(own, sum) (sum)
#define DOWN(own) , (uint8_t)(16 - own->up)

static inline int32_t scaled_by(const struct scale *scale, total sum)
{
#if defined(__riscv) || (defined(__AVR__) && !defined(__AVR_HAVE_MUL__)) /* no multiplier */
    int factor = scale->factor < 0 ? -scale->factor : scale->factor;
    const total x = scale->factor < 0 ? -sum : sum;
    int32_t product = 0;
    for (int bit = 16; bit > 0; bit--, factor >>= 1)
        product = (factor & 1 ? product + x : product) >> 1;
#else
    const int32_t low = (int32_t)(uint16_t)sum * scale->factor;
    const int32_t product = (int32_t)(int16_t)(sum >> 16) * scale->factor + (low >> 16);
#endif
    return (product + scale->start) >> scale->down;
}
#else
struct scale {
    int32_t factor;
    int64_t start;
    int32_t low; //: low
    int32_t high; //: high
    bend bent; //: bent
};
#define FACTOR(own, stored) ((stored) * ((int32_t)1 << own->up))
#define START(own, sum) ((int64_t)(sum) * ((int64_t)1 << (16 + own->up)))
#define DOWN(own)

static inline int32_t scaled_by(const struct scale *scale, total sum)
{
    return (int32_t)(((int64_t)sum * scale->factor + scale->start) >> 32);
}
#endif

static inline struct scale scale_of(const struct maker *own, int c)
{
    const int k = (int)own->first + CHANNEL;
    const int32_t bias = READ(int16_t, biases + k) * ((int32_t)1 << own->bias_up);
    const int32_t half = (int32_t)1 << (15 - own->up), zero = own->OFFSET * 2 * half;
    const struct scale found = {FACTOR(own, READ(int16_t, factors + k)),
                                START(own, bias + half + zero) DOWN(own)VALUES};
    (void)own;
    return found;
}

/* The level of a sum, clipped to the levels of its map. */
static inline value level_of(const struct scale *scale, total sum)
{
    int32_t level = scaled_by(scale, sum);
    if (level != (value)level)
        level = level < 0 ? -128 : 127;
    level = level > scale->low ? level : scale->low; //: low
    level = level < scale->high ? level : scale->high; //: high
    return scale->bent ? bent(scale->bent, level) : (value)level; //: bent
    return (value)level; //: no bent
}

#define ARE_SCORES(own) ((own)->first == SCORES_FROM)

static inline void keep(const struct maker *own, value *out, int c, total sum)
{
    const struct scale scale = scale_of(own, c);
    if (ARE_SCORES(own)) {
        const int32_t level = scaled_by(&scale, sum * SCORE_TIMES);
        scores[c] = level; //: no cut
        scores[c] = (level > 0 ? level : 0); //: cut
        return;
    }
    *out = level_of(&scale, sum * own->times);
}
