package server

import (
	"maps"
	"slices"
)

// Paths returns every path that is served, sorted.
func (h *Handler) Paths() []string { return slices.Sorted(maps.Keys(h.routes)) }
