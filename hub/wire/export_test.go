package wire

// AppendText frames any text: no builder makes a frame of every length.
func AppendText(dst []byte, text string) []byte {
	dst, start := beginFrame(dst)
	return endFrame(append(dst, text...), start)
}
