/* Steps of sequences taken out and put side by side, and attention between them. A sequence has a
 * row of steps for each of its features. */

/* Rows of (steps, features) as one row of steps for each feature. Scratch: a row of steps. */
INLINE void by_feature(struct place *at, row_reader *read, row_finisher *finish, const int steps,
                       const int features) {
    vec *row = at->scratch, *one = row + steps;
    for (int c = 0; c < features; c++) {
        for (int w = 0; w < steps; w++) row[w] = read(at, c, w, one)[0];
        finish(at, 0, c, row);
    }
}

/* Rows of steps, one for each feature, as (steps, features). Scratch: a row of steps. */
INLINE void by_step(struct place *at, row_reader *read, row_finisher *finish, const int steps,
                    const int features) {
    for (int c = 0; c < steps; c++)
        for (int h = 0; h < features; h++) finish(at, h, c, read(at, 0, h, at->scratch) + c);
}

/* The features at one step. Scratch: a row of steps. */
INLINE void take_step(struct place *at, row_reader *read, row_finisher *finish, const int step,
                      const int features) {
    for (int c = 0; c < features; c++) finish(at, 0, c, read(at, 0, c, at->scratch) + step);
}

/* A sequence that is 0 at every other step. Scratch: a row of steps, and one value. */
INLINE void only_step(struct place *at, row_reader *read, row_finisher *finish, const int step,
                      const int features, const int steps) {
    vec *row = at->scratch;
    for (int c = 0; c < features; c++) {
        memset(row, 0, sizeof(vec) * steps);
        row[step] = read(at, 0, c, row + steps)[0];
        finish(at, 0, c, row);
    }
}

/* Several steps side by side: each is put in its place in rows of steps, which are then handed on.
 * Scratch: a row of steps for each feature, and one value. */
INLINE void put_step(struct place *at, row_reader *read, const int step, const int features,
                     const int steps) {
    vec *rows = at->scratch, *one = rows + features * steps;
    for (int c = 0; c < features; c++) rows[c * steps + step] = read(at, 0, c, one)[0];
}

INLINE void finish_steps(struct place *at, row_finisher *finish, const int features,
                         const int steps) {
    for (int c = 0; c < features; c++) finish(at, 0, c, at->scratch + c * steps);
}

/* ---- Attention: each head has its own equal share of the features ---- */

/* How well each query fits each key: a row of keys for each query. Scratch: the rows of a head's
 * queries and of its keys, and a row. */
INLINE void scores(struct place *at, row_reader *read_query, row_reader *read_key,
                   row_finisher *finish, const int heads, const int features, const int steps) {
    vec *query = at->scratch, *key = query + features * steps, *row = key + features * steps;
    for (int c = 0; c < heads; c++) {
        for (int i = 0; i < features; i++) {
            read_into(at, read_query, 0, c * features + i, query + i * steps, steps);
            read_into(at, read_key, 0, c * features + i, key + i * steps, steps);
        }
        for (int h = 0; h < steps; h++) {
            for (int w = 0; w < steps; w++) row[w] = query[h] * key[w];
            for (int i = 1; i < features; i++)
                for (int w = 0; w < steps; w++) row[w] += query[i * steps + h] * key[i * steps + w];
            finish(at, h, c, row);
        }
    }
}

/* The values of all steps by the shares in each row, or where it goes `back` in each column.
 * Scratch: the rows of a head's shares, and two rows. */
INLINE void weigh(struct place *at, row_reader *read_share, row_reader *read_value,
                  row_finisher *finish, const int heads, const int features, const int steps,
                  const int back) {
    vec *share = at->scratch, *value = share + steps * steps, *row = value + steps;
    const int down = back ? 1 : steps, across = back ? steps : 1;
    for (int c = 0; c < heads; c++) {
        for (int h = 0; h < steps; h++)
            read_into(at, read_share, h, c, share + h * steps, steps);
        for (int i = 0; i < features; i++) {
            read_into(at, read_value, 0, c * features + i, value, steps);
            for (int h = 0; h < steps; h++) {
                row[h] = share[h * down] * value[0];
                for (int w = 1; w < steps; w++) row[h] += share[h * down + w * across] * value[w];
            }
            finish(at, 0, c * features + i, row);
        }
    }
}

/* The shares of each row by softmax, of which a causal query sees only as many as its number.
 * Scratch: two rows. */
INLINE void row_shares(struct place *at, row_reader *read, row_finisher *finish, const int heads,
                       const int steps, const int causal) {
    vec *x = at->scratch, *row = x + steps;
    for (int c = 0; c < heads; c++)
        for (int h = 0; h < steps; h++) {
            const vec *given = read(at, h, c, x);
            const int seen = causal ? h + 1 : steps;
            vec top = given[0], sum = {0};
            for (int w = 1; w < seen; w++) top = largest(top, given[w]);
            for (int w = 0; w < seen; w++) sum += row[w] = exponential(given[w] - top);
            for (int w = 0; w < seen; w++) row[w] /= sum;
            for (int w = seen; w < steps; w++) row[w] = (vec){0};
            finish(at, h, c, row);
        }
}

/* What the shares are given goes back to what they are made of. Scratch: three rows. */
INLINE void row_shares_back(struct place *at, row_reader *read_given, row_reader *read_share,
                            row_finisher *finish, const int heads, const int steps) {
    vec *row = at->scratch, *given_room = row + steps, *share_room = given_room + steps;
    for (int c = 0; c < heads; c++)
        for (int h = 0; h < steps; h++) {
            const vec *given = read_given(at, h, c, given_room);
            const vec *share = read_share(at, h, c, share_room);
            vec mean = {0};
            for (int w = 0; w < steps; w++) mean += given[w] * share[w];
            for (int w = 0; w < steps; w++) row[w] = share[w] * (given[w] - mean);
            finish(at, h, c, row);
        }
}
