//go:build !race

package storetest

const runs = "100"
