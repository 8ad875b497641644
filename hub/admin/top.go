package admin

import "slices"

// top keeps the largest of the values that are added, the largest first.
type top[T any] struct {
	most    int
	compare func(a, b T) int
	list    []T
}

func newTop[T any](most int, compare func(a, b T) int) *top[T] {
	return &top[T]{most: most, compare: compare}
}

func (t *top[T]) add(v T) {
	descending := func(a, b T) int { return t.compare(b, a) }
	at, _ := slices.BinarySearchFunc(t.list, v, descending)
	if at == t.most {
		return
	}
	t.list = slices.Insert(t.list, at, v)
	t.list = t.list[:min(len(t.list), t.most)]
}
