/* What a call asks for, and how its images come into the lanes. */

/* Draws one image anew, for example turned a little, from `pixels` into `to`, in units of bytes. */
typedef void warper(const void *how, uint64_t seed, uint64_t epoch, uint64_t image,
                    const uint8_t *pixels, float *to);

struct job {
    int64_t images;         /* how many to go through */
    int64_t batch;          /* how many make a step; the last may have fewer */
    const uint8_t *bytes;   /* [image][channel][row][column], or else */
    const real *numbers;    /* the same as numbers */
    const int32_t *labels;  /* a class for each image, or else */
    const real *targets;    /* [image][output] */
    const int64_t *order;   /* the images' numbers in the order to take them, or none: as they lie */
    const real *scale;      /* for each channel: a byte or number x becomes scale·x + shift */
    const real *shift;
    const double *rates;    /* of each step */
    uint64_t seed, epoch;   /* of dropout and of warping */
    warper *warp;           /* or none */
    const void *how;
    double *losses;         /* of each step */
    real *outputs;          /* [image][output] */
    _Atomic int64_t done;   /* steps so far */
    _Atomic int32_t stop;   /* set from outside to stop after the current step */
};

INLINE int64_t image_number(const struct job *job, int64_t place) {
    return job->order ? job->order[place] : place;
}

/* to[row][channel][column] from the images at `first` and after; lanes without one are 0. */
INLINE void fetch_images(const struct job *job, int64_t first, int lanes, vec *to,
                         const int channels, const int height, const int width) {
    const int size = channels * height * width;
    float drawn[LANES][size];
    for (int l = 0; l < lanes && job->warp; l++) {
        const int64_t image = image_number(job, first + l);
        job->warp(job->how, job->seed, job->epoch, (uint64_t)image, job->bytes + image * size,
                  drawn[l]);
    }
    for (int c = 0; c < channels; c++)
        for (int h = 0; h < height; h++) {
            vec *row = to + ((long)h * channels + c) * width;
            const long start = ((long)c * height + h) * width;
            if (lanes < LANES) memset(row, 0, sizeof(vec) * width);
            for (int l = 0; l < lanes; l++) {
                const int64_t at = image_number(job, first + l) * size + start;
                if (job->warp)
                    for (int w = 0; w < width; w++) row[w][l] = (real)drawn[l][start + w];
                else if (job->bytes)
                    for (int w = 0; w < width; w++) row[w][l] = (real)job->bytes[at + w];
                else
                    for (int w = 0; w < width; w++) row[w][l] = job->numbers[at + w];
            }
            for (int w = 0; w < width; w++) row[w] = row[w] * job->scale[c] + job->shift[c];
        }
}

/* to[class]: 1 for the class of the image, or the targets as given */
INLINE void fetch_targets(const struct job *job, int64_t first, int lanes, vec *to,
                          const int outputs) {
    memset(to, 0, sizeof(vec) * outputs);
    for (int l = 0; l < lanes; l++) {
        const int64_t image = image_number(job, first + l);
        if (job->labels) to[job->labels[image]][l] = 1;
        else
            for (int k = 0; k < outputs; k++) to[k][l] = job->targets[image * outputs + k];
    }
}

INLINE void deliver(struct job *job, int64_t first, int lanes, const vec *from, const int outputs) {
    for (int l = 0; l < lanes; l++)
        for (int k = 0; k < outputs; k++) job->outputs[(first + l) * outputs + k] = from[k][l];
}

/* ---- Dropout: the numbers of chance.c, a key in each lane ---- */

typedef uint64_t words __attribute__((vector_size(LANES * 8)));

INLINE words mixed_words(words z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* to[row][channel][column]: 1 in the lanes that keep their value, 0 where it is dropped. */
INLINE void draw_mask(const struct job *job, int64_t first, int lanes, bytes *to, uint64_t layer,
                      uint64_t dropped_below, const int channels, const int height,
                      const int width) {
    words keys = {0};
    for (int l = 0; l < lanes; l++) {
        uint64_t key = key_of(key_of(0, job->seed), PURPOSE_DROPOUT);
        key = key_of(key_of(key, job->epoch), (uint64_t)image_number(job, first + l));
        keys[l] = key_of(key, layer);
    }
    words drawn = {0};
    int k = 0;
    for (int c = 0; c < channels; c++)
        for (int h = 0; h < height; h++)
            for (int w = 0; w < width; w++, k++) {
                drawn = k % 4 ? drawn >> 16 : mixed_words(keys + (uint64_t)(k / 4 + 1) * STRIDE);
                const words kept = (words)((drawn & 0xFFFF) >= dropped_below) & 1;
                to[((long)h * channels + c) * width + w] = __builtin_convertvector(kept, bytes);
            }
}
