package log

import "fmt"

func (s *Store) Debug() string {
	r := &s.ring
	t := fmt.Sprintf("lap %d pos %d/%d tail %d oldest %d number %d urgent %d normal %d;", r.lap, r.pos, r.blocks, r.tail, r.oldest, r.number, s.urgent.n, s.normal.n)
	for i := range r.files {
		t += fmt.Sprintf(" [%d: live %d kept %d]", i, r.files[i].live, r.files[i].kept)
	}
	return t
}
