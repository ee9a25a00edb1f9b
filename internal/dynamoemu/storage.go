package dynamoemu

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Open is a server that keeps its tables in a folder, which is made if it is not there. One process at a time may have
// the folder. A file that is damaged, or of another version, is an error.
func Open(folder string) (*Server, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	s := New(Options{})
	j, err := openJournal(filepath.Join(folder, "tables.journal"), s.apply)
	if err != nil {
		return nil, err
	}
	s.journal = j
	s.compaction.stop = make(chan struct{})
	return s, s.compact()
}

// Close writes what is left to write. It is called once; requests that come later fail.
func (s *Server) Close() error {
	if s.journal == nil {
		return nil
	}
	close(s.compaction.stop)
	s.compaction.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.compact(), s.journal.close())
}

// commit makes a change, in memory and in the journal.
func (s *Server) commit(rec record) error {
	if rec.isEmpty() {
		return nil
	}
	if err := s.journal.append(rec); err != nil {
		return err
	}
	if err := s.apply(rec); err != nil {
		return err
	}
	s.scheduleCompaction()
	return nil
}

// apply makes a change in memory.
func (s *Server) apply(rec record) error {
	if rec.Create != nil {
		t, err := newTable(*rec.Create)
		if err != nil {
			return err
		}
		s.tables[rec.Create.TableName] = t
	}
	if rec.Drop != "" {
		delete(s.tables, rec.Drop)
		s.compaction.needed = true
	}
	for name, keys := range rec.Delete {
		for _, key := range keys {
			s.replace(s.tables[name], key, nil)
		}
	}
	for name, items := range rec.Put {
		for _, it := range items {
			s.replace(s.tables[name], it, it)
		}
	}
	return nil
}

func (s *Server) replace(t *table, key, new item) {
	old := t.get(key)
	t.replace(old, new)
	s.compaction.needed = s.compaction.needed || old != nil
}

const (
	// compactAfter is how long the journal may go on telling of what was deleted or replaced: personal data that is
	// erased leaves the disk too.
	compactAfter = 2 * time.Second
	// compactShare keeps a big table from being written all the time: at most one part in so many.
	compactShare = 20
)

// A compaction is the state of rewriting the journal.
type compaction struct {
	needed    bool // the journal tells of items that are gone
	scheduled bool
	took      time.Duration
	running   sync.WaitGroup
	stop      chan struct{}
}

// scheduleCompaction has the journal compacted soon. The caller holds the lock.
func (s *Server) scheduleCompaction() {
	c := &s.compaction
	if s.journal == nil || c.scheduled || !c.needed {
		return
	}
	c.scheduled = true
	wait := max(compactAfter, compactShare*c.took)
	c.running.Go(func() {
		select {
		case <-c.stop:
		case <-time.After(wait):
			s.compactNow()
		}
	})
}

func (s *Server) compactNow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compaction.scheduled = false
	began := time.Now()
	if err := s.compact(); err != nil {
		slog.Error("dynamoemu could not compact its journal", "error", err)
	}
	s.compaction.took = time.Since(began)
}

// compact leaves nothing in the journal but what is in the tables now.
func (s *Server) compact() error {
	if !s.compaction.needed {
		return nil
	}
	s.compaction.needed = false
	return s.journal.rewrite(func(yield func(record) error) error {
		for name, t := range s.tables {
			if err := yield(record{Create: &t.definition}); err != nil {
				return err
			}
			for _, it := range t.primary.everything() {
				if err := yield(record{Put: map[string][]item{name: {it}}}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
