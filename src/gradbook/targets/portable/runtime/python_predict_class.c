/* The number of the class; what each class gets is put into a second array. */
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
