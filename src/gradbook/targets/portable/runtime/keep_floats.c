static float activated(int activation, float x)
{
ACTIVATIONS
}

/* Scale and shift a result, apply the activation, and store it. */
static void keep(const struct maker *own, value *out, int c, total sum)
{
    const int k = own->first + c;
    *out = activated(own->activation, sum * READ(float, scales + k) + READ(float, shifts + k));
}
