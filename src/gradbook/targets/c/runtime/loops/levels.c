/* Weights of few bits: each becomes the scale of its output channel times a whole number, in double
 * precision and in the order that `gradbook/graph/levels.py` has, so that both find the same.
 *
 * weights[groups][inputs][made][run]: a channel's lie in a run for each of its inputs. */
APART void level_weights(const real *weights, real *levelled, const int groups, const int inputs,
                         const int made, const int run, const int step, const int highest,
                         const double of_mean) {
    for (int channel = 0; channel < groups * made; channel++) {
        const long first = ((long)(channel / made) * inputs * made + channel % made) * run;
        double scale = 0;
        for (int i = 0; i < inputs; i++)
            for (int k = 0; k < run; k++) {
                const double w = (double)weights[first + (long)i * made * run + k];
                const double size = w < 0 ? -w : w;
                if (of_mean > 0)
                    scale += size;
                else if (size > scale)
                    scale = size;
            }
        scale = of_mean > 0 ? scale * (of_mean / ((long)inputs * run)) : scale / highest;
        for (int i = 0; i < inputs; i++)
            for (int k = 0; k < run; k++) {
                const long at = first + (long)i * made * run + k;
                const double ratio = scale > 0 ? (double)weights[at] / scale : 0;
                double q = step == 1 ? __builtin_floor(ratio + 0.5) : 2 * __builtin_floor(ratio / 2) + 1;
                if (q < -highest) q = -highest;
                if (q > highest) q = highest;
                levelled[at] = (real)(scale * q);
            }
    }
}
