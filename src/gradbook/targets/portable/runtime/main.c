/* Read a number of a picture's header, after spaces and comments; -1 if there is none. */
static int header_number(FILE *file)
{
    int number = -1, c = fgetc(file);
    while (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '#') {
        if (c == '#')
            while (c != '\n' && c != EOF)
                c = fgetc(file);
        c = fgetc(file);
    }
    for (; c >= '0' && c <= '9' && number < 100000; c = fgetc(file))
        number = (number < 0 ? 0 : number) * 10 + (c - '0');
    return number;
}

/* Read a binary PGM or PPM of the size of the network's images, plane by plane. */
static int read_picture(FILE *file, uint8_t *image)
{
    if (fgetc(file) != 'P' || fgetc(file) != (PLANES == 1 ? '5' : '6'))
        return 0;
    if (header_number(file) != COLUMNS || header_number(file) != ROWS || header_number(file) != 255)
        return 0;
    for (int place = 0; place < ROWS * COLUMNS; place++)
        for (int plane = 0; plane < PLANES; plane++) {
            const int c = fgetc(file);
            if (c == EOF)
                return 0;
            image[plane * ROWS * COLUMNS + place] = (uint8_t)c;
        }
    return 1;
}

/* PROGRAM [PICTURE]: print the network's answer; without a name, read standard input. */
int main(int count, char **words)
{
    static uint8_t image[PLANES * ROWS * COLUMNS];
    static answer each[OUTPUTS];
    FILE *file = count > 1 ? fopen(words[1], "rb") : stdin;
    if (file == NULL || !read_picture(file, image)) {
        fprintf(stderr, "%s: no P%c of %d by %d and 255 levels\n", count > 1 ? words[1] : "-",
                PLANES == 1 ? '5' : '6', COLUMNS, ROWS);
        return 2;
    }
    SAY(image, each);
    for (int k = 0; k < OUTPUTS; k++)
        printf("%-20s " SHOWN "\n", NAME(k), (shown)each[k]);
    return 0;
}
