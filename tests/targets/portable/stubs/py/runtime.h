/* As much of MicroPython as exported modules ask for, so that they compile strictly and can be
   called: an object is a small number, None, or points to an array, a text or a tuple. */
#pragma once
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

typedef struct object *mp_obj_t;
typedef uintptr_t mp_uint_t;
typedef double mp_float_t;

struct object {
    void *buf;
    size_t len;
    int typecode;
    long number;
    const char *text;
    mp_obj_t items[16];
};

typedef struct {
    void *buf;
    size_t len;
    int typecode;
} mp_buffer_info_t;

enum { MP_BUFFER_READ = 1, MP_BUFFER_WRITE = 2 };
#define MP_ERROR_TEXT(text) text
#define mp_const_none ((mp_obj_t)0)

extern jmp_buf refused;
extern const char *said;
struct object *new_object(void);

static inline void mp_raise_TypeError(const char *text)
{
    said = text;
    longjmp(refused, 1);
}
#define mp_raise_ValueError mp_raise_TypeError

static inline void mp_get_buffer_raise(mp_obj_t from, mp_buffer_info_t *found, mp_uint_t flags)
{
    (void)flags;
    found->buf = from->buf;
    found->len = from->len;
    found->typecode = from->typecode;
}

static inline mp_obj_t MP_OBJ_NEW_SMALL_INT(int number)
{
    mp_obj_t made = new_object();
    made->number = number;
    return made;
}

static inline long mp_obj_get_int(mp_obj_t from) { return from->number; }

static inline mp_obj_t mp_obj_new_float(mp_float_t number) { return MP_OBJ_NEW_SMALL_INT((int)(1000 * number)); }

static inline mp_obj_t mp_obj_new_str(const char *text, size_t len)
{
    mp_obj_t made = new_object();
    made->text = text;
    made->len = len;
    return made;
}

static inline mp_obj_t mp_obj_new_tuple(size_t len, mp_obj_t *items)
{
    mp_obj_t made = new_object();
    made->len = len;
    for (size_t k = 0; k < len; k++)
        made->items[k] = items[k];
    return made;
}

/* What a module's table holds: names, and functions of any kind. */
typedef struct {
    const char *name;
    const void *what;
} mp_rom_map_elem_t;
typedef struct {
    const void *base[1];
    const void *globals;
} mp_obj_module_t;
typedef struct mp_obj_dict mp_obj_dict_t;
extern const int mp_type_module;
#define MP_ROM_QSTR(name) #name
#define MP_ROM_PTR(what) what
#define MP_DEFINE_CONST_DICT(name, table) const mp_rom_map_elem_t *const name = table
#define MP_DEFINE_CONST_FUN_OBJ_0(name, call) mp_obj_t (*const name)(void) = call
#define MP_DEFINE_CONST_FUN_OBJ_1(name, call) mp_obj_t (*const name)(mp_obj_t) = call
#define MP_DEFINE_CONST_FUN_OBJ_2(name, call) mp_obj_t (*const name)(mp_obj_t, mp_obj_t) = call
#define MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(name, least, most, call) \
    mp_obj_t (*const name)(size_t, const mp_obj_t *) = call
#define MP_REGISTER_MODULE(name, module) extern const mp_obj_module_t module
