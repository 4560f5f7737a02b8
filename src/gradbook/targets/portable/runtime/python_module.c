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
