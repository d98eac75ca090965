// Shrink writes PNG files again with 256 colours: those that are most frequent,
// and for the others the nearest of them. A picture of a user interface has few
// colours and the shades between them, so it looks the same at half the size.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"slices"
)

// heaviest is what a picture may weigh, in bytes.
const heaviest = 120_000

func main() {
	for _, path := range os.Args[1:] {
		if err := shrink(path); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

func shrink(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	small := image.NewPaletted(img.Bounds(), palette(img))
	draw.Draw(small, small.Bounds(), img, img.Bounds().Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small); err != nil {
		return err
	}
	if size := min(out.Len(), len(data)); size > heaviest {
		return fmt.Errorf("%d bytes is over %d", size, heaviest)
	}
	if out.Len() >= len(data) {
		return nil
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}

// palette picks 256 colours: of each group of colours that hardly differ the most
// frequent one, and of these the most frequent.
func palette(img image.Image) color.Palette {
	best := map[[3]uint8]color.NRGBA{}
	total := map[[3]uint8]int{}
	counts := countColours(img)
	for _, c := range sortedBy(counts) {
		group := [3]uint8{c.R >> 4, c.G >> 4, c.B >> 4}
		if total[group] == 0 {
			best[group] = c
		}
		total[group] += counts[c]
	}
	weights := map[color.NRGBA]int{}
	for group, c := range best {
		weights[c] = total[group]
	}
	// The most frequent colours are kept exactly: they are the areas.
	for _, c := range sortedBy(counts)[:min(32, len(counts))] {
		weights[c] = max(weights[c], counts[c])
	}
	var p color.Palette
	for _, c := range sortedBy(weights)[:min(256, len(weights))] {
		p = append(p, c)
	}
	return p
}

func countColours(img image.Image) map[color.NRGBA]int {
	counts := map[color.NRGBA]int{}
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			counts[color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)]++
		}
	}
	return counts
}

// sortedBy gives the colours from the most frequent to the rarest, and the same
// order for the same picture.
func sortedBy(counts map[color.NRGBA]int) []color.NRGBA {
	return slices.SortedFunc(maps.Keys(counts), func(a, b color.NRGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
}
