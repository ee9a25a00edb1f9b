package dynamoemu

import "time"

// An itemID names one item of all tables.
type itemID struct{ table, partition, sort string }

// keep keeps the items of a transaction for the transaction time. It is called and returns with the lock held, and
// lets go of it meanwhile: others read the items as they were before, and may not write them.
func (s *Server) keep(changes []change) {
	if s.transactionTime == 0 {
		return
	}
	for _, c := range changes {
		s.kept[c.id()] = true
	}
	s.mu.Unlock()
	time.Sleep(s.transactionTime)
	s.mu.Lock()
	for _, c := range changes {
		delete(s.kept, c.id())
	}
}
