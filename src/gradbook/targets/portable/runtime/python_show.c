/* Say which class is being shown, from which the last layer learns: its number, or None. */
static mp_obj_t show(mp_obj_t shown)
{
    NAME_shown = shown == mp_const_none ? -1 : (int)mp_obj_get_int(shown);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(show_object, show);
