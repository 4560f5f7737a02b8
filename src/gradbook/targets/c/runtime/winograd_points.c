/* Winograd's convolution with 3×3 windows: m×m results from (m+2)² products instead of 9·m².
 *
 * After Lavin and Gray, "Fast algorithms for convolutional neural networks" (2015). A patch of
 * the input is carried over to the values of a polynomial at n = m + 2 points, multiplied there
 * and carried back. For m = 4 the points are 0, ±¾, ±1½ and ∞ rather than the usual 0, ±1, ±2:
 * half the rounding error for the same work. For m = 3 they are 0, ±1, 2, ∞.
 *
 * In one dimension: y = Aᵀ[(G w) ⊙ (Bᵀ x)], and since that is linear in each, the gradient of the
 * weights is Gᵀ[(A d) ⊙ (Bᵀ x)] with the same three matrices. */

#define POINT_A ((real)0.75)
#define POINT_B ((real)1.5)
#define AA (POINT_A * POINT_A)
#define BB (POINT_B * POINT_B)

/* Bᵀ x: n values from n */
INLINE void winograd_to_points(const int m, const vec *x, const long step, vec *to) {
    if (m == 4) {
        const vec x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step], x4 = x[4 * step],
                  x5 = x[5 * step];
        const vec even_a = x4 - BB * x2, odd_a = POINT_A * x3 - POINT_A * BB * x1;
        const vec even_b = x4 - AA * x2, odd_b = POINT_B * x3 - POINT_B * AA * x1;
        to[0] = AA * BB * x0 - (AA + BB) * x2 + x4;
        to[1] = even_a + odd_a;
        to[2] = even_a - odd_a;
        to[3] = even_b + odd_b;
        to[4] = even_b - odd_b;
        to[5] = AA * BB * x1 - (AA + BB) * x3 + x5;
    } else {
        const vec x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step], x4 = x[4 * step];
        const vec high = x3 - x1;
        to[0] = 2 * (x0 - x2) + high;
        to[1] = x3 - x2 - 2 * x1;
        to[2] = x3 - 3 * x2 + 2 * x1;
        to[3] = high;
        to[4] = x4 - x2 - 2 * high;
    }
}

/* Aᵀ p: m values from n */
INLINE void winograd_from_points(const int m, const vec *p, const long step, vec *to) {
    if (m == 4) {
        const vec p1 = p[step], p2 = p[2 * step], p3 = p[3 * step], p4 = p[4 * step];
        const vec sum_a = p1 + p2, sum_b = p3 + p4;
        const vec gap_a = POINT_A * (p1 - p2), gap_b = POINT_B * (p3 - p4);
        to[0] = p[0] + sum_a + sum_b;
        to[1] = gap_a + gap_b;
        to[2] = AA * sum_a + BB * sum_b;
        to[3] = AA * gap_a + BB * gap_b + p[5 * step];
    } else {
        const vec p1 = p[step], p2 = p[2 * step], p3 = p[3 * step];
        const vec sum = p1 + p2;
        to[0] = p[0] + sum + p3;
        to[1] = p1 - p2 + 2 * p3;
        to[2] = sum + 4 * p3 + p[4 * step];
    }
}

/* B p: what values at the n points give to the n values of a patch */
INLINE void winograd_to_patch(const int m, const vec *p, const long step, vec *to) {
    const vec p0 = p[0], p1 = p[step], p2 = p[2 * step], p3 = p[3 * step], p4 = p[4 * step];
    if (m == 4) {
        const vec p5 = p[5 * step];
        const vec sum_a = p1 + p2, sum_b = p3 + p4, gap_a = p1 - p2, gap_b = p3 - p4;
        to[0] = AA * BB * p0;
        to[1] = AA * BB * p5 - POINT_A * BB * gap_a - POINT_B * AA * gap_b;
        to[2] = -(AA + BB) * p0 - BB * sum_a - AA * sum_b;
        to[3] = POINT_A * gap_a + POINT_B * gap_b - (AA + BB) * p5;
        to[4] = p0 + sum_a + sum_b;
        to[5] = p5;
    } else {
        to[0] = 2 * p0;
        to[1] = 2 * (p2 - p1 + p4) - p0 - p3;
        to[2] = -2 * p0 - p1 - 3 * p2 - p4;
        to[3] = p0 + p1 + p2 + p3 - 2 * p4;
        to[4] = p4;
    }
}

/* A d: n values from m */
INLINE void winograd_slopes_to_points(const int m, const vec *d, const long step, vec *to) {
    if (m == 4) {
        const vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
        const vec even_a = d0 + AA * d2, odd_a = POINT_A * d1 + POINT_A * AA * d3;
        const vec even_b = d0 + BB * d2, odd_b = POINT_B * d1 + POINT_B * BB * d3;
        to[0] = d0;
        to[1] = even_a + odd_a;
        to[2] = even_a - odd_a;
        to[3] = even_b + odd_b;
        to[4] = even_b - odd_b;
        to[5] = d3;
    } else {
        const vec d0 = d[0], d1 = d[step], d2 = d[2 * step];
        const vec ends = d0 + d2;
        to[0] = d0;
        to[1] = ends + d1;
        to[2] = ends - d1;
        to[3] = d0 + 2 * d1 + 4 * d2;
        to[4] = d2;
    }
}

/* The rows of G */
#define WINOGRAD_G4                                                               \
    {{1 / (AA * BB), 0, 0},                                                       \
     {1 / (2 * AA * (AA - BB)), POINT_A / (2 * AA * (AA - BB)), 1 / (2 * (AA - BB))},  \
     {1 / (2 * AA * (AA - BB)), -POINT_A / (2 * AA * (AA - BB)), 1 / (2 * (AA - BB))}, \
     {1 / (2 * BB * (BB - AA)), POINT_B / (2 * BB * (BB - AA)), 1 / (2 * (BB - AA))},  \
     {1 / (2 * BB * (BB - AA)), -POINT_B / (2 * BB * (BB - AA)), 1 / (2 * (BB - AA))}, \
     {0, 0, 1}}
#define WINOGRAD_G3                                   \
    {{(real)1 / 2, 0, 0},                             \
     {-(real)1 / 2, -(real)1 / 2, -(real)1 / 2},      \
     {-(real)1 / 6, (real)1 / 6, -(real)1 / 6},       \
     {(real)1 / 6, (real)1 / 3, (real)2 / 3},         \
     {0, 0, 1}}
static const real winograd_g4[6][3] = WINOGRAD_G4;
static const real winograd_g3[6][3] = WINOGRAD_G3;
