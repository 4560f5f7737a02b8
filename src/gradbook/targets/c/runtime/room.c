/* Memory that begins at a multiple of some power of two, by what the system has for that. */

#include <stdlib.h>
#if defined(_WIN32)
#include <malloc.h>
#define aligned_room(alignment, size) _aligned_malloc(size, alignment)
#define give_back(room) _aligned_free(room)
#else
#define aligned_room(alignment, size) aligned_alloc(alignment, size)
#define give_back(room) free(room)
#endif
