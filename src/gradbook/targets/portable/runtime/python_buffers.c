/* An array's numbers, which must be of this kind, and so many. */
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
