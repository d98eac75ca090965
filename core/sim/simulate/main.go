// Command simulate runs schedules of the simulator on all cores:
//
//	go run ./core/sim/simulate -n 10000 -seed 1
//	go run ./core/sim/simulate -replay 315      with a line for all that happens
//
// It counts apart the heals of storage that it damaged itself. Its last line is "N schedules, V violations, H heals"; it exits with 1 unless
// both are 0.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"

	"recents/core/sim"
	"recents/progress"
)

func main() {
	n := flag.Int("n", 10_000, "schedules")
	seed := flag.Uint64("seed", 1, "seed of the first; the others follow")
	steps := flag.Int("steps", 120, "steps of a schedule, before all comes to rest")
	replay := flag.Uint64("replay", 0, "run this seed alone, and tell all that happens")
	first := flag.Bool("first", false, "stop at the first violation")
	flag.Parse()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(800) // a schedule leaves much garbage, and little that lives
	}
	if *replay != 0 {
		os.Exit(tell(*replay, *steps))
	}
	t := total{first: *first, of: *n, meter: progress.On(os.Stderr, progress.Count("schedules"))}
	t.out = t.meter.Above(os.Stdout)
	t.run(*seed, *n, *steps)
	t.meter.End()
	fmt.Printf("%d heals of storage that was damaged on purpose\n", t.mended)
	fmt.Printf("%d schedules, %d violations, %d heals\n", t.schedules, t.violations, t.heals)
	if t.violations > 0 || t.heals > 0 {
		os.Exit(1)
	}
}

func tell(seed uint64, steps int) int {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	r := sim.Run(seed, steps, out)
	fmt.Fprintf(out, "seed %d, trace %016x, %d heals\n%s\n", r.Seed, r.Trace, r.Heals, r.Violation)
	if again := sim.Run(seed, steps, nil); again != r {
		fmt.Fprintf(out, "run again, it is another: trace %016x\n", again.Trace)
		return 1
	}
	if r.Violation != "" || r.Heals > 0 {
		return 1
	}
	return 0
}

// total adds up results.
type total struct {
	of                           int // schedules, all of them
	meter                        *progress.Meter
	out                          io.Writer
	mu                           sync.Mutex
	first                        bool
	done                         bool
	schedules, violations, heals int
	mended                       int
}

func (t *total) run(seed uint64, n, steps int) {
	seeds := make(chan uint64)
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for s := range seeds {
				t.add(sim.Run(s, steps, nil))
			}
		})
	}
	for i := range n {
		if t.isDone() {
			break
		}
		seeds <- seed + uint64(i)
	}
	close(seeds)
	workers.Wait()
}

func (t *total) isDone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.done
}

const toldViolations = 10

func (t *total) add(r sim.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.schedules++
	t.meter.Step("sim", int64(t.schedules), int64(t.of))
	t.heals += r.Heals
	t.mended += r.Mended
	if r.Violation == "" {
		return
	}
	t.violations++
	t.done = t.first
	if t.violations <= toldViolations {
		fmt.Fprintf(t.out, "seed %d: %s\n", r.Seed, r.Violation)
		if !t.first {
			fmt.Fprintf(t.out, "  replay: go run ./core/sim/simulate -replay %d -steps %d\n", r.Seed, sim.Shrink(r))
		}
	}
}
