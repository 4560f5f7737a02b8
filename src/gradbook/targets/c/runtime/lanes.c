/* Vectors with one image in each lane, and what plain vector arithmetic lacks.
 *
 * The generated source defines LANES and `real` before this. Everything here
 * is portable (GCC's and Clang's vector extensions); where AVX-512 has a single instruction for
 * something, it is named. */

#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__AVX512F__) /* it takes half a second to compile */
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

/* With PARTS, a bit for each, a compiler takes only those parts of the passes, beside others. What
 * is called across parts is never inlined: the sums of a network don't depend on how it was parted. */
#ifdef PARTS
#define IN_PART(number) (PARTS >> (number) & 1)
#define ACROSS __attribute__((noinline, visibility("hidden")))
#else
#define IN_PART(number) 1
#define ACROSS static __attribute__((noinline))
#endif

typedef real vec __attribute__((vector_size(LANES * sizeof(real))));
#ifdef REAL_IS_DOUBLE
typedef int64_t lane_mask;
#else
typedef int32_t lane_mask;
#endif
typedef lane_mask mask __attribute__((vector_size(LANES * sizeof(real))));

#define INLINE static inline __attribute__((always_inline, unused))
#define APART static __attribute__((noinline, unused)) /* called now and then: one copy is enough */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif

/* GCC would otherwise fold one load into several multiply-adds and load it again for each. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__AVX512F__) && !defined(REAL_IS_DOUBLE)
#define IN_REGISTER(x) __asm__("" : "+v"(x))
#else
#define IN_REGISTER(x) (void)(x)
#endif

/* The first of so many numbers: one for each lane. */
#define FOUR(a, b, c, d, ...) a, b, c, d
#define EIGHT(a, b, c, d, e, f, g, h, ...) a, b, c, d, e, f, g, h
#if LANES == 16
#define FIRST_LANES(...) __VA_ARGS__
#elif LANES == 8
#define FIRST_LANES(...) EIGHT(__VA_ARGS__)
#else
#define FIRST_LANES(...) FOUR(__VA_ARGS__)
#endif

INLINE vec all(real x) { return x - (vec){0}; }

INLINE vec choose(mask which, vec yes, vec no) {
    return (vec)((which & (mask)yes) | (~which & (mask)no));
}

#if defined(__AVX512F__) && LANES == 16 && !defined(REAL_IS_DOUBLE)
INLINE vec largest(vec a, vec b) { return (vec)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE vec root(vec x) { return (vec)_mm512_sqrt_ps((__m512)x); }
INLINE vec if_positive(vec c, vec yes, vec no) {
    __mmask16 where = _mm512_cmp_ps_mask((__m512)c, _mm512_setzero_ps(), _CMP_GT_OQ);
    return (vec)_mm512_mask_blend_ps(where, (__m512)no, (__m512)yes);
}
INLINE vec if_equal(vec a, vec b, vec yes, vec no) {
    __mmask16 where = _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_EQ_OQ);
    return (vec)_mm512_mask_blend_ps(where, (__m512)no, (__m512)yes);
}
#else
INLINE vec largest(vec a, vec b) { return choose(a > b, a, b); }
INLINE vec if_equal(vec a, vec b, vec yes, vec no) { return choose(a == b, yes, no); }
INLINE vec if_positive(vec c, vec yes, vec no) { return choose(c > 0, yes, no); }
INLINE vec root(vec x) {
    for (int l = 0; l < LANES; l++) x[l] = SQRT(x[l]);
    return x;
}
#endif

/* How much of a normal distribution lies below x. */
#define NORMAL_SHARE(x) (ERFC((x) * -(real)0.70710678118654752440) * (real)0.5)

/* The whole numbers next below: of numbers that a lane's own whole numbers hold. */
INLINE vec whole_below(vec x) {
    const vec whole = __builtin_convertvector(__builtin_convertvector(x, mask), vec);
    return whole - (vec)((mask)all(1) & (whole > x));
}

/* The rarer functions go lane by lane through the C library. */
#define LANE_BY_LANE(name, expression)                    \
    static __attribute__((unused)) vec name(vec v) {      \
        for (int l = 0; l < LANES; l++) {                 \
            const real x = v[l];                          \
            v[l] = expression;                            \
        }                                                 \
        return v;                                         \
    }
LANE_BY_LANE(exponential, EXP(x))
LANE_BY_LANE(logarithm, LOG(x))
LANE_BY_LANE(hyperbolic_tangent, TANH(x))
LANE_BY_LANE(sine, SIN(x))
LANE_BY_LANE(cosine, COS(x))
LANE_BY_LANE(arctangent, ATAN(x))
LANE_BY_LANE(normal_share, NORMAL_SHARE(x))
LANE_BY_LANE(soft_plus, (x > 0 ? x : 0) + LOG1P(EXP(-FABS(x))))

static __attribute__((unused)) vec raised(vec v, real n) {
    for (int l = 0; l < LANES; l++) v[l] = POW(v[l], n);
    return v;
}

/* One bit for each lane. */
typedef uint16_t bits;
#define SINGLE                                                                                 \
    ((mask){FIRST_LANES(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, \
                        32768)})

/* The scale in the lanes whose bit is set, else 0. */
INLINE vec where_set(bits which, real scale) {
#if defined(__AVX512F__) && LANES == 16 && !defined(REAL_IS_DOUBLE)
    return (vec)_mm512_maskz_mov_ps(which, (__m512)all(scale));
#else
    const mask own = (which - (mask){0}) & SINGLE;
    return (vec)((own != 0) & (mask)all(scale));
#endif
}

/* The lanes in which both are the same. */
INLINE bits equal_lanes(vec a, vec b) {
#if defined(__AVX512F__) && LANES == 16 && !defined(REAL_IS_DOUBLE)
    return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_EQ_OQ);
#elif defined(__AVX__) && LANES == 8 && !defined(REAL_IS_DOUBLE)
    return (bits)__builtin_ia32_movmskps256((vec)(a == b));
#elif defined(__aarch64__) && LANES == 4 && !defined(REAL_IS_DOUBLE)
    return (bits)vaddvq_s32((int32x4_t)((a == b) & SINGLE));
#else
    const mask same = (a == b) & SINGLE;
    bits which = 0;
    for (int l = 0; l < LANES; l++) which |= (bits)same[l];
    return which;
#endif
}

/* Vectors that lie anywhere. */
INLINE vec loaded(const real *from) {
    vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

/* to[k] = parts[0][k] + parts[1][k] + …, in this order */
APART void sum_tiles(const real *parts, const int tiles, const int size, real *to) {
    int k = 0;
    for (; k + 8 * LANES <= size; k += 8 * LANES) { /* several at once: a cache loads lines */
        vec sums[8];
        UNROLL for (int j = 0; j < 8; j++) sums[j] = loaded(parts + k + j * LANES);
        for (int t = 1; t < tiles; t++)
            UNROLL for (int j = 0; j < 8; j++)
                sums[j] += loaded(parts + (long)t * size + k + j * LANES);
        UNROLL for (int j = 0; j < 8; j++) memcpy(to + k + j * LANES, &sums[j], sizeof(vec));
    }
    for (; k < size; k++) {
        real sum = parts[k];
        for (int t = 1; t < tiles; t++) sum += parts[(long)t * size + k];
        to[k] = sum;
    }
}

/* ---- Vectors and their lanes change places; sums over the lanes, in one fixed order ---- */

/* Lane l where bit d of l is clear, else: FROM is a[l], b[l - d], and ONTO a[l + d], b[l]. */
#define FROM(l, d) (((l) & (d)) ? LANES + (l) - (d) : (l))
#define ONTO(l, d) (((l) & (d)) ? LANES + (l) : (l) + (d))
#define INDICES(pick, d)                                                                     \
    FIRST_LANES(pick(0, d), pick(1, d), pick(2, d), pick(3, d), pick(4, d), pick(5, d),      \
                pick(6, d), pick(7, d), pick(8, d), pick(9, d), pick(10, d), pick(11, d),    \
                pick(12, d), pick(13, d), pick(14, d), pick(15, d))
#define SOME(pick, a, b, d) __builtin_shufflevector(a, b, INDICES(pick, d))
#define HALVED(a, b, d) (SOME(FROM, a, b, d) + SOME(ONTO, a, b, d))
#define CROSSED(d)                            \
    UNROLL for (int k = 0; k < LANES; k++)    \
        if (!(k & (d))) {                     \
            const vec a = v[k], b = v[k + (d)]; \
            v[k] = SOME(FROM, a, b, d);       \
            v[k + (d)] = SOME(ONTO, a, b, d); \
        }

/* Number l of vector k becomes number k of vector l, of LANES vectors. */
APART void turn(vec *to) {
    vec v[LANES];
    UNROLL for (int k = 0; k < LANES; k++) v[k] = to[k];
#if LANES == 16
    CROSSED(8)
#endif
#if LANES >= 8
    CROSSED(4)
#endif
    CROSSED(2)
    CROSSED(1)
    UNROLL for (int k = 0; k < LANES; k++) to[k] = v[k];
}

/* to[k] = the sum of the lanes of v[k], for `count` vectors; lanes outside `alive` count as 0. */
APART void sum_lanes(const vec *v, int count, mask alive, real *to) {
    for (int first = 0; first < count; first += LANES) {
        vec t[LANES];
        for (int k = 0; k < LANES; k++)
            t[k] = first + k < count ? (vec)((mask)v[first + k] & alive) : (vec){0};
        turn(t);
        UNROLL for (int half = LANES / 2; half > 0; half /= 2)
            for (int l = 0; l < half; l++) t[l] += t[l + half];
        for (int k = 0; k < LANES && first + k < count; k++) to[first + k] = t[0][k];
    }
}

/* ---- Sums over the lanes in two turns: down to a few at once, to one at the end ---- */

#define FEW 4
typedef real few __attribute__((vector_size(FEW * sizeof(real))));

#define TOGETHER (LANES / FEW) /* as many as fill a vector once they are folded */

INLINE vec folded_together(const vec *v) {
#if LANES == 16
    return HALVED(HALVED(v[0], v[2], 8), HALVED(v[1], v[3], 8), 4);
#elif LANES == 8
    return HALVED(v[0], v[1], 4);
#else
    return *v;
#endif
}

INLINE few folded(vec v) {
    const vec same[] = {v, v, v, v}, sum = folded_together(same);
    return __builtin_shufflevector(sum, sum, 0, 1, 2, 3);
}

/* to[k] (+)= folded(v[k]); those together share their shuffles, with the same bits. */
INLINE void fold(const vec *v, const int count, const int begin, few *to) {
    int k = 0;
    UNROLL for (; k + TOGETHER <= count; k += TOGETHER) {
        vec own = folded_together(v + k);
        if (!begin) own += loaded((const real *)(to + k));
        memcpy(to + k, &own, sizeof own);
    }
    UNROLL for (; k < count; k++) to[k] = begin ? folded(v[k]) : to[k] + folded(v[k]);
}

/* to[k] = the sum of the numbers of v[k] */
INLINE void sum_few(const few *v, int count, real *to) {
    int k = 0;
    for (; k + 4 <= count; k += 4, v += 4) {
        const few a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5) +
                      __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
        const few b = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5) +
                      __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
        const few sums = __builtin_shufflevector(a, b, 0, 1, 4, 5) +
                         __builtin_shufflevector(a, b, 2, 3, 6, 7);
        memcpy(to + k, &sums, sizeof sums);
    }
    for (; k < count; k++, v++) to[k] = ((*v)[0] + (*v)[2]) + ((*v)[1] + (*v)[3]);
}

/* ---- A channel's mean and spread over its places, in each lane ---- */

/* Sums of x − p and (x − p)², where p is the lane's first value: nothing cancels even if a
 * channel lies far from zero. */
struct moments {
    vec pivot, sum, squares;
};

INLINE void add_moments(struct moments *total, const struct moments *row) {
    total->pivot = row->pivot;
    total->sum += row->sum;
    total->squares += row->squares;
}

/* Over all places and lanes alive: the mean, and the sum of squares around it. */
INLINE void merge_lanes(const struct moments *m, real places, int lanes, real *mean, real *around) {
    double middle = 0, total = 0;
    for (int l = 0; l < lanes; l++) middle += (double)m->pivot[l] + (double)m->sum[l] / places;
    middle /= lanes;
    for (int l = 0; l < lanes; l++) {
        const double own = (double)m->pivot[l] + (double)m->sum[l] / places;
        total += (double)m->squares[l] - (double)m->sum[l] * m->sum[l] / places;
        total += places * (own - middle) * (own - middle);
    }
    *mean = (real)middle;
    *around = (real)(total > 0 ? total : 0);
}
