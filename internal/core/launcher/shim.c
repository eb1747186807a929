// The shim: one process per launch, which starts the worker, waits for it and writes down how it ended. See keeper.go.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "keeper.h"

// struct start is one request: strings that end with NUL, in this order.
struct start {
	char *file;           // the launch's record (record.go)
	long long size;       // of that file; another size means that somebody else has decided about this launch
	char *boot, *launch;  // boot id; what ps shows
	char *program, **argv, **env;
};

// What happened to the worker before exec. It runs in our memory until then.
static const char *volatile failed_step;
static volatile int failed_errno;

static char *next(char **at)
{
	char *s = *at;
	*at += strlen(s) + 1;
	return s;
}

static char **list(char **at)
{
	long n = atol(next(at));
	char **l = calloc(n + 1, sizeof *l);
	for (long i = 0; l && i < n; i++)
		l[i] = next(at);
	return l;
}

static int parse(int fd, struct start *s)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
	char *at = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return -1;
	s->file = next(&at);
	s->size = atoll(next(&at));
	s->boot = next(&at);
	s->launch = next(&at);
	s->program = next(&at);
	s->argv = list(&at);
	s->env = list(&at);
	return s->argv && s->env ? 0 : -1;
}

// start_time returns when this process was forked, in clock ticks since boot: field 22 of /proc/self/stat. 0 if unknown.
static unsigned long long start_time(void)
{
	char text[1024];
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	char *at = strrchr(text, ')'); // the second field, a name, may have spaces
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

// append adds one line to the record. A line counts only with its end, so one that was cut off is none; the next begins with an end, so
// that it is not taken for the rest of that one.
static int append(int fd, const char *line, int n)
{
	ssize_t written = write(fd, line, n);
	if (written == n)
		return 0;
	if (written >= 0)
		errno = ENOSPC;
	return -1;
}

static void fail(const char *step)
{
	failed_step = step;
	failed_errno = errno;
	_exit(127);
}

// worker becomes the worker. It runs in the shim's memory while the shim stands still (vfork).
static void worker(const struct start *s, int record, int output, pid_t shim, unsigned long long shim_start)
{
	char line[512];
	struct timespec now;
	sigset_t none;
	keeper_fault("forked");
	setsid();
	// Not by signal(): the C library lets nobody touch the signals that it uses itself, and whoever started us may have ignored them.
	static const char by_default[64];
	for (int n = 1; n < NSIG; n++)
		syscall(SYS_rt_sigaction, n, by_default, NULL, (size_t)8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(output, 1) < 0 || dup2(output, 2) < 0) // 0 is /dev/null already
		fail("dup");
	clock_gettime(CLOCK_REALTIME, &now);
	int n = snprintf(line, sizeof line, "%sstarted %d %llu shim %d %llu boot %s at %lld %ld\n", s->size > 0 ? "\n" : "", getpid(), start_time(),
			 shim, shim_start, s->boot, (long long)now.tv_sec, now.tv_nsec);
	if (append(record, line, n) < 0)
		fail("write");
	keeper_fault("recorded");
	execve(s->program, s->argv, s->env);
	failed_errno = errno;
	append(record, line, snprintf(line, sizeof line, "failed %d\n", failed_errno));
	_exit(127);
}

// left tells whether the worker has left children behind: as the reaper of all below us we have become their parent.
static int left(void)
{
	return waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
}

static void write_end(int record, int status, const struct rusage *u, pid_t keeper)
{
	char line[512];
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int n = snprintf(line, sizeof line, "\nended %d signal %d at %lld %ld user %lld system %lld rss %lld left %d\n",
			 WIFSIGNALED(status) ? -1 : WEXITSTATUS(status), WIFSIGNALED(status) ? WTERMSIG(status) : 0,
			 (long long)now.tv_sec, now.tv_nsec, u->ru_utime.tv_sec * 1000000LL + u->ru_utime.tv_usec,
			 u->ru_stime.tv_sec * 1000000LL + u->ru_stime.tv_usec, u->ru_maxrss * 1024LL, left());
	// On a full disk this still fits into the block that the file has. Where it does not, we hold on to what nobody else knows.
	while (append(record, line, n) < 0)
		sleep(1);
	if (getppid() != keeper)
		fdatasync(record); // with a manager there, its database is what must outlive a power cut
}

_Noreturn void keeper_shim(const int fd[DESCRIPTORS])
{
	struct start s;
	struct stat st;
	struct rusage used;
	pid_t keeper = getppid();
	if (parse(fd[REQUEST], &s) < 0) {
		keeper_tell(fd[REPLY], "read", errno);
		_exit(1);
	}
	keeper_title("nowcast-shim", s.launch);
	int record = open(s.file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (record < 0) {
		keeper_tell(fd[REPLY], "open", errno);
		_exit(1);
	}
	keeper_fault("opened");
	// From here until the worker's line is written nobody else decides about this launch (record.go, cancel).
	while (flock(record, LOCK_EX) < 0 && errno == EINTR)
		;
	if (fstat(record, &st) < 0 || st.st_size != s.size)
		_exit(0);
	keeper_fault("locked");
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	unsigned long long started = start_time();
	pid_t me = getpid(), pid = vfork();
	if (pid == 0)
		worker(&s, record, fd[OUTPUT], me, started);
	if (pid < 0)
		keeper_tell(fd[REPLY], "fork", errno);
	else if (failed_step)
		keeper_tell(fd[REPLY], failed_step, failed_errno);
	if (pid < 0 || failed_errno)
		_exit(1);
	keeper_fault("started");
	for (int i = 0; i < DESCRIPTORS; i++)
		close(fd[i]); // with REPLY the manager learns that the record tells
	int status;
	while (wait4(-1, &status, 0, &used) != pid)
		; // a grandchild, whose parent has ended before it
	keeper_fault("waited");
	write_end(record, status, &used, keeper);
	keeper_fault("written");
	_exit(0);
}
