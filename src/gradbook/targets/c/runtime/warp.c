/* Images drawn anew: mirrored, turned, moved, made larger, slanted, bent, with a part cut out. Says the same as
 * data/warp.py, whose docstring says what it means; the numbers come from chance.c.
 *
 * A pixel of the new image shows some place of the old one, between four of its pixels:
 *
 *   1. One 2×3 matrix, composed once for the image, takes a pixel to its place: however many
 *      kinds of warp there are, each pixel is looked up once.
 *   2. Bending adds a smooth field to the places. It is two small products of matrices:
 *      [rows × points down] · [points down × points across] · [points across × columns],
 *      the outer two known beforehand, the inner one drawn. Each row needs only four points.
 *   3. The four pixels around a place are four bytes of one word, prepared for every place of
 *      the image, so that a place costs one lookup (a gather of 16 at once on AVX-512).
 *
 * An image depends on nothing but itself and its key, so threads may share them out at will. */

#include <math.h>
#include <string.h>

#define AT_ONCE 16 /* numbers: rows of `across` are padded to a multiple of it */
#define PADDED(count) (((count) + AT_ONCE - 1) / AT_ONCE * AT_ONCE)

/* What was asked for, with all that is the same for every image. */
struct warp {
    int32_t channels, height, width;
    int32_t background;             /* a byte: all that lies outside the image */
    double rotate, shear;           /* radians at most, either way */
    double shift;                   /* pixels at most, either way */
    double smallest, largest;       /* factors to scale by */
    double crop_chance;
    double crop_height, crop_width; /* shares of the image's */
    double bend;                    /* pixels at most, either way; 0: no bending */
    double flip_chance, cut_chance;
    int32_t spacing;                /* pixels from one point to the next */
    int32_t points_down, points_across;
    int32_t cut;                    /* pixels: the side of the square that is cut out */
    const float *down;              /* [row][4]: what the four points around it count */
    const float *across;            /* [point][PADDED(width)]: what each point counts */
    const float *rows, *columns;    /* [row][column]: how far each pixel is from the middle */
};

/* Which number of an image's key decides what. */
enum { ANGLE, SHIFT_ALONG, SHIFT_DOWN, SCALE, SHEAR, CROP, FLIP, CUT, BEND };

/* Where the pixel r rows and c columns from the middle looks, from there: x = x0 + xc·c + xr·r,
 * likewise y. */
struct map {
    float x0, xc, xr, y0, yc, yr;
};

/* Where a call works: parts of one piece of memory. */
struct workspace {
    uint8_t *bytes;          /* [height + 3][width + 2], with background all around the image */
    uint32_t *corners;       /* [height + 2][width + 2]: a place's four pixels */
    float *along, *downward; /* [height·width, padded]: by how much places are moved */
    float *points;           /* [2][points down][points across] */
    float *stretched;        /* [points down][PADDED(width)] */
};

static double fraction(uint64_t key, int number) {
    return (double)(mixed(key + (uint64_t)(number + 1) * STRIDE) >> 11) * 0x1p-53;
}
static double either_way(uint64_t key, int number, double most) {
    return most * (2 * fraction(key, number) - 1);
}

static struct map draw_map(const struct warp *how, uint64_t key) {
    const double angle = either_way(key, ANGLE, how->rotate);
    const double along = either_way(key, SHIFT_ALONG, how->shift);
    const double down = either_way(key, SHIFT_DOWN, how->shift);
    const double scale = how->smallest + (how->largest - how->smallest) * fraction(key, SCALE);
    const double slant = tan(either_way(key, SHEAR, how->shear));
    const int cropped = fraction(key, CROP) < how->crop_chance;
    const double mirror = fraction(key, FLIP) < how->flip_chance ? -1 : 1;
    const double x_share = mirror * (cropped ? how->crop_width : 1) / scale;
    const double y_share = (cropped ? how->crop_height : 1) / scale;
    /* back through the shift, the rotation, the slant and the scale */
    const double c = cos(angle), s = sin(angle);
    const double xc = x_share * (c + slant * s), xr = x_share * (slant * c - s);
    const double yc = y_share * s, yr = y_share * c;
    return (struct map){(float)(-xc * along - xr * down), (float)xc, (float)xr,
                        (float)(-yc * along - yr * down), (float)yc, (float)yr};
}

/* to[row][column]: how far places are moved, from points[down][across]. */
static void bend(const struct warp *how, const float *points, float *restrict stretched,
                 float *restrict to) {
    const int width = how->width, padded = PADDED(width), across = how->points_across;
    memset(stretched, 0, sizeof(float) * (size_t)(how->points_down * padded));
    for (int p = 0; p < how->points_down; p++)
        for (int q = 0; q < across; q++) {
            const float moved = points[p * across + q], *restrict counts = how->across + q * padded;
            float *restrict sum = stretched + p * padded;
            for (int c = 0; c < padded; c++) sum[c] += moved * counts[c];
        }
    /* a row writes beyond its end, and the next one over that */
    for (int r = 0; r < how->height; r++) {
        const float *restrict four = stretched + r / how->spacing * padded;
        const float *restrict counts = how->down + 4 * r;
        float *restrict row = to + r * width;
        for (int c = 0; c < padded; c++)
            row[c] = counts[0] * four[c] + counts[1] * four[padded + c] +
                     counts[2] * four[2 * padded + c] + counts[3] * four[3 * padded + c];
    }
}

static void draw_bend(const struct warp *how, uint64_t key, const struct workspace *room) {
    const int points = how->points_down * how->points_across;
    for (int k = 0; k < 2 * points; k++)
        room->points[k] = (float)either_way(key, BEND + k, how->bend);
    bend(how, room->points, room->stretched, room->along);
    bend(how, room->points + points, room->stretched, room->downward);
}

static void prepare(const struct warp *how, const uint8_t *pixels, const struct workspace *room) {
    const int height = how->height, width = how->width, stride = width + 2;
    memset(room->bytes, how->background, (size_t)(height + 3) * stride);
    for (int r = 0; r < height; r++)
        memcpy(room->bytes + (r + 1) * stride + 1, pixels + r * width, (size_t)width);
    const uint8_t *restrict bytes = room->bytes;
    uint32_t *restrict corners = room->corners;
    for (int k = 0; k < (height + 2) * stride; k++)
        corners[k] = (uint32_t)bytes[k] | (uint32_t)bytes[k + 1] << 8 |
                     (uint32_t)bytes[k + stride] << 16 | (uint32_t)bytes[k + stride + 1] << 24;
}

static inline float within(float x, float most) {
    x = x > -most ? x : -most;
    return x < most ? x : most;
}

static inline __attribute__((always_inline)) void look_up(
    const struct warp *how, struct map map, const struct workspace *room, const int bent,
    float *restrict to) {
    const uint32_t *restrict corners = room->corners;
    const float *restrict rows = how->rows, *restrict columns = how->columns;
    const float *restrict along = room->along, *restrict downward = room->downward;
    const float right = (float)(how->width + 1) / 2, bottom = (float)(how->height + 1) / 2;
    const int stride = how->width + 2, size = how->height * how->width;
    for (int k = 0; k < size; k++) {
        float x = map.x0 + map.xr * rows[k] + map.xc * columns[k];
        float y = map.y0 + map.yr * rows[k] + map.yc * columns[k];
        x = within(bent ? x + along[k] : x, right);
        y = within(bent ? y + downward[k] : y, bottom);
        /* places count from the middle, where a float is finest; pixels from the frame's corner */
        const int left = (int)(x + right), above = (int)(y + bottom);
        const float u = x - ((float)left - right), v = y - ((float)above - bottom);
        const int four = (int)corners[above * stride + left];
        const float a = (float)(four & 255), b = (float)(four >> 8 & 255);
        const float c = (float)(four >> 16 & 255), d = (float)(four >> 24 & 255);
        const float upper = a + u * (b - a), lower = c + u * (d - c);
        to[k] = upper + v * (lower - upper);
    }
}

/* Fills a square somewhere in all channels with background, if that is drawn. */
static void cut_out(const struct warp *how, uint64_t key, float *to) {
    const double drawn = fraction(key, CUT);
    if (drawn >= how->cut_chance) return;
    const int width = how->width, size = how->height * width;
    const int place = (int)(drawn / how->cut_chance * size);
    const int top = place / width - how->cut / 2, left = place % width - how->cut / 2;
    for (int c = 0; c < how->channels; c++)
        for (int r = top < 0 ? 0 : top; r < top + how->cut && r < how->height; r++)
            for (int k = left < 0 ? 0 : left; k < left + how->cut && k < width; k++)
                to[c * size + r * width + k] = (float)how->background;
}

/* Lays the parts out from the first multiple of 64 on; how many bytes they take. */
static size_t furnish(const struct warp *how, char *memory, struct workspace *room) {
    const size_t height = (size_t)how->height, width = (size_t)how->width;
    const size_t points = (size_t)how->points_down * (size_t)how->points_across;
    const size_t places = how->bend > 0 ? height * width + AT_ONCE : 0;
    const size_t sizes[] = {
        (height + 3) * (width + 2) + 1,
        sizeof(uint32_t) * (height + 2) * (width + 2),
        sizeof(float) * places,
        sizeof(float) * places,
        sizeof(float) * 2 * points,
        sizeof(float) * (size_t)how->points_down * PADDED(width),
    };
    char *parts[6], *end = memory + (64 - (uintptr_t)memory % 64) % 64;
    for (int k = 0; k < 6; k++) {
        parts[k] = end;
        end += (sizes[k] + 63) / 64 * 64;
    }
    *room = (struct workspace){(uint8_t *)parts[0], (uint32_t *)parts[1], (float *)parts[2],
                               (float *)parts[3], (float *)parts[4], (float *)parts[5]};
    return (size_t)(end - memory);
}

/* One image, from pixels[channel][row][column] to the same in units of bytes; `memory` has
 * ROOM_TO_WARP bytes. */
void warp_image(const void *asked, uint64_t seed, uint64_t epoch, uint64_t image,
                const uint8_t *pixels, float *to, void *memory) {
    const struct warp *how = asked;
    const uint64_t key = key_of(key_of(key_of(key_of(0, seed), PURPOSE_WARP), epoch), image);
    const struct map map = draw_map(how, key);
    const int size = how->height * how->width;
    struct workspace room;
    furnish(how, memory, &room);
    if (how->bend > 0) draw_bend(how, key, &room);
    for (int c = 0; c < how->channels; c++) {
        prepare(how, pixels + c * size, &room);
        if (how->bend > 0) look_up(how, map, &room, 1, to + c * size);
        else look_up(how, map, &room, 0, to + c * size);
    }
    cut_out(how, key, to);
}

size_t room_to_warp(int height, int width) { return ROOM_TO_WARP(height, width); }

/* to[place][channel][row][column] = scale[channel]·warped + shift[channel], for the images
 * order[place] of bytes[image][channel][row][column]. */
void warp_images(const struct warp *how, uint64_t seed, uint64_t epoch, const int64_t *order,
                 int64_t count, const uint8_t *bytes, const float *scale, const float *shift,
                 float *to, void *memory) {
    const int size = how->height * how->width;
    for (int64_t place = 0; place < count; place++) {
        const int64_t image = order[place];
        float *made = to + place * how->channels * size;
        warp_image(how, seed, epoch, (uint64_t)image, bytes + image * how->channels * size, made,
                   memory);
        for (int c = 0; c < how->channels; c++)
            for (int k = 0; k < size; k++)
                made[c * size + k] = scale[c] * made[c * size + k] + shift[c];
    }
}
