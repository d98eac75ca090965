package main

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"recents/server/sqlite"
)

// metrics counts what server.Metrics tells, for Prometheus. No label holds
// anything that a caller makes up.
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	sockets  prometheus.Gauge
	closes   *prometheus.CounterVec
	frames   prometheus.Counter
	bytes    prometheus.Counter
	behind   prometheus.Counter
}

func newMetrics(db *sqlite.DB) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recents_calls_total", Help: "Requests answered, by path and result code."}, []string{"path", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "recents_call_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5}}, []string{"path"}),
		sockets: prometheus.NewGauge(prometheus.GaugeOpts{Name: "recents_sockets", Help: "Open WebSockets."}),
		closes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recents_socket_closes_total", Help: "WebSockets ended, by the close code sent; 0: the peer left."}, []string{"code"}),
		frames: counter("recents_frames_total", "Delta frames made for live readers."),
		bytes:  counter("recents_frame_bytes_total", "Bytes of those frames."),
		behind: counter("recents_behind_total", "Readers that fell behind and were told to pull."),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.calls, m.seconds, m.sockets, m.closes, m.frames, m.bytes, m.behind)
	m.registry.MustRegister(storeMetrics(db)...)
	return m
}

func storeMetrics(db *sqlite.DB) []prometheus.Collector {
	counter := func(name, help string, read func(sqlite.Stats) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(read(db.Stats())) })
	}
	return []prometheus.Collector{
		counter("recents_store_transactions_total", "Transactions committed, each with one sync to disk.",
			func(s sqlite.Stats) uint64 { return s.Transactions }),
		counter("recents_store_updates_total", "Updates committed in those transactions.",
			func(s sqlite.Stats) uint64 { return s.Updates }),
		counter("recents_store_failed_total", "Updates answered with an error.",
			func(s sqlite.Stats) uint64 { return s.Failed }),
		counter("recents_store_turned_away_total", "Updates refused because too many waited.",
			func(s sqlite.Stats) uint64 { return s.TurnedAway }),
		counter("recents_store_unmoved_total", "Attempts to move the log into the file that failed; the next one repeats them.",
			func(s sqlite.Stats) uint64 { return s.Unmoved }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "recents_store_queued", Help: "Updates that wait for the writer."},
			func() float64 { return float64(db.Stats().Queued) }),
	}
}

// watch shows how far the update times have run from the clock.
func (m *metrics) watch(ahead func() int64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "recents_time_ahead_seconds",
		Help: "How far the newest update time is ahead of the clock; more than a minute is a clock that went back or stands."},
		func() float64 { return float64(ahead()) / 1000 }))
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) Called(path string, code int, took time.Duration) {
	m.calls.WithLabelValues(path, strconv.Itoa(code)).Inc()
	m.seconds.WithLabelValues(path).Observe(took.Seconds())
}

func (m *metrics) SocketOpened() { m.sockets.Inc() }

func (m *metrics) SocketClosed(code int) {
	m.sockets.Dec()
	m.closes.WithLabelValues(strconv.Itoa(code)).Inc()
}

func (m *metrics) FramePushed(bytes int) {
	m.frames.Inc()
	m.bytes.Add(float64(bytes))
}

func (m *metrics) FellBehind() { m.behind.Inc() }
