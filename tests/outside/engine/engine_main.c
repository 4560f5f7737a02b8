
/* ======== A few steps by themselves, for the sanitizers ======== */

#include <stdio.h>

#define IMAGES (TILES * LANES * 2 + 3)

int main(int count, char **words) {
    const int size = atoi(words[1]), outputs = atoi(words[2]), threads = atoi(words[3]);
    uint8_t *bytes = malloc((size_t)IMAGES * size);
    real *targets = malloc(sizeof(real) * IMAGES * outputs);
    real *said = malloc(sizeof(real) * IMAGES * outputs);
    double rates[IMAGES], losses[IMAGES];
    real scale[16], shift[16];
    if (count < 4 || !bytes || !targets || !said) return 2;
    for (int k = 0; k < IMAGES * size; k++) bytes[k] = (uint8_t)(k * 37 + k / 11);
    for (int k = 0; k < IMAGES * outputs; k++) targets[k] = (real)(k % outputs == k / 3 % outputs);
    for (int k = 0; k < IMAGES; k++) rates[k] = 0.01;
    for (int c = 0; c < 16; c++) scale[c] = (real)(1 / 128.0), shift[c] = -1;
    struct engine *e = engine_open(threads);
    if (!e) return 3;
    for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++) *engine_array(e, (int)k) = 1;
    struct job job = {.images = IMAGES, .batch = TILES * LANES, .bytes = bytes,
                      .targets = targets, .scale = scale, .shift = shift, .rates = rates,
                      .losses = losses, .outputs = said};
    const int64_t steps = engine_run(e, &job, TRAIN) + engine_run(e, &job, PREDICT);
    engine_close(e);
    free(bytes), free(targets), free(said);
    printf("%d\n", (int)steps);
    return steps != 6;
}
