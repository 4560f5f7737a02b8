/* The number that is predicted. */
static mp_obj_t predict(mp_obj_t given)
{
    const sample *numbers =
        numbers_of(given, 'GIVEN_KIND', NUMBERS * sizeof(sample), MP_BUFFER_READ);
    return mp_obj_new_float((mp_float_t)NAME_predict(numbers));
}
static MP_DEFINE_CONST_FUN_OBJ_1(predict_object, predict);
