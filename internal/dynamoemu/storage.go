package dynamoemu

import (
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"
)

// Open is a server that stores its tables in a folder, which is created if it is missing. One process at a time may
// use the folder. A file that is damaged, or of another version, is an error.
func Open(folder string) (*Server, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	s := New(Options{})
	path := filepath.Join(folder, "tables.journal")
	if err := replay(path, s.apply); err != nil {
		return nil, err
	}
	s.journal.path, s.outdated, s.stop = path, true, make(chan struct{})
	if err := s.compact(); err != nil {
		return nil, err
	}
	s.compacting.Go(s.compactRegularly)
	return s, nil
}

// Close writes what is left to write. It is called once; requests that come later fail.
func (s *Server) Close() error {
	if s.journal.path == "" {
		return nil
	}
	close(s.stop)
	s.compacting.Wait()
	return errors.Join(s.compact(), s.journal.wait(math.MaxInt64), s.journal.file.Close())
}

// commit makes a change, in memory and in the journal.
func (s *Server) commit(r record) error {
	s.journal.append(r)
	return s.apply(r)
}

// apply makes a change in memory.
func (s *Server) apply(r record) error {
	if r.Create != nil {
		t, err := newTable(*r.Create)
		if err != nil {
			return err
		}
		s.tables[r.Create.TableName] = t
	}
	if r.Drop != "" {
		delete(s.tables, r.Drop)
		s.outdated = true
	}
	for name, keys := range r.Delete {
		for _, key := range keys {
			s.tables[name].replace(key, nil)
			s.outdated = true
		}
	}
	for name, items := range r.Put {
		for _, it := range items {
			if s.tables[name].replace(it, it) != nil {
				s.outdated = true
			}
		}
	}
	return nil
}

const (
	// compactPause is how long the journal may hold what was deleted or replaced: erased personal data leaves the disk.
	compactPause = 2 * time.Second
	// compactShare keeps a big table from being written all the time: at most one part in so many.
	compactShare = 20
)

func (s *Server) compactRegularly() {
	pause := compactPause
	for {
		select {
		case <-s.stop:
			return
		case <-time.After(pause):
		}
		began := time.Now()
		if err := s.compact(); err != nil {
			slog.Error("dynamoemu could not compact its journal", "error", err)
		}
		pause = max(compactPause, compactShare*time.Since(began))
	}
}

// compact removes from the journal what is no longer in the tables.
func (s *Server) compact() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.outdated {
		return nil
	}
	s.outdated = false
	var lines []byte
	for name, t := range s.tables {
		lines = append(lines, record{Create: &t.definition}.line()...)
		for _, it := range t.primary.items {
			lines = append(lines, record{Put: map[string][]item{name: {it}}}.line()...)
		}
	}
	return s.journal.rewrite(lines)
}
