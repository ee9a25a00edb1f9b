package dynamoemu

// CompactNow compacts the journal at once instead of soon.
func (s *Server) CompactNow() { s.compactNow() }
