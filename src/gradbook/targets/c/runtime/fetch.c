/* What a call asks for, and how its images come into the lanes. */

/* Draws one image anew, for example turned a little, from `pixels` into `to`, in units of bytes,
 * and works in `memory`. */
typedef void warper(const void *how, uint64_t seed, uint64_t epoch, uint64_t image,
                    const uint8_t *pixels, float *to, void *memory);

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
    int32_t *right;         /* answers of each step */
    real *outputs;          /* [image][output], one value or map after the other */
    _Atomic int64_t done;   /* steps so far */
    _Atomic int32_t stop;   /* set from outside to stop after the current step */
};

INLINE int64_t image_number(const struct job *job, int64_t place) {
    return job->order ? job->order[place] : place;
}

/* to[channel] of flat numbers, LANES channels at once; the last of them may be some of those before. */
APART void fetch_flat(const struct job *job, int64_t first, int lanes, vec *to, const int channels) {
    const real *rows[LANES];
    for (int l = 0; l < LANES; l++) {
        const int64_t next = first + LANES + l;
        rows[l] = job->numbers + image_number(job, first + (l < lanes ? l : 0)) * channels;
        if (next < job->images) {
            const real *after = job->numbers + image_number(job, next) * channels;
            for (int c = 0; c < channels; c += 64 / sizeof(real)) __builtin_prefetch(after + c);
        }
    }
    for (int end = LANES; end < channels + LANES; end += LANES) {
        vec v[LANES];
        const int c = (end < channels ? end : channels) - LANES;
        for (int l = 0; l < LANES; l++)
            v[l] = l < lanes ? loaded(rows[l] + c) : (vec){0};
        turn(v);
        for (int k = 0; k < LANES; k++) to[c + k] = v[k] * job->scale[c + k] + job->shift[c + k];
    }
}

/* to[row][channel][column] from the images at `first` and after; lanes without one are 0.
 * `drawn` is room for LANES images, and behind them to draw one; without it none is drawn anew. */
APART void fetch_images(const struct job *job, int64_t first, int lanes, float *drawn, vec *to,
                         const int channels, const int height, const int width) {
    const long size = (long)channels * height * width;
    const int draws = drawn && job->warp;
    for (int l = 0; l < lanes && draws; l++) {
        const int64_t image = image_number(job, first + l);
        job->warp(job->how, job->seed, job->epoch, (uint64_t)image, job->bytes + image * size,
                  drawn + l * size, drawn + LANES * size);
    }
    if (!draws && !job->bytes && height * width == 1 && channels >= LANES) {
        fetch_flat(job, first, lanes, to, channels);
        return;
    }
    for (int c = 0; c < channels; c++)
        for (int h = 0; h < height; h++) {
            vec *row = to + ((long)h * channels + c) * width;
            const long start = ((long)c * height + h) * width;
            if (lanes < LANES) memset(row, 0, sizeof(vec) * width);
            for (int l = 0; l < lanes; l++) {
                const int64_t at = image_number(job, first + l) * size + start;
                if (draws)
                    for (int w = 0; w < width; w++) row[w][l] = (real)drawn[l * size + start + w];
                else if (job->bytes)
                    for (int w = 0; w < width; w++) row[w][l] = (real)job->bytes[at + w];
                else
                    for (int w = 0; w < width; w++) row[w][l] = job->numbers[at + w];
            }
            for (int w = 0; w < width; w++) row[w] = row[w] * job->scale[c] + job->shift[c];
        }
}

/* to[class]: 1 for the class of the image, or the targets as given; of sequences to[class][step],
 * where the targets of a step are given side by side. */
APART void fetch_targets(const struct job *job, int64_t first, int lanes, vec *to,
                         const int channels, const int height) {
    const int outputs = channels * height;
    memset(to, 0, sizeof(vec) * outputs);
    for (int l = 0; l < lanes; l++) {
        const int64_t image = image_number(job, first + l);
        if (job->labels) to[job->labels[image]][l] = 1;
        else
            for (int k = 0; k < outputs; k++)
                to[k % height * channels + k / height][l] = job->targets[image * outputs + k];
    }
}

/* How many lanes say what is wanted: their largest output is where their largest target is; a
 * single output, both from 1/2 up or both below. What is no number is never right. */
APART int right_answers(const vec *said, const vec *wanted, const int outputs, const int lanes) {
    const vec half = all((real)0.5);
    vec most = said[0], goal = wanted[0];
    mask same = ~((said[0] >= half) ^ (wanted[0] >= half)), numbers = said[0] == said[0];
    if (outputs > 1) same = half == half;
    for (int k = 1; k < outputs; k++) {
        const mask over = said[k] > most, beyond = wanted[k] > goal;
        most = choose(over, said[k], most);
        goal = choose(beyond, wanted[k], goal);
        same = (over & beyond) | (same & ~over & ~beyond);
        numbers &= said[k] == said[k];
    }
    int right = 0;
    for (int l = 0; l < lanes; l++) right += (same[l] & numbers[l]) != 0;
    return right;
}

/* What the images at `first` and after come to, as [channel][row][column]: of each image's `all`
 * outputs those from `before` on. */
APART void deliver(struct job *job, int64_t first, int lanes, const vec *from, const int channels,
                   const int height, const int width, const long before, const long all) {
    for (int l = 0; l < lanes; l++) {
        real *to = job->outputs + (first + l) * all + before;
        for (int c = 0; c < channels; c++)
            for (int h = 0; h < height; h++)
                for (int w = 0; w < width; w++)
                    *to++ = from[((long)h * channels + c) * width + w][l];
    }
}

/* ---- Dropout: the numbers of chance.c, a key in each lane ---- */

/* Four decisions in each lane from one number: bit l of kept[p] is set where piece p of lane l's
 * number is large enough. */
INLINE void draw_four(const uint64_t *keys, uint64_t step, uint16_t dropped_below, bits *kept) {
#if defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__BMI2__) && LANES == 16
    typedef uint64_t words __attribute__((vector_size(64)));
    uint64_t large = 0;
    UNROLL for (int half = 0; half < 2; half++) {
        words z;
        memcpy(&z, keys + 8 * half, sizeof z);
        z += step;
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9); /* `mixed`, eight at once */
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        z = z ^ (z >> 31);
        const __mmask32 own =
            _mm512_cmpge_epu16_mask((__m512i)z, _mm512_set1_epi16((short)dropped_below));
        large |= (uint64_t)own << (32 * half);
    }
    UNROLL for (int p = 0; p < 4; p++)
        kept[p] = (bits)_pext_u64(large, UINT64_C(0x1111111111111111) << p);
#else
    /* A lane's four pieces are compared at once: all of their bits but the highest, then those. */
    const uint64_t each = UINT64_C(0x0001000100010001), high = each << 15;
    const uint64_t below = each * dropped_below;
    uint64_t large = 0; /* piece by piece, a bit for each lane */
    for (int l = 0; l < LANES; l++) {
        const uint64_t z = mixed(keys[l] + step), rest = (z | high) - (below & ~high);
        large |= (((z & ~below) | (~(z ^ below) & rest)) & high) >> (15 - l);
    }
    UNROLL for (int p = 0; p < 4; p++) kept[p] = (bits)(large >> (16 * p));
#endif
}

/* to[row][channel][column]: the lanes that keep their value. They are drawn by [channel][row]
 * into `kept`, which has room for three more. */
APART void draw_mask(const struct job *job, int64_t first, int lanes, bits *kept, bits *to,
                     uint64_t layer, uint16_t dropped_below, const int channels, const int height,
                     const int width) {
    const int size = channels * height * width;
    uint64_t keys[LANES] = {0};
    for (int l = 0; l < lanes; l++) {
        uint64_t key = key_of(key_of(0, job->seed), PURPOSE_DROPOUT);
        key = key_of(key_of(key, job->epoch), (uint64_t)image_number(job, first + l));
        keys[l] = key_of(key, layer);
    }
    for (int k = 0; k < size; k += 4)
        draw_four(keys, (uint64_t)(k / 4 + 1) * STRIDE, dropped_below, kept + k);
    for (int c = 0; c < channels; c++)
        for (int h = 0; h < height; h++)
            memcpy(to + ((long)h * channels + c) * width, kept + ((long)c * height + h) * width,
                   sizeof *to * width);
}
