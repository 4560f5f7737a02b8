/* Numbers drawn by counting: see chance.py, which says the same. */

#define PURPOSE_DROPOUT 1
#define PURPOSE_WARP 2
#define PURPOSE_ORDER 3

#define STRIDE UINT64_C(0x9E3779B97F4A7C15)

static inline __attribute__((unused)) uint64_t mixed(uint64_t z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}
static inline __attribute__((unused)) uint64_t key_of(uint64_t key, uint64_t word) {
    return mixed(key + word + STRIDE);
}
