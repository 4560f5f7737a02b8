static void value_by_value(const struct maker *own, const struct view *seen, value *out)
{
    for (int x = 0; x < own->columns; x++)
        for (int c = 0; c < own->channels; c++)
            keep(own, out++, c, worked(own, seen, x, c));
}
