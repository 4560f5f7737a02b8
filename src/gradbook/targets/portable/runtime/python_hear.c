/* Take one row more: the number of the class that is heard, or None. */
static mp_obj_t hear(mp_obj_t row)
{
    const int heard =
        NAME_hear(numbers_of(row, 'GIVEN_KIND', CHANNELS * sizeof(sample), MP_BUFFER_READ));
    return heard < 0 ? mp_const_none : MP_OBJ_NEW_SMALL_INT(heard);
}
static MP_DEFINE_CONST_FUN_OBJ_1(hear_object, hear);
