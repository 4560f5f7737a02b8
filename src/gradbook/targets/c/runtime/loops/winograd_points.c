/* Winograd's convolution with 3×3 windows: 4×4 results from 36 products instead of 144.
 *
 * After Lavin and Gray, "Fast algorithms for convolutional neural networks" (2015). A patch of
 * the input is carried over to the values of a polynomial at 6 points, multiplied there and
 * carried back. The points are 0, ±¾, ±1½ and ∞ rather than the usual 0, ±1, ±2: half the
 * rounding error for the same work.
 *
 * Where a side isn't a multiple of 4, some tiles have 3 rows or columns instead: m results need
 * m + 2 points, and those of 3 do without −1½. Their factors are such that the weights at the
 * points are the same for both.
 *
 * In one dimension: y = Aᵀ[(G w) ⊙ (Bᵀ x)], and since that is linear in each, the gradient of the
 * weights is Gᵀ[(A d) ⊙ (Bᵀ x)] with the same three matrices. */

#define POINTS 6
#define ONLY_4 4 /* the point that tiles of 3 do without */
#define HAS_POINT(m, k) ((m) == 4 || (k) != ONLY_4)

#define POINT_A ((real)0.75)
#define POINT_B ((real)1.5)
#define AA (POINT_A * POINT_A)
#define BB (POINT_B * POINT_B)
#define AB (POINT_A * POINT_B)

/* Bᵀ x: values at the points from m + 2 of a patch */
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
        const vec near = x3 - AA * x1;
        to[0] = POINT_B * near + AA * BB * x0 - BB * x2;
        to[1] = (POINT_A + POINT_B) * (x3 - AB * x1) + (AA - BB) * x2;
        to[2] = (POINT_B - POINT_A) * (x3 + AB * x1) + (AA - BB) * x2;
        to[3] = 2 * POINT_B * near;
        to[5] = x4 - AA * x2 - POINT_B * near;
    }
}

/* Aᵀ p: m values from those at the points */
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
        to[1] = POINT_A * (p1 - p2) + POINT_B * p3;
        to[2] = AA * sum + BB * p3 + p[5 * step];
    }
}

/* B p: what values at the points give to the m + 2 values of a patch */
INLINE void winograd_to_patch(const int m, const vec *p, const long step, vec *to) {
    const vec p0 = p[0], p1 = p[step], p2 = p[2 * step], p3 = p[3 * step], p5 = p[5 * step];
    if (m == 4) {
        const vec p4 = p[4 * step];
        const vec sum_a = p1 + p2, sum_b = p3 + p4, gap_a = p1 - p2, gap_b = p3 - p4;
        to[0] = AA * BB * p0;
        to[1] = AA * BB * p5 - POINT_A * BB * gap_a - POINT_B * AA * gap_b;
        to[2] = -(AA + BB) * p0 - BB * sum_a - AA * sum_b;
        to[3] = POINT_A * gap_a + POINT_B * gap_b - (AA + BB) * p5;
        to[4] = p0 + sum_a + sum_b;
        to[5] = p5;
    } else {
        const vec up = (POINT_A + POINT_B) * p1, down = (POINT_B - POINT_A) * p2;
        const vec near = POINT_B * (p0 + 2 * p3 - p5);
        to[0] = AA * BB * p0;
        to[1] = AB * (down - up) - AA * near;
        to[2] = (AA - BB) * (p1 + p2) - BB * p0 - AA * p5;
        to[3] = near + up + down;
        to[4] = p5;
    }
}

/* A d: values at the points from m */
INLINE void winograd_gradients_to_points(const int m, const vec *d, const long step, vec *to) {
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
        const vec even = d0 + AA * d2, odd = POINT_A * d1;
        to[0] = d0;
        to[1] = even + odd;
        to[2] = even - odd;
        to[3] = d0 + POINT_B * d1 + BB * d2;
        to[5] = d2;
    }
}

/* The rows of G */
static const real winograd_g[POINTS][3] = {
    {1 / (AA * BB), 0, 0},
    {1 / (2 * AA * (AA - BB)), POINT_A / (2 * AA * (AA - BB)), 1 / (2 * (AA - BB))},
    {1 / (2 * AA * (AA - BB)), -POINT_A / (2 * AA * (AA - BB)), 1 / (2 * (AA - BB))},
    {1 / (2 * BB * (BB - AA)), POINT_B / (2 * BB * (BB - AA)), 1 / (2 * (BB - AA))},
    {1 / (2 * BB * (BB - AA)), -POINT_B / (2 * BB * (BB - AA)), 1 / (2 * (BB - AA))},
    {0, 0, 1},
};
