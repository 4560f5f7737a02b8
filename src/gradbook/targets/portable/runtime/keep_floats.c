static float activated(int activation, float x)
{
ACTIVATIONS
}

/* Store a result: scaled, shifted and put through the activation. */
static void keep(const struct maker *own, value *out, int c, total sum)
{
    const int k = own->first + c;
    *out = activated(own->activation, sum * READ(float, scales + k) + READ(float, shifts + k));
}
