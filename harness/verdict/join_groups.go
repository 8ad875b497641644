package verdict

// union is a disjoint-set forest over the indexes of the candidates.
type union []int

func newUnion(n int) union {
	u := make(union, n)
	for i := range u {
		u[i] = i
	}
	return u
}

func (u union) find(i int) int {
	for u[i] != i {
		u[i] = u[u[i]]
		i = u[i]
	}
	return i
}

// merge keeps the smaller root, so that groups stay in the order of their first candidate.
func (u union) merge(i, j int) {
	a, b := u.find(i), u.find(j)
	u[max(a, b)] = min(a, b)
}

// groups returns the groups. A shared candidate goes into the group of each of its parts,
// with the count of that part.
func (u union) groups(candidates []*candidate, shared map[int][]int) []group {
	var groups []group
	at := make(map[int]int)
	for i, c := range candidates {
		if shared[i] != nil {
			continue
		}
		root := u.find(i)
		if _, ok := at[root]; !ok {
			at[root] = len(groups)
			groups = append(groups, nil)
		}
		groups[at[root]] = append(groups[at[root]], c)
	}
	for i, c := range candidates {
		for _, part := range shared[i] {
			g := at[u.find(part)]
			groups[g] = append(groups[g], c.part(candidates[part]))
		}
	}
	return groups
}

// part returns the share of c that another candidate accounts for.
func (c *candidate) part(of *candidate) *candidate {
	p := *c
	p.Bytes = int64(float64(c.Bytes) * float64(of.Count) / float64(max(1, c.Count)))
	p.Count, p.PerCycle, p.source = of.Count, of.PerCycle, of.source
	return &p
}
