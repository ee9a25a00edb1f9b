package lambdaruntime

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU times in /proc: 1/100 s on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// PeakRSS is the largest resident set so far, in bytes. Linux only, while the function runs.
func (f *Function) PeakRSS() (int64, error) {
	status, err := f.proc("status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(status, "VmHWM:")
	kib, _, found := strings.Cut(rest, " kB")
	if !found {
		return 0, fmt.Errorf("no VmHWM in %q", status)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(kib), 10, 64)
	return n << 10, err
}

// CPU is the processor time used so far, in steps of 10 ms. Linux only, while the function runs.
func (f *Function) CPU() (time.Duration, error) {
	stat, err := f.proc("stat")
	if err != nil {
		return 0, err
	}
	// The second field, the name, may contain spaces; it ends at the last parenthesis. utime and stime are the 14th and
	// 15th field.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("no CPU times in %q", stat)
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

func (f *Function) proc(file string) (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", f.process.Process.Pid, file))
	return string(b), err
}
