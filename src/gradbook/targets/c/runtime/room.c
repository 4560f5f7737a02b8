/* Memory that begins at a multiple of some power of two, by what the system has for that, and how
 * much of it an image takes. */

#include <stdlib.h>
#if defined(_WIN32)
#include <malloc.h>
#define aligned_room(alignment, size) _aligned_malloc(size, alignment)
#define give_back(room) _aligned_free(room)
#else
#define aligned_room(alignment, size) aligned_alloc(alignment, size)
#define give_back(room) free(room)
#endif

/* Bytes in which any warp draws an image of this size: `furnish` in warp.c needs no more. */
#define ROOM_TO_WARP(height, width) (1024 + 17 * ((size_t)(height) + 8) * ((size_t)(width) + 24))
