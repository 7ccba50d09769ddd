package confine

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// enter closes what can be closed, and then tries whether it is.
func (r *Report) enter(l Limits) {
	r.wrong("oom_score_adj", os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)) // if the machine runs out of memory, this goes first
	r.wrong("limits", l.set())
	r.wrong("dumpable", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)) // nobody but root may look into it
	if r.wrong("landlock", landlock.V6.BestEffort().Restrict()); filesClosed() {
		r.By = append(r.By, "landlock")
	}
	if err := filter(); err != nil {
		r.wrong("seccomp", err)
	} else {
		r.By = append(r.By, "seccomp")
	}
	r.Open = open()
}

// set sets limits of resources, which can't be raised again.
func (l Limits) set() error {
	limits := map[int]uint64{unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: 0}
	if l.Memory > 0 && countsMemory {
		limits[unix.RLIMIT_DATA] = writable() + uint64(l.Memory)
	}
	var errs []error
	for which, most := range limits {
		errs = append(errs, unix.Setrlimit(which, &unix.Rlimit{Cur: most, Max: most}))
	}
	return errors.Join(errs...)
}

// writable is how much private memory the process could write to already, which
// is what RLIMIT_DATA counts.
func writable() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, is := strings.CutPrefix(line, "VmData:"); is {
			n, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// allowed are the system calls that the Go runtime makes in a process which
// reads and writes pipes. On each architecture some are missing.
func allowed() []string {
	return []string{
		"read", "write", "close", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd2",
		"munmap", "mremap", "madvise", "mincore", "brk",
		"futex", "futex_time64", "sched_yield", "nanosleep", "clock_nanosleep", "clock_gettime", "clock_gettime64", "gettimeofday",
		"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "sigaltstack", "restart_syscall",
		"getpid", "getppid", "gettid", "getrandom", "exit", "exit_group", "set_robust_list", "rseq",
	}
}

// filter lets the process make these system calls and no others. Elsewhere they
// may have their arguments in another order.
func filter() error {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		return errors.New("the filter is for amd64 and arm64")
	}
	machine, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	missing := func(name string) bool {
		_, there := machine.SyscallNames[name]
		return !there
	}
	conditional := []seccomp.NameWithConditions{
		// No memory that can be run, and none that limits don't count.
		{Name: "mprotect", Conditions: seccomp.ArgumentConditions{{Argument: 2, Operation: seccomp.BitsNotSet, Value: unix.PROT_EXEC}}},
		{Name: "mmap", Conditions: private()},
		{Name: "mmap2", Conditions: private()},
		// Threads, but no processes; signals to its own threads only.
		{Name: "clone", Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.BitsSet, Value: unix.CLONE_THREAD}}},
		{Name: "tgkill", Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.Equal, Value: uint64(os.Getpid())}}},
	}
	return seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ActionErrno, // EPERM
			Syscalls: []seccomp.SyscallGroup{
				{Action: refuse(unix.ENOSYS), Names: slices.DeleteFunc([]string{"clone3"}, missing)}, // C libraries then take clone, whose flags can be looked at
				{
					Action:             seccomp.ActionAllow,
					Names:              slices.DeleteFunc(allowed(), missing),
					NamesWithCondtions: slices.DeleteFunc(conditional, func(n seccomp.NameWithConditions) bool { return missing(n.Name) }),
				},
			},
		},
	})
}

// refuse is to fail with an error.
func refuse(err syscall.Errno) seccomp.Action {
	return seccomp.Action(unix.SECCOMP_RET_ERRNO) | seccomp.Action(err)
}

func private() seccomp.ArgumentConditions {
	return seccomp.ArgumentConditions{
		{Argument: 2, Operation: seccomp.BitsNotSet, Value: unix.PROT_EXEC},
		{Argument: 3, Operation: seccomp.BitsNotSet, Value: unix.MAP_SHARED},
	}
}

// open tries what should be closed, and says what isn't.
func open() []string {
	var reached []string
	if !filesClosed() {
		reached = append(reached, "files")
	}
	if fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0); !denied(err) {
		reached = append(reached, "network")
		_ = unix.Close(fd)
	}
	if err := syscall.Exec("/no/such/program", nil, nil); !denied(err) {
		reached = append(reached, "programs")
	}
	if err := unix.Kill(os.Getpid(), 0); !denied(err) {
		reached = append(reached, "processes")
	}
	return reached
}

func filesClosed() bool {
	f, err := os.Open("/")
	if err == nil {
		_ = f.Close()
	}
	return denied(err)
}

func denied(err error) bool { return errors.Is(err, fs.ErrPermission) }
