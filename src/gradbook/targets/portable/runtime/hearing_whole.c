//: heard
static int32_t across[FRAME / 2 + 1], down[FRAME / 2 + 1];

/* A number times share / 2^15, rounded down. */
static inline int32_t part_of(int32_t number, int16_t share)
{
#if defined(__AVR__) || defined(__ARM_ARCH_6M__) || (defined(__riscv) && !defined(__riscv_mul))
    const int32_t high = (int32_t)(int16_t)(number >> 15) * share;
    return high + ((int32_t)(int16_t)(number & 32767) * share >> 15);
#else
    return (int32_t)((int64_t)number * share >> 15);
#endif
}

/* The cosine and sine of an angle up to half a turn; a turn has FRAME parts. */
static int16_t cosine_of(int angle)
{
    return (int16_t)(angle > FRAME / 4 ? -READ(int16_t, quarter + FRAME / 2 - angle)
                                       : READ(int16_t, quarter + angle));
}

static int16_t sine_of(int angle)
{
    return READ(int16_t, quarter + (angle > FRAME / 4 ? angle - FRAME / 4 : FRAME / 4 - angle));
}

/* A sample of a frame, weighted by Hann's window. */
static int32_t weighed_sample(const sample *x, int n)
{
    const int16_t cosine = cosine_of(n > FRAME / 2 ? FRAME - n : n);
    return part_of(CENTRED(x[n]), (int16_t)((32768 - (int32_t)cosine) >> 1));
}

/* The Fourier transform of the even samples as real and the odd ones as imaginary parts. */
static void transform(const sample *x)
{
    for (int n = 0, at = 0; n < FRAME / 2; n++) {
        int bit = FRAME / 4;
        across[at] = weighed_sample(x, 2 * n);
        down[at] = weighed_sample(x, 2 * n + 1);
        while (bit && at & bit) { /* the next number, with its bits reversed */
            at ^= bit;
            bit /= 2;
        }
        at |= bit;
    }
    for (int size = 1; size < FRAME / 2; size *= 2)
        for (int k = 0; k < size; k++) {
            const int16_t cosine = cosine_of(k * (FRAME / 2 / size));
            const int16_t sine = sine_of(k * (FRAME / 2 / size));
            for (int one = k; one < FRAME / 2; one += 2 * size) {
                const int other = one + size;
                int32_t a = across[other], b = down[other];
                if (k) {
                    const int32_t turned = part_of(a, cosine) + part_of(b, sine);
                    b = part_of(b, cosine) - part_of(a, sine);
                    a = turned;
                }
                across[other] = across[one] - a;
                down[other] = down[one] - b;
                across[one] += a;
                down[one] += b;
            }
        }
}

/* Twice the transform of all samples. */
static void tell_apart(void)
{
    across[FRAME / 2] = across[0];
    down[FRAME / 2] = down[0];
    for (int near = 0, far = FRAME / 2; near <= far; near++, far--) {
        const int32_t even = across[near] + across[far], also = down[near] - down[far];
        int32_t a = down[near] + down[far], b = across[far] - across[near];
        if (near) {
            const int16_t cosine = cosine_of(near), sine = sine_of(near);
            const int32_t turned = part_of(a, cosine) + part_of(b, sine);
            b = part_of(b, cosine) - part_of(a, sine);
            a = turned;
        }
        across[far] = even - a;
        down[far] = b - also;
        across[near] = even + a;
        down[near] = also + b;
    }
}

/* The logarithm to base 2 of a number over 2^15, in units of 2^-10. */
static int32_t logarithm_of(uint64_t number)
{
    int32_t found = 0;
    uint32_t left;
    for (; number > 65535; number >>= 1)
        found += 1024;
    for (left = (uint32_t)number; left < 32768; left <<= 1)
        found -= 1024;
    for (int32_t bit = 512; bit > 0; bit >>= 1) {
        left = left * left >> 15;
        if (left > 65535) {
            left >>= 1;
            found += bit;
        }
    }
    return found;
}

/* The loudness of each band in a frame. */
static void heard(const struct maker *own, const struct view *seen, value *out)
{
    const uint16_t *share = taken;
    transform(seen->given + seen->row * own->stride);
    tell_apart();
    for (int c = 0; c < own->channels; c++) {
        const int first = READ(int16_t, firsts + c), count = READ(int16_t, counts + c);
        uint64_t sum = SILENCE;
        for (int k = first; k < first + count; k++, share++) {
            const int64_t a = across[k], b = down[k], power = a * a + b * b;
            const uint16_t part = READ(uint16_t, share);
            sum += (uint64_t)((power >> 15) * part + ((power & 32767) * part >> 15));
        }
        keep(own, out + c, c, logarithm_of(sum));
    }
}
