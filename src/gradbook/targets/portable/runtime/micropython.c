//: buffers
#include <string.h>
#include "py/runtime.h"
#include "NAME.h"

typedef GIVEN_TYPE sample;
typedef RESULT_TYPE result;

enum { NUMBERS = GIVEN_COUNT, OUTPUTS = RESULT_COUNT };

/* An array's numbers; their type and count are checked. */
static void *numbers_of(mp_obj_t array, int kind, size_t size, mp_uint_t flags)
{
    mp_buffer_info_t found;
    mp_get_buffer_raise(array, &found, flags);
    if (kind != 'B' && found.typecode != kind)
        mp_raise_TypeError(MP_ERROR_TEXT("an array of another kind is needed"));
    if (found.len != size)
        mp_raise_ValueError(MP_ERROR_TEXT("the array has another length"));
    return found.buf;
}

//: predict_class
/* The number of the class; a second array gets the result for each class. */
static mp_obj_t predict(size_t count, const mp_obj_t *given)
{
    static result each[OUTPUTS];
    const sample *numbers =
        numbers_of(given[0], 'GIVEN_KIND', NUMBERS * sizeof(sample), MP_BUFFER_READ);
    result *out = count < 2 ? each
                            : numbers_of(given[1], 'RESULT_KIND', sizeof each, MP_BUFFER_WRITE);
    return MP_OBJ_NEW_SMALL_INT(NAME_predict(numbers, out));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(predict_object, 1, 2, predict);

//: predict_number
/* The predicted number. */
static mp_obj_t predict(mp_obj_t given)
{
    const sample *numbers =
        numbers_of(given, 'GIVEN_KIND', NUMBERS * sizeof(sample), MP_BUFFER_READ);
    return mp_obj_new_float((mp_float_t)NAME_predict(numbers));
}
static MP_DEFINE_CONST_FUN_OBJ_1(predict_object, predict);

//: predict_numbers
/* The second array gets the predicted numbers. */
static mp_obj_t predict(mp_obj_t given, mp_obj_t out)
{
    const sample *numbers =
        numbers_of(given, 'GIVEN_KIND', NUMBERS * sizeof(sample), MP_BUFFER_READ);
    NAME_predict(numbers,
                 numbers_of(out, 'RESULT_KIND', OUTPUTS * sizeof(result), MP_BUFFER_WRITE));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(predict_object, predict);

//: hear
/* Take one more row: the number of the class that is recognised, or None. */
static mp_obj_t hear(mp_obj_t row)
{
    const int heard =
        NAME_hear(numbers_of(row, 'GIVEN_KIND', CHANNELS * sizeof(sample), MP_BUFFER_READ));
    return heard < 0 ? mp_const_none : MP_OBJ_NEW_SMALL_INT(heard);
}
static MP_DEFINE_CONST_FUN_OBJ_1(hear_object, hear);

//: classes
/* The names of the classes. */
static mp_obj_t classes(void)
{
    mp_obj_t names[COUNT];
    for (int k = 0; k < COUNT; k++)
        names[k] = mp_obj_new_str(NAME_classes[k], strlen(NAME_classes[k]));
    return mp_obj_new_tuple(COUNT, names);
}
static MP_DEFINE_CONST_FUN_OBJ_0(classes_object, classes);

//: module
static const mp_rom_map_elem_t NAME_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_NAME)},
ENTRIES
};
static MP_DEFINE_CONST_DICT(NAME_globals, NAME_table);

const mp_obj_module_t NAME_user_cmodule = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&NAME_globals,
};
MP_REGISTER_MODULE(MP_QSTR_NAME, NAME_user_cmodule);
