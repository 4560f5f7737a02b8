
/* ======== Steps by themselves: what an engine on another system makes of the same start ======== */

#include <stdio.h>

#define MOST 64 /* steps */

struct engine *engine_open(int threads);
int64_t engine_run(struct engine *e, struct job *job, int what);
real *engine_array(struct engine *e, int number);
void engine_close(struct engine *e);

static void *read_from(const char *name, size_t size, void *room) {
    FILE *file = fopen(name, "rb");
    if (!room || !file || fread(room, 1, size, file) != size) {
        fprintf(stderr, "can't read %u bytes of %s\n", (unsigned)size, name);
        exit(2);
    }
    fclose(file);
    return room;
}

/* driver THREADS IMAGES PIXELS BATCH EPOCHS NUMBERS: trains from the file `start` on `pixels` and
 * `labels`, and writes what it carries, the given count of numbers, to `end`. */
int main(int count, char **words) {
    if (count != 7) return 3;
    const int images = atoi(words[2]), batch = atoi(words[4]), numbers = atoi(words[6]);
    const size_t pixels = (size_t)images * atoi(words[3]), labels = (size_t)images * 4;
    double rates[MOST], losses[MOST];
    int32_t right[MOST];
    real scale[16], shift[16];
    for (int k = 0; k < MOST; k++) rates[k] = 0.0625;
    for (int c = 0; c < 16; c++) scale[c] = (real)(1 / 128.0), shift[c] = -1;
    struct job job = {.images = images, .batch = batch, .scale = scale, .shift = shift,
                      .bytes = read_from("pixels", pixels, malloc(pixels)),
                      .labels = read_from("labels", labels, malloc(labels)),
                      .rates = rates, .losses = losses, .right = right};
    struct engine *e = engine_open(atoi(words[1]));
    if (!e) return 4;
    real *carried = engine_array(e, 0); /* the first of the arrays, which lie side by side */
    read_from("start", sizeof *carried * numbers, carried);
    int64_t steps = 0;
    for (; job.epoch < (uint64_t)atoi(words[5]); job.epoch++) steps += engine_run(e, &job, 0);
    FILE *end = fopen("end", "wb");
    if (!end || fwrite(carried, sizeof *carried, numbers, end) != (size_t)numbers) return 5;
    fclose(end);
    engine_close(e);
    printf("%d\n", (int)steps);
    return 0;
}
