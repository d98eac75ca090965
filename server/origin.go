package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"recents/core"
)

// originList is which web pages may call.
type originList struct {
	exact    []string
	any      bool
	loopback bool
}

func newOriginList(exact []string, dev bool) *originList {
	return &originList{exact: exact, any: slices.Contains(exact, "*"), loopback: dev}
}

// allows reports whether a page of the origin may call. No origin is no page:
// a program, which the token alone admits. A page that this very host served
// may call it.
func (l *originList) allows(origin, host string) bool {
	if origin == "" || l.any || slices.Contains(l.exact, origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, host) || l.loopback && isLoopbackHost(u.Host)
}

// preflight sets the CORS headers of an answer, and reports whether it answered
// whole: an OPTIONS, which no path takes otherwise.
func (l *originList) preflight(w *reply, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	w.Header().Add("Vary", "Origin")
	allowed := l.allows(origin, r.Host)
	if allowed && origin != "" {
		w.Header().Set("Access-Control-Allow-Origin", l.answer(origin))
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	}
	if r.Method != http.MethodOptions {
		return false
	}
	if !allowed {
		w.refuse(core.CodeForbidden, "Origin: "+core.Quote(origin)+" is not allowed")
		return true
	}
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key")
	w.Header().Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return true
}

func (l *originList) answer(origin string) string {
	if l.any {
		return "*"
	}
	return origin
}

// checkHost keeps other names for this address out in dev mode, where the
// server key is known to everyone: a page could point a name of its own at the
// loopback address (DNS rebinding). The host of an allowed origin is no such
// name.
func (h *Handler) checkHost(r *http.Request) error {
	if !h.opts.Dev || isLoopbackHost(r.Host) {
		return nil
	}
	for _, o := range h.opts.Origins {
		if u, err := url.Parse(o); err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
			return nil
		}
	}
	return forbidden("Host: " + core.Quote(r.Host) + " is not a loopback name, as dev mode needs")
}

// isLoopbackHost reports whether a host, with or without a port, is this
// machine by its name alone.
func isLoopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

// peer is the address at the other end of the connection.
func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// address names whose rate a request counts for: an IPv4 address, or an IPv6
// network of 64 bits, since one host has a whole such network.
func (h *Handler) address(r *http.Request) string {
	addr := peer(r)
	if h.opts.TrustProxy {
		addr = forwarded(r, addr)
	}
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

// forwarded returns the last address of X-Forwarded-For: the one that the
// proxy in front saw. Those before it are the caller's own words.
func forwarded(r *http.Request, addr netip.Addr) netip.Addr {
	values := r.Header.Values("X-Forwarded-For")
	if len(values) == 0 {
		return addr
	}
	all := strings.Split(values[len(values)-1], ",")
	if a, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
		return a.Unmap()
	}
	return addr
}
