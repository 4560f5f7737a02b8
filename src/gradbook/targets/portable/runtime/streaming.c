/* Begin a sequence. */
void NAME_reset(struct NAME_state *state)
{
    for (int k = 0; k < ARENA; k++)
        state->rows[k] = 0;
    now = state;
    for (int k = 0; k < MAKERS; k++)
        made[k] = 0;
}

/* Make the next row of every map with a row per step. */
static void take_step(struct NAME_state *state, const sample *given)
{
    now = state;
    for (int k = 0; k < AFTER; k++) {
        if (made[k] == 2 * PERIOD) /* earlier rows aren't read any more */
            made[k] = (uint16_t)(made[k] - PERIOD);
        make_row(k, given);
    }
}

/* Compute the outputs from the latest rows. */
static void make_answers(const sample *given)
{
    for (int k = AFTER; k < MAKERS; k++) {
        made[k] = 0;
        make_row(k, given);
    }
}

static void make_all(const sample *given) //: after
{ //: after
    static struct NAME_state whole; //: after
    NAME_reset(&whole); //: after
    for (int k = 0; k < STEPS; k++) //: after
        take_step(&whole, given + k * FEATURES); //: after
    make_answers(given); //: after
} //: after
