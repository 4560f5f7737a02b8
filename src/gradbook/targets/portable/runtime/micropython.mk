@upper@_DIR := $(USERMOD_DIR)
SRC_USERMOD += $(@upper@_DIR)/@name@.c $(@upper@_DIR)/@name@_module.c
CFLAGS_USERMOD += -I$(@upper@_DIR)
