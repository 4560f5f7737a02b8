"""What Python has on POSIX systems and hasn't on Windows, as far as anybody might ask for it."""

MODULES = "fcntl resource pwd grp termios tty pty syslog readline"
OF_OS = """fork forkpty killpg getpgid getpgrp setpgid setsid getuid geteuid getgid getegid nice
sched_getaffinity sched_setaffinity sched_yield chown lchown fchmod fchown mkfifo mknod getloadavg
sysconf confstr statvfs fstatvfs wait wait3 wait4 openpty ttyname sync pread pwrite sendfile
posix_spawn posix_fallocate posix_fadvise getrlimit O_DIRECT O_NOFOLLOW O_DIRECTORY"""
OF_SIGNAL = """SIGHUP SIGTSTP SIGQUIT SIGALRM SIGUSR1 SIGUSR2 SIGPIPE SIGCONT SIGSTOP
alarm setitimer pthread_sigmask pthread_kill sigwait siginterrupt pause"""
