/* The numbers that are predicted are put into the second array. */
static mp_obj_t predict(mp_obj_t given, mp_obj_t out)
{
    const sample *numbers =
        numbers_of(given, 'GIVEN_KIND', NUMBERS * sizeof(sample), MP_BUFFER_READ);
    NAME_predict(numbers,
                 numbers_of(out, 'RESULT_KIND', OUTPUTS * sizeof(result), MP_BUFFER_WRITE));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(predict_object, predict);
