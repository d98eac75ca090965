// Command server measures recentsd beside PocketBase, and beside its own
// database in a bare loop, turn by turn in one run: lists, durable deliveries,
// and 10,000 open WebSockets. The clients are this process.
//
//	go run ./bench/server -recentsd build/recentsd -pocketbase build/bench/pocketbase -data build/bench/data -out build/bench
//
// The rows are made once, in -data. It exits 1 when a bound is missed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"recents/bench/report"
)

const (
	warmups = 1 // rounds that are not counted

	ourName    = report.Ours
	pocketName = "PocketBase"
	bareName   = "bare SQLite"
)

// What the lines compare.
const (
	listNote = "rows of 650 bytes, a third of them Chinese. PocketBase lists the same rows by its REST call, with the same indexes, " +
		"without counting them; bare SQLite is the same query in a loop of 32 goroutines, without HTTP. Neither server logs calls."
	deliveryNote = "all sync the log before they answer (synchronous FULL). A delivery of ours writes five rows (both ends' sessions and heads, " +
		"and the sender's receipt, by which a repeat is answered), PocketBase's create one; bare SQLite commits the same five in groups, without reading any. " +
		"By the profile three quarters of a delivery's CPU are the one writer's, two thirds SQLite's own: about ten pages of 4 KB, each written to the log " +
		"and later to the file, so the bare loop is no more than three times PocketBase either. Moving the log into the file is no longer the writer's work, which took a tenth off; " +
		"what would take more is a schema that touches fewer pages. Tried as well: pages of 2 KB, a twelfth more; and to sync one group's log beside the next group's statements, " +
		"which gave nothing, since the writer waits for its CPU and not for the disk"
)

type options struct {
	recentsd, pocketbase, data, out string
	only                            string
	rounds                          int
	long                            time.Duration // a turn
	size                            size
}

func main() {
	var o options
	flag.StringVar(&o.recentsd, "recentsd", "build/recentsd", "the server")
	flag.StringVar(&o.pocketbase, "pocketbase", "build/bench/pocketbase", "the peer; \"\" for none")
	flag.StringVar(&o.data, "data", "build/bench/data", "directory of the databases; filled when it is empty")
	flag.StringVar(&o.out, "out", "build/bench", "directory of the results")
	flag.StringVar(&o.only, "only", "", "lists, deliveries or sockets; without it, all are measured and written to -out")
	flag.IntVar(&o.rounds, "rounds", report.LeastRounds, "counted rounds")
	flag.DurationVar(&o.long, "turn", 2*time.Second, "how long each turn of a round is")
	flag.IntVar(&o.size.accounts, "accounts", 10_000, "accounts")
	flag.Parse()
	o.size.sessions = 100
	ok, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench server:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(o options) (ok bool, err error) {
	if err := fillAll(o); err != nil {
		return false, err
	}
	p, err := openPlaces(o)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	var samples []report.Sample
	for _, part := range []struct {
		name    string
		measure func(*places, options) ([]report.Sample, error)
	}{{"lists", measureLists}, {"deliveries", measureDeliveries}, {"sockets", measureSockets}} {
		if o.only != "" && o.only != part.name {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring", part.name)
		s, err := part.measure(p, o)
		if err != nil {
			return false, fmt.Errorf("%s: %w", part.name, err)
		}
		samples = append(samples, s...)
	}
	lines, err := report.JudgeAll(samples)
	if err != nil {
		return false, err
	}
	if o.only != "" {
		_, err := os.Stdout.Write(report.Table(lines))
		return len(report.Missed(lines)) == 0, err
	}
	return report.Publish(o.out, "server", lines)
}

// fillAll makes the three databases, the second and third of the first.
func fillAll(o options) error {
	first := filepath.Join(o.data, "recents")
	for _, place := range []struct {
		name string
		fill func(dir string) error
	}{
		{"recents", func(dir string) error { return fill(dir, o.size) }},
		{"bare", func(dir string) error {
			return copyFile(filepath.Join(dir, databaseFile), filepath.Join(first, databaseFile))
		}},
		{"pocketbase", func(dir string) error { return fillPocketBase(o.pocketbase, dir, filepath.Join(first, databaseFile)) }},
	} {
		if place.name == "pocketbase" && o.pocketbase == "" {
			continue
		}
		if err := once(filepath.Join(o.data, place.name), place.fill); err != nil {
			return fmt.Errorf("filling %s: %w", place.name, err)
		}
	}
	return nil
}

// once makes a directory whole or not at all.
func once(dir string, make func(dir string) error) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	fmt.Fprintln(os.Stderr, "filling", dir)
	half := dir + ".half"
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	if err := os.MkdirAll(half, 0o700); err != nil {
		return err
	}
	if err := make(half); err != nil {
		return err
	}
	return os.Rename(half, dir)
}

func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// places are those that take turns; pocket is nil where it is left out.
type places struct {
	ours   *ours
	pocket *pocketBase
	bare   *bare
}

func openPlaces(o options) (p *places, err error) {
	p = &places{}
	if p.ours, err = startOurs(o.recentsd, filepath.Join(o.data, "recents"), o.size); err != nil {
		return nil, err
	}
	if p.bare, err = openBare(filepath.Join(o.data, "bare"), o.size); err == nil && o.pocketbase != "" {
		p.pocket, err = startPocketBase(o.pocketbase, filepath.Join(o.data, "pocketbase"), o.size)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *places) close() error {
	err := p.ours.stop()
	if p.bare != nil {
		err = errors.Join(err, p.bare.close())
	}
	if p.pocket != nil {
		err = errors.Join(err, p.pocket.stop())
	}
	return err
}

// turns has every place do its calls for a time, one after the other, round by
// round.
func turns(o options, workers int, each map[string]contender) (map[string][]sample, error) {
	samples := map[string][]sample{}
	names := []string{ourName, pocketName, bareName}
	for round := range warmups + o.rounds {
		for _, name := range names {
			if each[name].callers == nil {
				continue
			}
			s, err := turn(each[name], workers, o.long)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d of %d, %-12s %8.0f/s, p99 %7.2f ms, CPU %5.0f µs\n", round+1, warmups+o.rounds, name, s.perSecond, s.p99, s.cpu)
			if round >= warmups {
				samples[name] = append(samples[name], s)
			}
		}
		slices.Reverse(names) // whatever one leaves behind, each of its neighbours gets it alike
	}
	return samples, nil
}

func turn(c contender, workers int, long time.Duration) (s sample, err error) {
	calls, end, err := c.callers(workers)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, end()) }()
	before, err := c.cpu()
	if err != nil {
		return s, err
	}
	if s, err = load(calls, long); err != nil {
		return s, err
	}
	after, err := c.cpu()
	s.cpu = float64((after - before).Microseconds()) / float64(s.calls)
	return s, err
}

// roundsOf picks one figure of every sample.
func roundsOf(samples map[string][]sample, figure func(sample) float64) map[string][]float64 {
	rounds := map[string][]float64{}
	for name, list := range samples {
		for _, s := range list {
			rounds[name] = append(rounds[name], figure(s))
		}
	}
	return rounds
}

func perSecond(s sample) float64 { return s.perSecond }
func p99(s sample) float64       { return s.p99 }
func cpu(s sample) float64       { return s.cpu }

// against is a sample beside one peer.
func against(line report.Line, rounds map[string][]float64, peer string, bound float64) report.Sample {
	line.Against, line.Bound = peer, bound
	return report.Sample{Line: line, Rounds: rounds}
}

func measureLists(p *places, o options) ([]report.Sample, error) {
	each := map[string]contender{ourName: p.ours.lists(), bareName: p.bare.lists()}
	if p.pocket != nil {
		each[pocketName] = p.pocket.lists()
	}
	if err := p.checkLists(); err != nil {
		return nil, err
	}
	got, err := turns(o, 32, each)
	if err != nil {
		return nil, err
	}
	rate := report.Line{Measure: "list of 100 at 32 connections", Size: o.size.String(), Unit: "/s", AtLeast: true, Note: listNote}
	slowest := report.Line{Measure: "list of 100 at 32 connections, p99", Size: o.size.String(), Unit: "ms"}
	return o.compare([]report.Sample{
		against(rate, roundsOf(got, perSecond), pocketName, 3),
		against(rate, roundsOf(got, perSecond), bareName, 0.5),
		against(slowest, roundsOf(got, p99), pocketName, 1.0/3),
		against(report.Line{Measure: "CPU of a list of 100", Size: o.size.String(), Unit: "µs"}, roundsOf(got, cpu), pocketName, 1.0/3),
	}), nil
}

// compare leaves out what cannot be compared without PocketBase.
func (o options) compare(samples []report.Sample) []report.Sample {
	return slices.DeleteFunc(samples, func(s report.Sample) bool { return o.pocketbase == "" && s.Against == pocketName })
}

// checkLists makes sure that all answer the same question: an account's
// newest hundred.
func (p *places) checkLists() error {
	check := func(name, address string, request []byte, sign string) error {
		l, err := dialLine(address)
		if err != nil {
			return err
		}
		text, err := l.text(request)
		if n := strings.Count(text, sign); err == nil && n != 100 {
			err = fmt.Errorf("%s: a list of %d sessions, want 100: %.300s", name, n, text)
		}
		return errors.Join(err, l.conn.Close())
	}
	err := check(ourName, p.ours.address, p.ours.requests[0], `"recentSession":`)
	if p.pocket != nil {
		err = errors.Join(err, check(pocketName, p.pocket.address, p.pocket.requests[0], `"update_time":`))
	}
	return err
}

func measureDeliveries(p *places, o options) ([]report.Sample, error) {
	each := map[string]contender{ourName: p.ours.deliveries(), bareName: p.bare.deliveries()}
	if p.pocket != nil {
		each[pocketName] = p.pocket.creates()
	}
	got, err := turns(o, 64, each)
	if err != nil {
		return nil, err
	}
	line := report.Line{Measure: "durable deliveries at 64 connections", Size: o.size.String(), Unit: "/s", AtLeast: true, Note: deliveryNote}
	return o.compare([]report.Sample{
		against(line, roundsOf(got, perSecond), pocketName, 3),
		against(line, roundsOf(got, perSecond), bareName, 0.5),
		against(report.Line{Measure: "CPU of a delivery", Size: o.size.String(), Unit: "µs"}, roundsOf(got, cpu), pocketName, 0),
	}), nil
}
