package local

// Tidy compacts the journal at once instead of soon.
func (e *Engine) Tidy() { e.tidyNow() }

// ReadMail is a message as the recorder understands it.
func ReadMail(raw []byte) (Mail, error) {
	var m Mail
	return m, m.read(raw)
}
