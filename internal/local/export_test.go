package local

// ReadMail is a message as the recorder understands it.
func ReadMail(raw []byte) (Mail, error) {
	var m Mail
	return m, m.read(raw)
}
