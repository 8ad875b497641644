package verdict

// Apportion divides count in proportion to labels, which says how many of the asked
// objects each label has. It returns nil if fewer than nine tenths of them have a label.
// It changes labels.
func Apportion(labels map[string]int64, asked, count int64) map[string]int64 {
	var total int64
	for _, n := range labels {
		total += n
	}
	if total == 0 || 10*total < 9*asked {
		return nil
	}
	for label, n := range labels {
		labels[label] = max(1, (n*count+total/2)/total)
	}
	return labels
}
