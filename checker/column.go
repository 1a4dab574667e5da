package checker

// column is an array that grows by chunks, so that a large one is never copied and
// has little room to spare. The first chunk grows like any slice.
type column[T any] struct {
	chunks [][]T
	n      int
}

const (
	chunkBits = 14
	chunkSize = 1 << chunkBits
)

func (c *column[T]) push(v T) {
	last := c.n >> chunkBits
	if last == len(c.chunks) {
		var chunk []T
		if last > 0 {
			chunk = make([]T, 0, chunkSize)
		}
		c.chunks = append(c.chunks, chunk)
	}
	c.chunks[last] = append(c.chunks[last], v)
	c.n++
}

// at is good until the next push.
func (c *column[T]) at(i int) *T { return &c.chunks[i>>chunkBits][i&(chunkSize-1)] }

func (c *column[T]) get(i int) T { return c.chunks[i>>chunkBits][i&(chunkSize-1)] }
