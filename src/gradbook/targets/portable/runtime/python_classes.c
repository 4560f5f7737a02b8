/* The names of the classes. */
static mp_obj_t classes(void)
{
    mp_obj_t names[COUNT];
    for (int k = 0; k < COUNT; k++)
        names[k] = mp_obj_new_str(NAME_classes[k], strlen(NAME_classes[k]));
    return mp_obj_new_tuple(COUNT, names);
}
static MP_DEFINE_CONST_FUN_OBJ_0(classes_object, classes);
