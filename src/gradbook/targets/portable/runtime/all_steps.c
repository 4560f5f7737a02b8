static void make_all(const sample *given)
{
    static struct NAME_state whole;
    NAME_reset(&whole);
    for (int k = 0; k < STEPS; k++)
        take_step(&whole, given + k * FEATURES);
    make_answers(given);
}
