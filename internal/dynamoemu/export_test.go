package dynamoemu

// Compact compacts the journal at once.
func (s *Server) Compact() error { return s.compact() }
