add_library(usermod_@name@ INTERFACE)
target_sources(usermod_@name@ INTERFACE
  ${CMAKE_CURRENT_LIST_DIR}/@name@.c
  ${CMAKE_CURRENT_LIST_DIR}/@name@_module.c)
target_include_directories(usermod_@name@ INTERFACE ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(usermod INTERFACE usermod_@name@)
