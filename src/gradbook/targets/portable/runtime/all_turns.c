static void make_all(const sample *given)
{
    for (int k = 0; k < MAKERS; k++)
        made[k] = 0;
    for (int k = 0; k < TURNS; k++)
        make_row(READ(turn, turns + k), given);
}
