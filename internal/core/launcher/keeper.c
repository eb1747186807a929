// The keeper: the small process that forks for the manager. See keeper.go.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "keeper.h"

enum { SOCKET = 3 };

static pid_t manager, keeper;
static char *title_from, *title_to; // the memory of argv, which ps shows

void keeper_title(const char *name, const char *text)
{
	prctl(PR_SET_NAME, name);
	memset(title_from, 0, title_to - title_from);
	snprintf(title_from, title_to - title_from, "%s %s", name, text);
}

void keeper_fault(const char *step)
{
	const char *want = getenv("NOWCAST_KEEPER_FAULT");
	size_t n = strlen(step);
	if (!want || strncmp(want, step, n) || want[n] != ':')
		return;
	const char *who = want + n + 1, *file = strchr(who, ':');
	if (!file || open(file + 1, O_CREAT | O_EXCL | O_CLOEXEC, 0600) < 0)
		return;
	kill(!strncmp(who, "manager", 7) ? manager : !strncmp(who, "keeper", 6) ? keeper : getpid(), SIGKILL);
}

void keeper_tell(int reply, const char *step, int error)
{
	dprintf(reply, "%s %d\n", step, error);
}

// receive takes one request. It returns 1, or 0 when the manager is gone and all that it asked for is done.
static int receive(int fd[DESCRIPTORS])
{
	char byte;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * DESCRIPTORS)];
	} control;
	for (;;) {
		struct iovec part = {&byte, 1};
		struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
		ssize_t n = recvmsg(SOCKET, &m, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		if (!c || c->cmsg_len != CMSG_LEN(sizeof(int) * DESCRIPTORS)) {
			// Descriptors ran out: what came of them is closed, which is an answer, too.
			for (size_t i = 0; c && CMSG_LEN(sizeof(int) * (i + 1)) <= c->cmsg_len; i++)
				close(((int *)CMSG_DATA(c))[i]);
			continue;
		}
		memcpy(fd, CMSG_DATA(c), sizeof(int) * DESCRIPTORS);
		return 1;
	}
}

static _Noreturn void serve(void)
{
	int fd[DESCRIPTORS];
	while (receive(fd)) {
		keeper_fault("received");
		pid_t pid = fork();
		if (pid == 0) {
			close(SOCKET); // or nobody would notice the death of the keeper
			keeper_shim(fd);
		}
		if (pid < 0)
			keeper_tell(fd[REPLY], "fork", errno);
		for (int i = 0; i < DESCRIPTORS; i++)
			close(fd[i]);
	}
	_exit(0);
}

static void close_from(unsigned first)
{
	struct rlimit limit;
	if (syscall(SYS_close_range, first, ~0U, 0) == 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	for (rlim_t fd = first; fd < limit.rlim_cur; fd++) // Linux before 5.9
		close(fd);
}

// Before the Go runtime starts, and so before it has threads: this process is the program in /proc/self/exe, and becomes
// the keeper if its environment says so. (glibc hands the arguments of main to constructors.)
__attribute__((constructor)) static void become_keeper(int argc, char **argv)
{
	const char *variable = getenv("NOWCAST_KEEPER_OF");
	if (!variable)
		return;
	manager = atoi(variable);
	keeper = getpid();
	title_from = argv[0];
	title_to = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
	close_from(SOCKET + 1);
	fcntl(SOCKET, F_SETFD, FD_CLOEXEC);
	for (int s = 1; s < NSIG; s++) // SIGCHLD, too: shims are not waited for
		signal(s, SIG_IGN);
	keeper_title("nowcast-keeper", "(starts workers for the manager, ends with it)");
	serve();
}
