// accept4 for libzmq, in place of the C library's: the linker takes the program's own. When descriptors have run out the system's gives an
// error and leaves the connection where it is. libzmq then asks again and again, and for a unix socket it ends the process (an
// assertion that knows of every error but this one). Here a descriptor is kept for that moment: with it the connection is taken and closed.
// Its peer tries again by itself, as after every broken connection; who is connected notices nothing. Go's own accept is a system call, and
// stays what it is.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "accept.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // libzmq has a thread for each station
static int spare = -1;                                   // guarded by lock
static long turned_away;                                 // guarded by lock

static void keep_spare(void)
{
	if (spare < 0)
		spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

// As long as there certainly are some.
__attribute__((constructor)) static void begin(void) { keep_spare(); }

// turn_away takes one connection and closes it. Somebody else may have been quicker to take the descriptor: then none is.
static int turn_away(int listener)
{
	struct pollfd there = {listener, POLLIN, 0};
	int fd = -1;
	if (spare >= 0)
		close(spare);
	spare = -1;
	if (poll(&there, 1, 0) > 0)
		fd = syscall(SYS_accept4, listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	keep_spare();
	return fd >= 0;
}

int accept4(int listener, struct sockaddr *peer, socklen_t *size, int flags)
{
	int fd = syscall(SYS_accept4, listener, peer, size, flags);
	if (fd >= 0 || (errno != EMFILE && errno != ENFILE))
		return fd;
	pthread_mutex_lock(&lock);
	int done = turn_away(listener);
	turned_away += done;
	pthread_mutex_unlock(&lock);
	if (!done)
		usleep(1000); // libzmq asks again at once
	errno = ECONNABORTED; // "the connection was closed before it was accepted", which libzmq takes as it is
	return -1;
}

long accept_turned_away(void)
{
	pthread_mutex_lock(&lock);
	long n = turned_away;
	pthread_mutex_unlock(&lock);
	return n;
}
