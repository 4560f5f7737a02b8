/* How many multiply-adds a core does when nothing holds it up: independent sums in registers. */

#include <stdint.h>

typedef float vec __attribute__((vector_size(PEAK_LANES * 4)));

#define EACH(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9) do(10) do(11)
#define SUMS 12
#define START(k) vec sum##k = x * k;
#define ADD(k)                     \
    sum##k = sum##k * x + y;       \
    __asm__("" : "+" REGISTER(sum##k));
#define TOTAL(k) sum##k +

/* Returns something that depends on all of it; the caller counts rounds · SUMS · lanes. */
float peak(int64_t rounds) {
    vec x, y;
    for (int l = 0; l < PEAK_LANES; l++) x[l] = 0.5f, y[l] = 1e-3f;
    EACH(START)
    for (int64_t k = 0; k < rounds; k++) {
        EACH(ADD)
    }
    const vec all = EACH(TOTAL) x;
    return all[0];
}
