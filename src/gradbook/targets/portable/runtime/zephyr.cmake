# A module of Zephyr: name this folder in ZEPHYR_EXTRA_MODULES, and set CONFIG_@upper@=y.
if(CONFIG_@upper@)
  zephyr_include_directories(include)
  zephyr_library()
  zephyr_library_sources(src/@name@.c)
endif()
