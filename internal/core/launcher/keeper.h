#ifndef KEEPER_H
#define KEEPER_H

// The number and order of the descriptors that come with each request of the manager (keeper.go, ask).
enum { REQUEST, REPLY, OUTPUT, DESCRIPTORS };

// keeper_shim starts one worker and stays until it has ended (shim.c).
_Noreturn void keeper_shim(const int fd[DESCRIPTORS]);

// keeper_tell writes "STEP ERRNO" on the pipe that the answer to a request comes on: why there is no process.
void keeper_tell(int reply, const char *step, int error);

// keeper_title is what ps shows of this process.
void keeper_title(const char *name, const char *text);

// keeper_fault kills a process here if a test asked for it. NOWCAST_KEEPER_FAULT is STEP:WHO:FILE, with WHO one of self, keeper and
// manager. FILE is made then, and if it is there already nobody is killed: each is killed once. The steps: received (in the keeper),
// opened, locked (in the shim), forked, recorded (in the worker before exec), started, waited, written (in the shim).
void keeper_fault(const char *step);

#endif
