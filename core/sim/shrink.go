package sim

// Shrink returns the fewest steps with which the seed of a failed schedule still
// fails in the same way: the first letters of the violation name the invariant.
func Shrink(r Result) (steps int) {
	low, high := 0, r.Steps
	for low < high {
		mid := (low + high) / 2
		if sameViolation(Run(r.Seed, mid, nil).Violation, r.Violation) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	if !sameViolation(Run(r.Seed, low, nil).Violation, r.Violation) {
		return r.Steps // not every longer schedule fails too: take the one that did
	}
	return low
}

func sameViolation(a, b string) bool {
	n := min(len(a), len(b), len("I11"))
	return n > 0 && a[:n] == b[:n]
}
