/* A disk that fails at the n-th of the calls that change it, for files below one folder.
 *
 * Loaded before the C library (LD_PRELOAD), so whoever writes is heard: Python, zip files, others'
 * libraries. fault_below names the folder, fault_at the call that fails and how; fault_count says
 * how many there were. A close that fails has closed, and a write that fails has written half. The
 * disk fails the process that asked for it, not the helpers that this one begins. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FILES 4096
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static char below[PATH_MAX];
static long count, failing;
static int error;
static pid_t whose;
static char watched[MOST_FILES];

void fault_below(const char *folder) { snprintf(below, sizeof below, "%s/", folder); }
void fault_at(long number, int how) { count = 0, failing = number, error = how, whose = getpid(); }
long fault_count(void) { return count; }

static int fails(void)
{
    if (getpid() != whose || ++count != failing)
        return 0;
    errno = error;
    return 1;
}

static int is_below(int folder, const char *path)
{
    char whole[2 * PATH_MAX];
    if (!below[0])
        return 0;
    if (path[0] == '/')
        return !strncmp(path, below, strlen(below));
    if (folder == AT_FDCWD) {
        if (!getcwd(whole, PATH_MAX))
            return 0;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, whole, PATH_MAX - 1);
        if (length < 0)
            return 0;
        whole[length] = 0;
    }
    strcat(whole, "/");
    return !strncmp(whole, below, strlen(below));
}

static int is_watched(int file) { return file >= 0 && file < MOST_FILES && watched[file]; }

static int opened(int file, int is_ours)
{
    if (file >= 0 && file < MOST_FILES)
        watched[file] = (char)is_ours;
    return file;
}

static int open_any(int folder, const char *path, int flags, mode_t mode)
{
    int writes = (flags & O_ACCMODE) != O_RDONLY, ours = writes && is_below(folder, path);
    if (ours && (flags & (O_CREAT | O_TRUNC)) && fails())
        return -1;
    return opened(REAL(openat)(folder, path, flags, mode), ours);
}

#define OPEN(name, ...)                                                                        \
    {                                                                                          \
        mode_t mode = 0;                                                                       \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                   \
            va_list more;                                                                      \
            va_start(more, flags);                                                             \
            mode = va_arg(more, mode_t);                                                       \
            va_end(more);                                                                      \
        }                                                                                      \
        return open_any(__VA_ARGS__, path, flags, mode);                                       \
    }

int open(const char *path, int flags, ...) OPEN(open, AT_FDCWD)
int open64(const char *path, int flags, ...) OPEN(open64, AT_FDCWD)
int openat(int folder, const char *path, int flags, ...) OPEN(openat, folder)
int openat64(int folder, const char *path, int flags, ...) OPEN(openat64, folder)

ssize_t write(int file, const void *bytes, size_t size)
{
    if (is_watched(file) && fails()) {
        int said = errno;
        if (size > 1)
            REAL(write)(file, bytes, size / 2);
        errno = said;
        return -1;
    }
    return REAL(write)(file, bytes, size);
}

#define ON_FILE(type, name, given, passed)                                                     \
    type name given { return is_watched(file) && fails() ? -1 : REAL(name) passed; }

ON_FILE(ssize_t, pwrite, (int file, const void *bytes, size_t size, off_t at), (file, bytes, size, at))
ON_FILE(ssize_t, pwrite64, (int file, const void *bytes, size_t size, off64_t at), (file, bytes, size, at))
ON_FILE(ssize_t, writev, (int file, const struct iovec *parts, int parts_count), (file, parts, parts_count))
ON_FILE(int, fsync, (int file), (file))
ON_FILE(int, fdatasync, (int file), (file))
ON_FILE(int, ftruncate, (int file, off_t size), (file, size))
ON_FILE(int, ftruncate64, (int file, off64_t size), (file, size))

int close(int file)
{
    int fault = is_watched(file) && fails(), said = errno;
    opened(file, 0);
    int done = REAL(close)(file);
    if (!fault)
        return done;
    errno = said;
    return -1;
}

int rename(const char *from, const char *to)
{
    return is_below(AT_FDCWD, to) && fails() ? -1 : REAL(rename)(from, to);
}

int renameat(int a, const char *from, int b, const char *to)
{
    return is_below(b, to) && fails() ? -1 : REAL(renameat)(a, from, b, to);
}

int mkdir(const char *path, mode_t mode)
{
    int is_new = access(path, F_OK) != 0; /* else nothing changes, whatever the disk can do */
    return is_new && is_below(AT_FDCWD, path) && fails() ? -1 : REAL(mkdir)(path, mode);
}

int chmod(const char *path, mode_t mode)
{
    return is_below(AT_FDCWD, path) && fails() ? -1 : REAL(chmod)(path, mode);
}
